/** 100 MB: readFile, a stream that is drained, a stream piped into another or into nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { bigBytes, bigPath, blockBytes, isBlock } from '../harness/data.js';
import { loadFs, loadFsPromises } from './implementation.js';
import { measure, verify } from './measure.js';
import { spec } from './protocol.js';

const fs = await loadFs();
const { readFile } = await loadFsPromises();
const source = bigPath(spec.directory ?? '');
const destination = join(spec.outputDirectory ?? '', 'big-copy');
const strideBytes = 16 * blockBytes;

/** Every 64 KiB one block's number; `position` is the data's place in the file. */
function verifyPart(data: Buffer, position: number): void {
  const firstAt = (strideBytes - (position % strideBytes)) % strideBytes;
  for (let at = firstAt; at + 4 <= data.length; at += strideBytes) {
    verify(isBlock(data, at, (position + at) / blockBytes), `byte ${position + at} of ${source}`);
  }
}

const ways: Record<string, () => Promise<void>> = {
  async readFile() {
    const data = await readFile(source);
    verify(data.length === bigBytes, `length of ${source}`);
    verifyPart(data, 0);
  },
  async drain() {
    let position = 0;
    await new Promise<void>((resolve, reject) => {
      fs.createReadStream(source)
        .on('data', (chunk) => {
          verifyPart(chunk as Buffer, position);
          position += chunk.length;
        })
        .on('error', reject)
        .on('end', resolve);
    });
    verify(position === bigBytes, `length of ${source}`);
  },
  async pipe() {
    await pipeline(fs.createReadStream(source), fs.createWriteStream(destination));
  },
  async cat() {
    const from = fs.createReadStream(source);
    const into = fs.createWriteStream('/dev/null');
    await pipeline(from, into);
    verify(from.bytesRead === bigBytes && into.bytesWritten === bigBytes, 'bytes');
  },
};

const way = ways[spec.mode ?? ''];
if (!way) throw new Error(`no way ${spec.mode}`);
const pipes = spec.mode === 'pipe';
await measure(way, {
  atLeast: spec.mode === 'cat' ? 1 : 2,
  details: () => {
    // What was written is verified whole, once, when the clock has stopped.
    if (pipes) verify(readFileSync(destination).equals(readFileSync(source)), destination);
    return {};
  },
});
