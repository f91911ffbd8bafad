/**
 * The end of the process.
 *
 * @module
 */

/** Whether it has begun: an 'exit' may be one that a program emits. */
export const isExiting = (): boolean => (process as { _exiting?: boolean })._exiting === true;

/** Calls back when it begins, behind listeners of 'exit' that are added later: they may write, too. */
export function atExit(callback: () => void): void {
  const listener = (): void => {
    if (isExiting()) callback();
  };
  let moving = false;
  process.on('exit', listener);
  process.on('newListener', (event) => {
    if (event !== 'exit' || moving) return;
    moving = true;
    // It is added behind this.
    process.nextTick(() => {
      process.off('exit', listener);
      process.on('exit', listener);
      moving = false;
    });
  });
}
