// FILE…, or - for the standard input, to the standard output: one awaited operation after another.
import { close, openat, read } from 'ringcore/core';
import { parseArgs } from 'node:util';
import { codeOf, report, run } from './support/run.js';
import { refuseEndlessCopy, stdin, stdout, writeAll } from './support/standard_output.js';

async function copy(fd: number, path: string): Promise<void> {
  await refuseEndlessCopy(fd, path);
  const buffer = Buffer.allocUnsafe(64 * 1024);
  for (;;) {
    // No position: the file's own, which moves on with each read. Pipes and terminals have no other, and of a file that
    // the shell has opened for us (`cat - < file`) someone may have read a part already.
    const bytes = await read(fd, buffer, { position: null });
    // A read may be short, and is then not the end of the file: only 0 is.
    if (bytes === 0) return;
    await writeAll(stdout, buffer.subarray(0, bytes));
  }
}

async function cat(path: string): Promise<void> {
  if (path === '-') return copy(stdin, path);
  const fd = await openat(path);
  try {
    await copy(fd, path);
  } finally {
    await close(fd);
  }
}

await run('cat', async () => {
  const { positionals } = parseArgs({ allowPositionals: true });
  for (const path of positionals.length > 0 ? positionals : ['-']) {
    try {
      await cat(path);
    } catch (error) {
      // Nobody reads any more: that ends it. A file that cannot be read does not.
      if (codeOf(error) === 'EPIPE') throw error;
      report('cat', error);
    }
  }
});
