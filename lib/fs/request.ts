/**
 * One request to the kernel, without the comforts of core's Operation: what functions of fs are made of.
 *
 * @module
 */
import { ring as threadRing } from '../core/backend.js';
import type { NativeRing } from '../core/binding.js';
import type { CompletionHandler, Waiter } from '../core/completion.js';
import type { Ring } from '../core/ring.js';
import { ECANCELED, EFAULT, EINTR } from './errors.js';
import { nextTick } from '../core/unmocked.js';

/** Fills the SQE; returns the slot, or -1 while the operation table is full. */
export type Prepare = (native: NativeRing) => number;
/** Gets the result: a count, a descriptor, or -errno. */
export type Settle = (res: number) => void;

/**
 * While the kernel has it, the request stands in `ring.handlers` and holds `prepare`, and with it the memory that the
 * kernel reads or writes: until the terminal completion, however early somebody has lost interest.
 */
export class Request implements CompletionHandler, Waiter {
  readonly runsUserCode: boolean;
  readonly #prepare: Prepare;
  readonly #settle: Settle;
  readonly #ring: Ring = threadRing();
  #slot = -1;
  #cancelled = false;
  /** It has not reached the kernel, and is about to be told so. */
  #refused = false;

  /** `runsUserCode`: `settle` calls back into the program before it returns. */
  constructor(prepare: Prepare, settle: Settle, runsUserCode = false) {
    this.#prepare = prepare;
    this.#settle = settle;
    this.runsUserCode = runsUserCode;
  }

  submit(): this {
    this.#ring.admit(this);
    return this;
  }

  /** Asks the kernel to stop. `settle` is called in any case, when the kernel has let go. */
  cancel(): void {
    this.#cancelled = true;
    if (this.#slot >= 0) {
      if (!this.#ring.closed) this.#ring.native.cancel(this.#slot);
    } else if (this.#ring.withdraw(this)) {
      this.#settle(ECANCELED);
    }
  }

  admit(): boolean {
    let slot: number;
    try {
      slot = this.#prepare(this.#ring.native);
    } catch {
      // The buffer has been detached while this waited for its turn. Later: whoever submits is not called back by that.
      this.#refused = true;
      nextTick(() => this.#settleRefused());
      return true;
    }
    if (!this.#ring.start(this, slot)) return false;
    this.#slot = slot;
    return true;
  }

  refuse(): void {
    this.#settle(ECANCELED);
  }

  #settleRefused(): void {
    if (!this.#refused) return;
    this.#refused = false;
    this.#settle(EFAULT);
  }

  /** The process ends: waits for the result, and settles before it returns, if there is one in time. */
  finish(): void {
    if (this.#refused) return this.#settleRefused();
    if (this.#slot < 0) this.#ring.admitAtExit();
    const [ring, slot] = [this.#ring, this.#slot];
    if (ring.closed || slot < 0 || ring.handlers[slot] !== this) return;
    const res = ring.native.resultAtExit(slot);
    if (res === undefined) return;
    ring.handlers[slot] = undefined;
    this.complete(res);
  }

  complete(res: number): void {
    this.#slot = -1;
    // Interrupted, and nothing done: once more, as libuv, if it was not us who interrupted.
    if (res === EINTR && !this.#cancelled) this.submit();
    else this.#settle(res);
  }
}
