/**
 * Answers that were there at once, on their way to callbacks.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks';
import type { Ring } from './ring.js';
import { setImmediate } from './unmocked.js';

type Settle<T> = (answer: T) => void;

// Node runs nextTicks and microtasks between two callbacks; among those that are called here, and in a ring's batch, that
// falls to us. The function is there, undocumented, from node 20 to 26. Without it they run once, at the end.
const tickCallback = (process as { _tickCallback?: () => void })._tickCallback;

/** What node does between two callbacks. */
export function runTicks(): void {
  tickCallback?.call(process);
}

const withDomain = process as { domain?: unknown };
const nobodys = new AsyncResource('RINGCOREANSWERS');

/** Answers to others come at the same time: that is nobody's async context, and nobody's domain. */
function outsideOfAll(run: () => void): void {
  const { domain } = withDomain;
  if (domain) withDomain.domain = null;
  nobodys.runInAsyncScope(run);
  if (domain) withDomain.domain = domain;
}

/**
 * They come in a later phase of the event loop, as programs expect, in the order of the calls, and before the completions
 * of what the ring is asked for behind them. Not in the check phase: what a callback gives to setImmediate comes before
 * what it gives to setTimeout.
 */
export class Answers {
  readonly #ring: Ring;
  #waiting: { settle: Settle<unknown>; answer: unknown }[] = [];
  #expected = false;
  /** A callback has: its exception has been reported since. */
  #threw = false;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /** Calls `settle` later. */
  add<T>(settle: Settle<T>, answer: T): void {
    this.#waiting.push({ settle: settle as Settle<unknown>, answer });
    this.#expect();
  }

  /** Calls those that wait; not those that come meanwhile. */
  deliver(): void {
    this.#expected = false;
    if (this.#threw) {
      this.#threw = false;
      runTicks();
    }
    const answers = this.#waiting;
    if (answers.length === 0) return;
    this.#waiting = [];
    let next = 0;
    this.#threw = true;
    try {
      while (next < answers.length) {
        const { settle, answer } = answers[next++]!;
        settle(answer);
        runTicks();
      }
      this.#threw = false;
    } finally {
      if (next < answers.length) {
        this.#waiting = [...answers.slice(next), ...this.#waiting];
        this.#expect();
      }
    }
  }

  /** The ring is closed: it does not have them delivered any more. */
  deliverWithoutRing(): void {
    if (this.#waiting.length > 0) outsideOfAll(() => setImmediate(() => this.deliver()));
  }

  #expect(): void {
    if (this.#expected) return;
    this.#expected = true;
    if (this.#ring.closed) this.deliverWithoutRing();
    else this.#ring.native.expectAnswers();
  }
}
