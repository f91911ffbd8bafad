/** readFile of small files, `depth` at once. */
import { blockBytes, content, isBlock, smallFiles, smallPath } from '../harness/data.js';
import { loadFsPromises } from './implementation.js';
import { measure, verify } from './measure.js';
import { spec } from './protocol.js';

const { readFile } = await loadFsPromises();
const { directory = '' } = spec;
const paths = Array.from({ length: smallFiles }, (_, file) => smallPath(directory, file));
const contents = paths.map((_, file) => content(file, blockBytes));

await measure(async (index) => {
  const file = index % smallFiles;
  const data = await readFile(paths[file] ?? '');
  verify(data.length === blockBytes && isBlock(data, 0, file), paths[file] ?? '');
  // Comparing all of every file would cost more than ringcore's reading: its ends always, the whole of one in 16.
  verify(data.readUInt32LE(blockBytes - 4) === ~file >>> 0, paths[file] ?? '');
  if (index % 16 === 0) verify(data.equals(contents[file] ?? data), paths[file] ?? '');
});
