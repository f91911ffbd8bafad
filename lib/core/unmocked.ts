/**
 * The clock, the timers and nextTick as they were when ringcore was loaded. Tests replace the global ones to have time under their
 * control: the program's, not that of its input and output, which node keeps to itself as well.
 *
 * @module
 */
export const { clearTimeout, setImmediate, setTimeout } = globalThis;

type NextTick = <A extends unknown[]>(callback: (...args: A) => void, ...args: A) => void;

export const { nextTick } = process as { nextTick: NextTick };
const { hrtime } = process;

/** Milliseconds since some moment: as exact as `performance`, which would be loaded for it. */
export function now(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
