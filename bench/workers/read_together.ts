/** readFile of 100 files of 1 KiB, all started at once; again when the last one has come. */
import { isBlock, tinyBytes, tinyFiles, tinyPath } from '../harness/data.js';
import { loadFsPromises } from './implementation.js';
import { measure, verify } from './measure.js';
import { spec } from './protocol.js';

const { readFile } = await loadFsPromises();
const paths = Array.from({ length: tinyFiles }, (_, file) => tinyPath(spec.directory ?? '', file));

await measure(async () => {
  const contents = await Promise.all(paths.map((path) => readFile(path)));
  contents.forEach((data, file) => {
    verify(data.length === tinyBytes && isBlock(data, 0, file), paths[file] ?? '');
    verify(data.readUInt32LE(tinyBytes - 4) === ~file >>> 0, paths[file] ?? '');
  });
});
