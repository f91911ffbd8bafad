/**
 * The clock and the timers as they were when ringcore was loaded. Tests replace the global ones to have time under their
 * control: the program's, not that of its input and output, which node keeps to itself as well.
 *
 * @module
 */
export const { clearTimeout, setImmediate, setTimeout } = globalThis;

/** Milliseconds, as `performance.now()`. */
export const now: () => number = performance.now.bind(performance);
