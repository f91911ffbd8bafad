// A copy of which the kernel does every block by itself: a read, and a write that begins when it has succeeded.
import { chain, close, constants, fsync, openat, read, statx, write } from 'ringcore/core';

const { O_CREAT, O_EXCL, O_WRONLY } = constants;

const blockBytes = 64 * 1024;
/** So many pairs are in flight at a time, and enter the kernel together. */
const lanes = 16;

/** Copies a file to a new one, which is on the disk when this resolves. */
export async function linkedCopy(from: string, to: string): Promise<void> {
  const source = await openat(from);
  try {
    const { size } = await statx(source);
    const target = await openat(to, { oflags: O_WRONLY | O_CREAT | O_EXCL });
    try {
      await copyBlocks(source, target, size);
      await fsync(target);
    } finally {
      await close(target);
    }
  } finally {
    await close(source);
  }
}

/**
 * The pairs may overtake each other, since each knows its position; and each knows its length, so that the last one is
 * whole too. Should the file have become shorter meanwhile, a read is short: that severs its link, and the chain rejects.
 */
async function copyBlocks(source: number, target: number, size: number): Promise<void> {
  const positions = range(size, blockBytes);
  const lane = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafe(blockBytes);
    // All lanes take from one iterator: each gets the next position that nobody has.
    for (const position of positions) {
      const length = Math.min(blockBytes, size - position);
      await chain([read(source, buffer, { length, position }), write(target, buffer, { length, position })]);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** 0, `step`, 2 `step`, … below `end`. */
function* range(end: number, step: number): Generator<number> {
  for (let value = 0; value < end; value += step) yield value;
}
