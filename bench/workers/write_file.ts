/** writeFile of 4 KiB, `depth` at once, each over a file that is there already. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blockBytes, content, smallFiles } from '../harness/data.js';
import { loadFsPromises } from './implementation.js';
import { measure, verify } from './measure.js';
import { spec } from './protocol.js';

const { writeFile } = await loadFsPromises();
const { outputDirectory = '' } = spec;
const paths = Array.from({ length: smallFiles }, (_, file) => join(outputDirectory, `written-${file}`));
const contents = paths.map((_, file) => content(file, blockBytes));
let written = 0;

await measure(
  async (index) => {
    const file = index % smallFiles;
    await writeFile(paths[file] ?? '', contents[file] ?? '');
    written = Math.max(written, index + 1);
  },
  {
    begin: () => (written = 0),
    // All files at the end, when the clock has stopped.
    details: () => {
      for (let file = 0; file < Math.min(written, smallFiles); file++) {
        verify(readFileSync(paths[file] ?? '').equals(contents[file] ?? Buffer.alloc(0)), paths[file] ?? '');
      }
      return {};
    },
  },
);
