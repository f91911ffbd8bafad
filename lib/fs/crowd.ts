/**
 * Whether short reads come one by one or in a crowd. One is cheapest as a system call that answers at once; a crowd goes to
 * the ring in one (docs/decisions/0006). How many there are shows where they wait for the ring: at the latest when a turn of
 * the event loop has no answers left.
 *
 * @module
 */
import type { Settle } from './request.js';

/** From so many on the ring is cheaper. */
const crowdSize = 8;

/** How many the ring has, and the most of them since it had none. */
let inRing = 0;
let most = 0;
let crowded = false;

/** Whether so many are in the ring, or were when the last of them ended: they tend to come again. */
export function isCrowded(): boolean {
  return crowded;
}

/** Counts a read that goes to the ring, until it settles. */
export function counted(settle: Settle): Settle {
  most = Math.max(most, ++inRing);
  crowded ||= most >= crowdSize;
  return (res) => {
    if (--inRing === 0) {
      crowded = most >= crowdSize;
      most = 0;
    }
    settle(res);
  };
}
