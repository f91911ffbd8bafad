/**
 * At most so many at once; the others wait for a place, first come, first served.
 *
 * @module
 */

/** A number of places. */
export class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `run` when there is a place for it. */
  async hold<T>(run: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      // The place is handed on, and so never free for one that comes in between.
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
