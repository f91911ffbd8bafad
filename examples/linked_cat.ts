// FILE as cat has it, by pairs of a read and a write: linked, so that the kernel runs one after the other.
import { chain, ChainError, close, openat, read, write } from 'ringcore/core';
import { parseArgs } from 'node:util';
import { run } from './support/run.js';
import { refuseEndlessCopy, stdout, writeAll } from './support/standard_output.js';

const blockBytes = 32 * 1024;
/** So many pairs go to the kernel with one io_uring_enter. */
const pairs = 8;

type Outcome = PromiseSettledResult<number>;

/**
 * read -> write -> read -> write -> …, in the kernel. Each begins when the one before it has succeeded, so one buffer
 * serves them all. Neither file is given a position: each has its own, which moves on by what was transferred.
 */
async function runPairs(fd: number, buffer: Buffer): Promise<Outcome[]> {
  const members = Array.from({ length: pairs }, () => [
    read(fd, buffer, { position: null }),
    write(stdout, buffer, { position: null }),
  ]).flat();
  try {
    const counts = await chain(members);
    return counts.map((value) => ({ status: 'fulfilled', value }));
  } catch (error) {
    // A chain that was severed tells how far each of its members came.
    if (!(error instanceof ChainError)) throw error;
    return error.results as Outcome[];
  }
}

/**
 * A link holds only if the read or write before it did all that it was asked to do. A short one severs it, and whatever
 * follows is cancelled (ECANCELED) without having done anything. So the first member that is not complete tells exactly
 * where the copy stands; from there it goes on without links. False: this was the end of the file.
 */
async function finishByHand(outcomes: Outcome[], buffer: Buffer): Promise<boolean> {
  const index = outcomes.findIndex((outcome) => outcome.status === 'rejected' || outcome.value < blockBytes);
  const outcome = outcomes[index];
  if (outcome === undefined) return true;
  if (outcome.status === 'rejected') throw outcome.reason;
  const isRead = index % 2 === 0;
  if (isRead) {
    // The tail, which is shorter than a block; or a pipe or terminal, which gives what it has.
    await writeAll(stdout, buffer.subarray(0, outcome.value));
    return outcome.value > 0;
  }
  // A pipe that took what it had room for.
  await writeAll(stdout, buffer.subarray(outcome.value));
  return true;
}

await run('linked_cat', async () => {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) throw new Error('usage: linked_cat FILE');

  const fd = await openat(path);
  try {
    await refuseEndlessCopy(fd, path);
    const buffer = Buffer.allocUnsafe(blockBytes);
    while (await finishByHand(await runPairs(fd, buffer), buffer));
  } finally {
    await close(fd);
  }
});
