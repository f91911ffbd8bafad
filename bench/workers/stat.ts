/** stat of small files, `depth` at once. */
import { statSync } from 'node:fs';
import { blockBytes, smallFiles, smallPath } from '../harness/data.js';
import { loadFsPromises } from './implementation.js';
import { measure, verify } from './measure.js';
import { spec } from './protocol.js';

const { stat } = await loadFsPromises();
const { directory = '' } = spec;
const paths = Array.from({ length: smallFiles }, (_, file) => smallPath(directory, file));
const inodes = paths.map((path) => statSync(path).ino);

await measure(async (index) => {
  const file = index % smallFiles;
  const { ino, size } = await stat(paths[file] ?? '');
  verify(ino === inodes[file] && size === blockBytes, paths[file] ?? '');
});
