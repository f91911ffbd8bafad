/**
 * FileHandle.read of 4 KiB at random places of a file of 100 MB, `depth` at once; in mode `direct` past the page cache.
 */
import { constants } from 'node:fs';
import { bigBytes, bigPath, blockBytes, isBlock } from '../harness/data.js';
import { loadFsPromises } from './implementation.js';
import { measure, verify } from './measure.js';
import { spec } from './protocol.js';

const { open } = await loadFsPromises();
const direct = spec.mode === 'direct' ? constants.O_DIRECT : 0;
const handle = await open(bigPath(spec.directory ?? ''), constants.O_RDONLY | direct);
const count = 2 * (spec.depth ?? 1);
// A resizable ArrayBuffer begins at a page, as O_DIRECT wants it. The same memory for everyone.
const PageAligned = ArrayBuffer as new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer;
const memory = Buffer.from(new PageAligned(count * blockBytes, { maxByteLength: count * blockBytes }));
const buffers = Array.from({ length: count }, (_, index) =>
  memory.subarray(index * blockBytes, (index + 1) * blockBytes),
);
const free = [...buffers];
const blocks = bigBytes / blockBytes;

await measure(async (index) => {
  const buffer = free.pop();
  verify(buffer !== undefined, 'a buffer is left');
  // The same places in the same order for everyone.
  const block = Math.imul(index, 2654435761) >>> 0;
  const number = block % blocks;
  buffer.writeUInt32LE(0xffffffff);
  const { bytesRead } = await handle.read(buffer, 0, blockBytes, number * blockBytes);
  verify(bytesRead === blockBytes && isBlock(buffer, 0, number), `block ${number}`);
  free.push(buffer);
});
