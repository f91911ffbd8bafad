// Short forms of npm run test:soak and test:gc.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';

async function soak(
  ...args: string[]
): Promise<{ code: number | null; signal: string | null; output: string }> {
  const main = join(import.meta.dirname, 'main.js');
  const child = spawn(process.execPath, ['--expose-gc', '--enable-source-maps', main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, output };
}

for (const args of [[], ['--gc']]) {
  t.test(`mixed work for some seconds ${args.join()}`, async (t) => {
    const { code, signal, output } = await soak('--seconds', '8', ...args);
    t.strictSame([code, signal], [0, null], output);
  });
}

t.test('one that is too short to tell says so', async (t) => {
  const { code, output } = await soak('--seconds', '0');
  t.equal(code, 0, output);
  t.match(output, 'rounds between the two: 0, which says little');
});
