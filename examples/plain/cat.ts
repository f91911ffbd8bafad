// The twin of cat (and raw_ring, linked_cat, direct_read, sqpoll) on plain node: FILE… to the standard output.
import { createReadStream } from 'node:fs';
import process from 'node:process';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { codeOf, report, run } from '../support/run.js';

await run('cat', async () => {
  const { positionals } = parseArgs({ allowPositionals: true });
  for (const path of positionals.length > 0 ? positionals : ['-']) {
    try {
      const input = path === '-' ? process.stdin : createReadStream(path);
      await pipeline(input, process.stdout, { end: false });
    } catch (error) {
      if (codeOf(error) === 'EPIPE') throw error;
      report('cat', error);
    }
  }
});
