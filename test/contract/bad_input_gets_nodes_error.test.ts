// Promise 11: bad input gets node's own error (class, code, message) before anything reaches the kernel.
// As many calls as there is time for, always the same; 100,000 of others: npm run test:fuzz.
// Shown to fail: `validatedFd` (lib/core/validate.ts) returning what it is given: other errors, or none; `undo` in
// lib/fs/stream_options.ts doing nothing: descriptors stay open.
import t from 'tap';
import { fuzz } from '../fuzz/processes.js';
import { scaled } from '../slowness.js';

const seconds = scaled(30);

t.test(`calls of fs, net and core with generated arguments for ${seconds} s`, async (t) => {
  const { calls, failures } = await fuzz({ seed: 1, calls: 100_000, seconds });
  t.comment(`${calls} calls`);
  t.ok(calls > 100);
  t.strictSame(failures, []);
});
