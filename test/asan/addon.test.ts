// The addon under AddressSanitizer and UndefinedBehaviorSanitizer: operations of every kind, streams, sockets, workers,
// and generated calls. More of it: npm run test:asan.
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { fuzz } from '../fuzz/processes.js';
import { directory, sanitized } from './environment.js';
import { runFile } from './run_file.js';

const env = sanitized();
const skip = typeof env === 'string' ? env : false;

t.test('it is the addon that is loaded', { skip }, async (t) => {
  const program = `import 'ringcore/core'; import { readFileSync } from 'node:fs';
    console.log(readFileSync('/proc/self/maps', 'utf8'));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: env as NodeJS.ProcessEnv,
    encoding: 'utf8',
  });
  t.match(stdout, `${directory}/build/Release/ringcore.node`);
});

for (const file of ['core/file_ops', 'core/chain', 'core/buffers', 'fs/extras', 'net/echo']) {
  t.test(file, { skip }, async (t) => {
    const { ok, output } = await runFile(file, env as NodeJS.ProcessEnv);
    t.ok(ok, output);
  });
}

t.test('generated calls', { skip }, async (t) => {
  const { failures } = await fuzz({ seed: 1, calls: 100_000, seconds: 10, env: env as NodeJS.ProcessEnv });
  t.strictSame(failures, []);
});
