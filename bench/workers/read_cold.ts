/** readFile of small files that the page cache does not have, `depth` at once. */
import { spawnSync } from 'node:child_process';
import { blockBytes, coldFiles, coldListPath, coldPath, isBlock } from '../harness/data.js';
import { loadFsPromises } from './implementation.js';
import { measureRounds, verify } from './measure.js';
import { spec } from './protocol.js';

const { readFile } = await loadFsPromises();
const { directory = '', dropCache = '' } = spec;
const paths = Array.from({ length: coldFiles }, (_, file) => coldPath(directory, file));

function dropAll(): void {
  const { status, stderr } = spawnSync(dropCache, ['--list', coldListPath(directory)], { encoding: 'utf8' });
  verify(status === 0, `${dropCache}: ${stderr}`);
}

async function readOne(index: number): Promise<void> {
  // All over the place, lest the device reads ahead: an odd number and a power of two have no common factor.
  const file = (index * 997) % coldFiles;
  const data = await readFile(paths[file] ?? '');
  const isWhole = data.length === blockBytes && data.readUInt32LE(blockBytes - 4) === ~file >>> 0;
  verify(isWhole && isBlock(data, 0, file), paths[file] ?? '');
}

await measureRounds(dropAll, readOne, coldFiles);
