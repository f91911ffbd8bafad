/** By how much the resident memory grows, at its most, while 1 GiB goes through a stream or copyFile. */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bigPath, blockBytes, hugeBytes, isBlock, sizedPath } from '../harness/data.js';
import { loadFs, loadFsPromises } from './implementation.js';
import { measure, verify } from './measure.js';
import { spec } from './protocol.js';
import { growthMiB, markMemory } from './resident.js';

const fs = await loadFs();
const { copyFile } = await loadFsPromises();
const { directory = '', outputDirectory = '' } = spec;
const source = sizedPath(directory, hugeBytes);
const destination = join(outputDirectory, 'copied-huge');

function drain(path: string, bytes?: number): Promise<void> {
  let position = 0;
  return new Promise((resolve, reject) => {
    fs.createReadStream(path, bytes === undefined ? {} : { end: bytes - 1 })
      .on('data', (chunk) => {
        verify(isBlock(chunk as Buffer, 0, position / blockBytes), `byte ${position}`);
        position += chunk.length;
      })
      .on('error', reject)
      .on('end', () => {
        verify(position === (bytes ?? hugeBytes), 'length');
        resolve();
      });
  });
}

const ways: Record<string, { begin: () => Promise<void>; all: () => Promise<void> }> = {
  // The code that does it is in memory, and compiled, before the growth begins.
  stream: { begin: () => drain(bigPath(directory), 1024 * 1024), all: () => drain(source) },
  copyFile: {
    begin: () => copyFile(join(directory, 'small-0'), destination),
    async all() {
      await copyFile(source, destination);
      verify(statSync(destination).size === hugeBytes, destination);
    },
  },
};

const way = ways[spec.mode ?? ''];
if (!way) throw new Error(`no way ${spec.mode}`);
await way.begin();
const before = markMemory();
await measure(way.all, {
  atLeast: 1,
  details: () => {
    rmSync(destination, { force: true });
    return { growthMiB: growthMiB(before) };
  },
});
