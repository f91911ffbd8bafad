// Promise 11: bad input gets node's own error (class, code, message) before anything reaches the kernel.
// (100,000 calls: npm run test:fuzz.)
// Shown to fail: `validatedFd` (lib/core/validate.ts) returning what it is given: other errors, or none.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';

t.test('800 calls of fs, net and core with generated arguments', async (t) => {
  const run = join(import.meta.dirname, '../fuzz/run.js');
  const child = spawn(process.execPath, ['--enable-source-maps', '--no-deprecation', run, '1', '800'], {
    env: { ...process.env, RINGCORE_BACKEND: 'io_uring' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  t.strictSame([code, signal, output], [0, null, '800 calls, 0 differences\n']);
});
