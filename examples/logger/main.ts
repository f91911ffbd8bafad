// The lines of the standard input to the end of FILE, many with one WRITEV; others may append to it as well.
import process from 'node:process';
import { addAbortSignal, type Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { AppendLog } from './append_log.js';
import { run } from '../support/run.js';
import { standardInput } from '../support/standard_input.js';

const newline = Buffer.from('\n');

/** Lines as they come, with their newlines; the last one gets one if it has none. An abort is an end as well. */
async function* linesOf(input: Readable, signal: AbortSignal): AsyncGenerator<Buffer[]> {
  let begun: Buffer[] = [];
  try {
    for await (const piece of addAbortSignal(signal, input) as AsyncIterable<Buffer>) {
      const lines: Buffer[] = [];
      let from = 0;
      for (let end; (end = piece.indexOf(newline, from) + 1) > 0; from = end) {
        const line = piece.subarray(from, end);
        lines.push(begun.length === 0 ? line : Buffer.concat([...begun, line]));
        begun = [];
      }
      if (from < piece.length) begun.push(piece.subarray(from));
      yield lines;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (begun.length > 0) yield [Buffer.concat([...begun, newline])];
}

await run('logger', async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { tag: { type: 'string' }, sync: { type: 'boolean', default: false } },
  });
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) {
    throw new Error('usage: logger [--tag TEXT] [--sync] FILE');
  }
  const tag = values.tag === undefined ? undefined : Buffer.from(`${values.tag}: `);

  // What was logged before a Ctrl-C is written all the same.
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

  const log = await AppendLog.open(path);
  try {
    for await (const lines of linesOf(standardInput(), stop.signal)) {
      let room = true;
      for (const line of lines) room = log.log(tag === undefined ? line : Buffer.concat([tag, line]));
      if (!room) await log.flush();
    }
  } finally {
    await log.close(values.sync);
  }
  console.error(`logger: ${log.written.lines} lines in ${log.written.requests} writes`);
});
