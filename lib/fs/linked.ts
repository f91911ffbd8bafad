/**
 * Requests that are linked: the kernel runs one after the other, most often in one worker, without coming back to
 * JavaScript in between.
 *
 * @module
 */
import { ring as threadRing } from '../core/backend.js';
import type { NativeRing } from '../core/binding.js';
import type { CompletionHandler, Waiter } from '../core/completion.js';
import { IOSQE_IO_LINK } from '../core/constants.js';
import { ECANCELED } from './errors.js';
import type { Task } from './task.js';

/** Fills an SQE, with these link flags among its own; returns the slot. It must not throw. */
export type PrepareLinked = (native: NativeRing, linkFlags: number) => number;

/** All the requests and what they use stay reachable, by `this`, until the last of them has completed. */
export class Linked implements Waiter {
  readonly #requests: PrepareLinked[];
  readonly #settle: (results: number[]) => void;
  readonly #ring = threadRing();
  readonly #results: number[];
  readonly #handlers: CompletionHandler[] = [];
  #slots: number[] | undefined;
  #left: number;

  constructor(requests: PrepareLinked[], settle: (results: number[]) => void) {
    this.#requests = requests;
    this.#settle = settle;
    this.#results = new Array<number>(requests.length).fill(ECANCELED);
    this.#left = requests.length;
  }

  submit(): this {
    this.#ring.admit(this);
    return this;
  }

  admit(): boolean {
    const { native } = this.#ring;
    const count = this.#requests.length;
    if (count > 1 && native.beginChain(count) !== 0) return false;
    const slots = this.#requests.map((prepare, index) =>
      prepare(native, index < count - 1 ? IOSQE_IO_LINK : 0),
    );
    // Only one by itself finds the table full; for a chain there is room.
    if (slots[0]! < 0) return false;
    this.#slots = slots;
    for (const [index, slot] of slots.entries()) {
      this.#handlers[index] = { complete: (res) => this.#completed(index, res) };
      this.#ring.start(this.#handlers[index], slot);
    }
    return true;
  }

  refuse(): void {
    this.#settle(this.#results);
  }

  /** The one that runs is told to stop; that ends the rest. */
  cancel(): void {
    if (this.#slots === undefined) {
      if (this.#ring.withdraw(this)) this.refuse();
    } else if (!this.#ring.closed) {
      for (const slot of this.#slots) if (slot >= 0) this.#ring.native.cancel(slot);
    }
  }

  /** The process ends: waits for the results, and settles before it returns, if they are there in time. */
  finish(): void {
    if (this.#slots === undefined) this.#ring.admitAtExit();
    const { native, handlers } = this.#ring;
    for (const [index, slot] of [...(this.#slots ?? [])].entries()) {
      if (slot < 0 || handlers[slot] !== this.#handlers[index]) continue;
      const res = native.resultAtExit(slot);
      if (res === undefined) return;
      handlers[slot] = undefined;
      this.#completed(index, res);
    }
  }

  #completed(index: number, res: number): void {
    this.#results[index] = res;
    this.#slots![index] = -1;
    if (--this.#left === 0) this.#settle(this.#results);
  }
}

/**
 * Each begins when the one before it has succeeded completely: after a failure, or a short read or write, the rest have
 * the result ECANCELED. Resolves to the results when the kernel has let go of all.
 */
export function performLinked(requests: PrepareLinked[], task?: Task): Promise<number[]> {
  return new Promise((resolve) => {
    const linked = new Linked(requests, resolve).submit();
    task?.track(linked);
  });
}
