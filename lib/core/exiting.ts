/**
 * The end of the process, or of a worker.
 *
 * @module
 */

/** Whether it has begun: an 'exit' may be one that a program emits. */
export const isExiting = (): boolean => (process as { _exiting?: boolean })._exiting === true;

/** The same, for who asks often and has called {@link atExit}: set before 'exit' comes to the program's listeners. */
export let exitHasBegun = false;

const callbacks: (() => void)[] = [];

function beginExit(): void {
  if (!isExiting()) return;
  exitHasBegun = true;
  for (const callback of callbacks) callback();
}

/** Calls back when it begins. Listeners of 'exit' may write, and may end the process there and then: it comes before them. */
export function atExit(callback: () => void): void {
  // Out of a listener of 'exit': this one would not be called any more.
  if (isExiting()) exitHasBegun = true;
  // One listener for all: programs are warned when there are more than ten.
  if (callbacks.length === 0) process.prependListener('exit', beginExit);
  callbacks.push(callback);
}
