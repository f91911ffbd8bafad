// The twin of logger on plain node: the lines of the standard input to the end of FILE.
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { run } from '../support/run.js';

await run('logger', async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { tag: { type: 'string' } },
  });
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) throw new Error('usage: logger [--tag TEXT] FILE');
  const tag = values.tag === undefined ? '' : `${values.tag}: `;
  const log = createWriteStream(path, { flags: 'a' });
  let lines = 0;
  for await (const line of createInterface(process.stdin)) {
    lines++;
    // The stream gathers what is written while a write is on its way, and writes it by one writev.
    if (!log.write(`${tag}${line}\n`)) await once(log, 'drain');
  }
  await finished(log.end());
  console.error(`logger: ${lines} lines`);
});
