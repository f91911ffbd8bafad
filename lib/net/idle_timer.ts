/**
 * The timer of `socket.setTimeout()`. Activity only notes the time; the timer operation is looked at when it fires, and
 * armed again for what is left. So a busy socket costs one operation a period, not one a message, and a server that
 * sets another timeout at every request costs none.
 *
 * @module
 */
import { ring as threadRing } from '../core/backend.js';
import { TERMINAL, type CompletionHandler, type Waiter } from '../core/completion.js';
import type { Ring } from '../core/ring.js';
import { now } from '../core/unmocked.js';

/** Calls back after a time without activity. */
export class IdleTimer {
  readonly #onIdle: () => void;
  #timeoutMs = 0;
  #lastActive = 0;
  #alarm: Alarm | undefined;
  /** When the alarm goes off. */
  #due = 0;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** 0: never. Counts from now. */
  set(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    // An alarm that comes too early is set again when it does; without one there is nothing to take back.
    if (timeoutMs > 0) this.#restart();
  }

  /** Something moved: the time begins anew. */
  active(): void {
    if (this.#timeoutMs > 0) this.#restart();
  }

  /** For good: nothing is left in flight. */
  stop(): void {
    this.#timeoutMs = 0;
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  #restart(): void {
    this.#lastActive = now();
    if (this.#alarm !== undefined) {
      if (this.#due <= this.#lastActive + this.#timeoutMs) return;
      this.#alarm.cancel();
    }
    this.#setAlarm(this.#timeoutMs);
  }

  #setAlarm(ms: number): void {
    this.#due = now() + ms;
    const alarm: Alarm = new Alarm(threadRing(), ms, () => {
      if (this.#alarm === alarm) this.#fired();
    });
    this.#alarm = alarm;
  }

  #fired(): void {
    this.#alarm = undefined;
    if (this.#timeoutMs === 0) return;
    const left = this.#lastActive + this.#timeoutMs - now();
    // Less than a millisecond is no difference to any clock that node's timers show.
    if (left >= 1) this.#setAlarm(left);
    else this.#onIdle();
  }
}

/** One timer operation. It does not keep the event loop alive. */
class Alarm implements CompletionHandler, Waiter {
  readonly runsUserCode = true;
  readonly #ring: Ring;
  readonly #ms: number;
  readonly #fired: () => void;
  #slot = -1;
  #cancelled = false;

  constructor(ring: Ring, ms: number, fired: () => void) {
    this.#ring = ring;
    this.#ms = ms;
    this.#fired = fired;
    ring.admit(this);
  }

  admit(): boolean {
    const { native } = this.#ring;
    const slot = native.timeout(0, 0, this.#ms, 0, 0);
    if (!this.#ring.start(this, slot)) return false;
    this.#slot = slot;
    native.setRef(slot, false);
    return true;
  }

  refuse(): void {}

  cancel(): void {
    this.#cancelled = true;
    if (this.#slot < 0) this.#ring.withdraw(this);
    else if (!this.#ring.closed) this.#ring.native.cancel(this.#slot);
  }

  complete(_res: number, flags: number): void {
    if ((flags & TERMINAL) === 0) return;
    this.#slot = -1;
    if (!this.#cancelled && !this.#ring.closed) this.#fired();
  }
}
