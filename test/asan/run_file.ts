// Runs a test file with the addon under the sanitizers.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Outcome {
  ok: boolean;
  output: string;
}

/** `file`: as in `test/`, without `.test.ts`. */
export async function runFile(file: string, env: NodeJS.ProcessEnv): Promise<Outcome> {
  const compiled = join(import.meta.dirname, '..', `${file}.test.js`);
  const child = spawn(process.execPath, ['--enable-source-maps', '--expose-gc', compiled], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { ok: code === 0, output };
}
