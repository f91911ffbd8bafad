/**
 * What a completion looks like on its way from the native side to whoever waits for it.
 *
 * @module
 */

/** CQE flags (the lower half of a completion's `flags`; the upper half is the buffer id). */
export const F_BUFFER = 1 << 0;
export const F_MORE = 1 << 1;
export const F_BUF_MORE = 1 << 4;
/** The native side's own: `readFile` found a file whose size is not known; `res` is its open descriptor. */
export const UNSIZED = 1 << 13;
/** The native side's own: the operation's link timeout fired. */
export const TIMED_OUT = 1 << 14;
/** The native side's own: the slot is done. Nothing more will come and the kernel holds nothing. */
export const TERMINAL = 1 << 15;

/** Receives an operation's completions. `Ring.handlers[slot]` also is what keeps its memory reachable. */
export interface CompletionHandler {
  /**
   * A completion of its slot. The last one has TERMINAL (1 << 15) among its flags.
   *
   * @param res - the result: a count, a descriptor, or -errno
   * @param flags - CQE flags, TERMINAL and TIMED_OUT (1 << 14); buffer id in the upper half
   * @param aux - the native side's extra: for provided buffers, the chunk's byte offset in its buffer
   */
  complete(res: number, flags: number, aux: number): void;
  /**
   * Whether `complete` runs the user's code before it returns (a callback, a stream's push). Then nextTicks and
   * microtasks run before the next completion, as node does between two callbacks. Settling a promise runs nothing.
   */
  readonly runsUserCode?: boolean;
}

/** Something that wants a slot of the operation table. */
export interface Waiter {
  /** Tries to enter. False while the table has no room: the ring then asks again when there may be some. */
  admit(): boolean;
  /** The ring was closed while this waited. */
  refuse(error: Error): void;
}
