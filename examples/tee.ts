// Standard input to FILE… and the standard output: each piece by writes that go to the kernel together.
import type { FileHandle } from 'node:fs/promises';
import { parseArgs, promisify } from 'node:util';
import { backend, fs, open, sleep } from 'ringcore';
import { codeOf, report, run } from './support/run.js';
import { standardInput } from './support/standard_input.js';

const write = promisify(fs.write);
const stdout = 1;

interface Output {
  name: string;
  fd: number;
}

/** Writes all of `data` where the file's own position is: pipes and terminals have no other, and `>> file` has its end. */
async function writeAll(fd: number, data: Buffer): Promise<void> {
  for (let offset = 0; offset < data.length;) {
    try {
      // A write may be short: a pipe takes what it has room for.
      offset += (await write(fd, data, offset, data.length - offset, null)).bytesWritten;
    } catch (error) {
      // A pipe that is full and that someone has made non-blocking. The ring waits in the kernel; node's own does not.
      if (codeOf(error) !== 'EAGAIN' || backend.name !== 'node') throw error;
      await sleep(1);
    }
  }
}

/** Writes one piece to every output; returns those that took it. */
async function writeToAll(outputs: Output[], data: Buffer): Promise<Output[]> {
  const outcomes = await Promise.allSettled(outputs.map(({ fd }) => writeAll(fd, data)));
  return outputs.filter(({ name, fd }, index) => {
    const outcome = outcomes[index]!;
    if (outcome.status === 'fulfilled') return true;
    // Nobody reads the standard output any more: that ends it, as it does with any filter.
    if (fd === stdout && codeOf(outcome.reason) === 'EPIPE') throw outcome.reason;
    // A disk that is full is no reason to keep the data from the others.
    report('tee', new Error(`${name}: ${(outcome.reason as Error).message}`));
    return false;
  });
}

await run('tee', async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { append: { type: 'boolean', short: 'a', default: false } },
  });
  const files: FileHandle[] = [];
  let outputs: Output[] = [{ name: 'standard output', fd: stdout }];
  try {
    for (const name of positionals) {
      try {
        const file = await open(name, values.append ? 'a' : 'w');
        files.push(file);
        outputs.push({ name, fd: file.fd });
      } catch (error) {
        report('tee', error);
      }
    }
    for await (const piece of standardInput() as AsyncIterable<Buffer>) {
      // The next piece only when every output has this one: nothing overtakes, and no more than a piece is held.
      outputs = await writeToAll(outputs, piece);
      if (outputs.length === 0) break;
    }
  } finally {
    for (const file of files) await file.close();
  }
});
