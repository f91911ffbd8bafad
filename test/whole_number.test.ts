// A long test that was asked for nonsense ran nothing, and called it a success.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('../..', import.meta.url));

for (const [command, option, ...others] of [
  ['build/test/faults/main.js', '--runs'],
  ['build/test/faults/main.js', '--seed'],
  ['build/test/soak/main.js', '--seconds'],
  ['build/test/soak/main.js', '--operations', '--seconds', '0'],
  ['scripts/test_native.mjs', '--runs', 'test/native/simulated'],
  ['scripts/test_native.mjs', '--seed', 'test/native/simulated'],
  ['scripts/test_native.mjs', '--variant', 'test/native/simulated'],
] as [string, string, ...string[]][]) {
  for (const value of ['abc', '', '1.5', 'NaN']) {
    t.test(`${command} ${option}=${value}`, async (t) => {
      const { status, stderr } = spawnSync(
        process.execPath,
        ['--expose-gc', join(root, command), `${option}=${value}`, ...others],
        { cwd: root, encoding: 'utf8', timeout: 60_000 },
      );
      t.equal(status, 2);
      t.match(stderr, `${option} ${value}: `);
    });
  }
}

for (const command of ['build/test/faults/main.js', 'build/test/soak/main.js', 'scripts/test_native.mjs']) {
  t.test(`${command} says what it can be told`, async (t) => {
    const told = (option: string) =>
      spawnSync(process.execPath, ['--expose-gc', join(root, command), option], {
        cwd: root,
        encoding: 'utf8',
        timeout: 60_000,
      });
    const help = told('--help');
    t.match(help, { status: 0, stdout: /^usage: npm run test:\w+ -- \[--s.* N\]/ });
    t.match(told('--sed'), { status: 2, stderr: `Unknown option '--sed'` });
    t.match(told('--sed').stderr, help.stdout);
  });
}
