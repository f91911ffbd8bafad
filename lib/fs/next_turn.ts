/**
 * What is answered from memory has a share of each turn of the event loop. Where the way through the ring costs several
 * times as much, it is cheaper to wait for the next turn, in order, than to ask the ring.
 *
 * @module
 */
import { ring } from '../core/backend.js';
import type { NativeRing } from '../core/binding.js';
import { atExit } from '../core/exiting.js';
import { EAGAIN } from './errors.js';
import { setImmediate } from '../core/unmocked.js';

type AtOnce = (native: NativeRing) => number;

const waiting: (() => void)[] = [];
let scheduled = false;
let expectsExit = false;

/** The process ends without another turn: what waits for one is done now. */
function expectExit(): void {
  if (expectsExit) return;
  expectsExit = true;
  atExit(() => {
    ring().native.beginLastTurn();
    for (const proceed of waiting.splice(0)) proceed();
  });
}

function schedule(): void {
  if (scheduled) return;
  expectExit();
  scheduled = true;
  setImmediate(run);
}

/** Where a ring that was closed cannot be opened again, all who wait are told so. */
function mayAnswer(): boolean {
  try {
    return ring().native.mayAnswer();
  } catch {
    return true;
  }
}

function run(): void {
  scheduled = false;
  // One in any case: a turn in which others are always faster is not waited for again.
  let count = 0;
  do waiting[count++]!();
  while (count < waiting.length && mayAnswer());
  waiting.splice(0, count);
  if (waiting.length > 0) schedule();
}

/**
 * The result of `atOnce`, in this turn or in one of the next; EAGAIN if the ring is to be asked. A promise only where it
 * has to wait: who comes later does not overtake.
 */
export function inTurn(atOnce: AtOnce): number | Promise<number> {
  const { native } = ring();
  if (waiting.length === 0) {
    const res = atOnce(native);
    if (res !== EAGAIN || native.mayAnswer()) return res;
  }
  return new Promise((resolve, reject) => {
    waiting.push(() => {
      try {
        resolve(atOnce(ring().native));
      } catch (error) {
        // Its own failure, and not of those behind it.
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
        reject(error);
      }
    });
    schedule();
  });
}
