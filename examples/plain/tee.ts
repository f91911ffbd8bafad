// The twin of tee on plain node: the standard input to FILE… and the standard output.
import { open } from 'node:fs/promises';
import process from 'node:process';
import { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { run } from '../support/run.js';

await run('tee', async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { append: { type: 'boolean', short: 'a', default: false } },
  });
  const files = await Promise.all(positionals.map((name) => open(name, values.append ? 'a' : 'w')));
  const outputs: Writable[] = [process.stdout, ...files.map((file) => file.createWriteStream())];
  const write = (output: Writable, piece: Buffer): Promise<void> =>
    new Promise((resolve, reject) => output.write(piece, (error) => (error ? reject(error) : resolve())));
  const all = new Writable({
    write(piece: Buffer, _encoding, callback) {
      // Each write of a file takes a thread of the pool.
      Promise.all(outputs.map((output) => write(output, piece))).then(() => callback(), callback);
    },
  });
  await pipeline(process.stdin, all);
  await Promise.all(outputs.slice(1).map((output) => finished(output.end())));
});
