/**
 * The clock, the timers and nextTick as they were when ringcore was loaded. Tests replace the global ones to have time under their
 * control: the program's, not that of its input and output, which node keeps to itself as well.
 *
 * @module
 */
import { isExiting } from './exiting.js';

export const { clearTimeout, setImmediate, setTimeout } = globalThis;

type NextTick = <A extends unknown[]>(callback: (...args: A) => void, ...args: A) => void;

const { hrtime, nextTick: tick } = process as { hrtime: typeof process.hrtime; nextTick: NextTick };

/** Also where a program goes on that has caught what a listener of 'exit' threw: node's own does nothing from then on. */
export const nextTick: NextTick = (callback, ...args) => {
  if (isExiting()) setImmediate(callback, ...args);
  else tick(callback, ...args);
};

/** Milliseconds since some moment: as exact as `performance`, which would be loaded for it. */
export function now(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
