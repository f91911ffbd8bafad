// For tests of calls that are answered from memory: which way one has gone, and how to make it go the other.
import { ring } from 'ringcore/core';

const out = new Uint8Array(256);

/** From here on until the event loop turns, calls go to the ring: this turn's share of answers at once is used up. */
export function useUpTurn(): void {
  while (ring().native.statAtOnce('/', true, out) === 0);
}

/** Waits until the event loop has turned; nothing is used up then. */
export function newTurn(): Promise<void> {
  // The first may come before this turn is over.
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** How many calls `run` had answered at once. */
export async function answeredAtOnce(run: () => unknown): Promise<number> {
  await newTurn();
  const before = ring().stats().atOnce;
  await run();
  return ring().stats().atOnce - before;
}
