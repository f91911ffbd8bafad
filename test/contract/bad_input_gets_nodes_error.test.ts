// Promise 11: bad input gets node's own error (class, code, message) before anything reaches the kernel.
// As many calls as there is time for, always the same; 100,000 of others: npm run test:fuzz.
// Shown to fail: `validatedFd` (lib/core/validate.ts) returning what it is given: other errors, or none; `undo` in
// lib/fs/stream_options.ts doing nothing: descriptors stay open. `Args::slice` (native/binding/args.cc) without the first or the
// second of its comparisons: the kernel was given memory that is not the view's.
import { closeSync, openSync } from 'node:fs';
import t from 'tap';
import { core } from 'ringcore';
import { exception } from '../core/support.js';
import { fuzz } from '../fuzz/processes.js';
import { scaled } from '../slowness.js';

const seconds = scaled(30);

t.test(`calls of fs, net and core with generated arguments for ${seconds} s`, async (t) => {
  const { calls, failures } = await fuzz({ seed: 1, calls: 100_000, seconds });
  t.comment(`${calls} calls`);
  t.ok(calls > 100);
  t.strictSame(failures, []);
});

t.test('what has got past every other check does not leave its view', async (t) => {
  const fd = openSync('/dev/null', 'w');
  const ring = core.Ring.open();
  t.teardown(() => {
    ring.close();
    closeSync(fd);
  });
  const view = new Uint8Array(16).subarray(3, 13);
  const write = (offset: number, length: number) => () =>
    ring.native.write(0, 0, fd, view, offset, length, -1, 0);
  for (const [offset, length] of [
    [0, 11],
    [1, 10],
    [10, 1],
    [11, 0],
    [-1, 1],
    [0, -1],
    [2, -1],
    [2 ** 32, 1],
  ] as const) {
    t.match(
      exception(write(offset, length)),
      { code: 'ERR_INVALID_STATE' },
      `${length} bytes from ${offset}`,
    );
  }
  t.strictSame([ring.stats().inFlight, ring.stats().operations['write']], [0, undefined]);
});
