// Short forms of npm run test:soak and test:gc.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';

for (const args of [[], ['--gc']]) {
  t.test(`mixed work for some seconds ${args.join()}`, async (t) => {
    const main = join(import.meta.dirname, 'main.js');
    const child = spawn(
      process.execPath,
      ['--expose-gc', '--enable-source-maps', main, '--seconds', '8', ...args],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    t.strictSame([code, signal], [0, null], output);
  });
}
