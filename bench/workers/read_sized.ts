/** readFile of one file, from a byte to a GiB. */
import { blockBytes, isBlock, sizedPath } from '../harness/data.js';
import { loadFsPromises } from './implementation.js';
import { measure, verify } from './measure.js';
import { spec } from './protocol.js';

const { readFile } = await loadFsPromises();
const { directory = '', bytes = 0 } = spec;
const path = sizedPath(directory, bytes);
const strideBytes = 64 * blockBytes;

await measure(
  async () => {
    const data = await readFile(path);
    verify(data.length === bytes, path);
    if (bytes < 8) return;
    verify(data.readUInt32LE(bytes - 4) === 0xffffffff, path);
    for (let at = 0; at < bytes; at += strideBytes) verify(isBlock(data, at, at / blockBytes), path);
  },
  { atLeast: 2 },
);
