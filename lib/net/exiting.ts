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
  // Of each one once: others, another copy of this too, may want to be the last.
  const seen = new WeakSet<object>([listener]);
  process.on('exit', listener);
  process.on('newListener', (event: string | symbol, added: object) => {
    if (event !== 'exit' || seen.has(added)) return;
    seen.add(added);
    // It is added behind this.
    process.nextTick(() => {
      process.off('exit', listener);
      process.on('exit', listener);
    });
  });
}
