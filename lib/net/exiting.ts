/**
 * The end of the process.
 *
 * @module
 */

/** Whether it has begun: an 'exit' may be one that a program emits. */
export const isExiting = (): boolean => (process as { _exiting?: boolean })._exiting === true;
