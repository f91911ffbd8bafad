/**
 * Keeps the event loop alive for something that libuv does not know of.
 *
 * @module
 */

/** The longest interval a timer takes, in ms: it is never to fire. */
const never = 2 ** 31 - 1;

/** A referenced handle that does nothing, held or not. */
export class KeepAlive {
  #timer: NodeJS.Timeout | undefined;

  hold(): void {
    this.#timer ??= setInterval(() => {}, never);
  }

  release(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
