/**
 * An operation: one request to the kernel and its promise.
 *
 * Constructors (`read(fd, buffer)`, …) validate their arguments and describe the request; nothing happens until it is
 * awaited, submitted, or made part of a chain. Its life:
 *
 *     new --> waiting --> submitted --> done        waiting: the operation table is full, or it joins a chain
 *                    \        |          ^
 *                     \       v          |
 *                      \   abandoned ----'          rejected (abort, cancel()), the kernel has not let go yet
 *                       '-----------> done
 *
 * Whatever the kernel reads or writes is kept alive until the terminal completion, even when the promise has been
 * rejected long before: the operation stands in `ring.handlers`, and holds `details.keep` and `prepare`'s closure.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks';
import { expectListeners } from './abort.js';
import { ring as threadRing } from './backend.js';
import type { NativeRing } from './binding.js';
import { TERMINAL, TIMED_OUT, type CompletionHandler, type Waiter } from './completion.js';
import { IOSQE_ASYNC, IOSQE_FIXED_FILE, IOSQE_IO_DRAIN } from './constants.js';
import { abortError, invalidArgType, invalidState, resultError, type ErrorDetails } from './errors.js';
import { Ring } from './ring.js';
import { abortHelpers } from './seldom.js';
import { validateAbortSignal, validatedTimeout, validateFunction, validateObject } from './validate.js';
import { nextTick } from './unmocked.js';

/** Options that every operation takes. */
export interface OperationOptions {
  /** Cancels: the promise rejects at once with an AbortError, and the kernel is asked to stop (ASYNC_CANCEL). */
  signal?: AbortSignal | undefined;
  /** At most so long, in milliseconds, then a TimeoutError (ETIMEDOUT): an IORING_OP_LINK_TIMEOUT behind it. */
  timeout?: number | undefined;
  /** The ring it goes to; this thread's by default. */
  ring?: Ring | undefined;
  /** SQE flags. */
  flags?:
    | {
        /** IOSQE_ASYNC: straight to a kernel worker, without an attempt to do it at once. */
        async?: boolean;
        /**
         * IOSQE_IO_DRAIN: begin when everything submitted earlier is complete; what comes later waits until this one is.
         * An abort reaches what has begun; what still waits its turn is cancelled soon after that has come. So give it to
         * nothing that waits for what may not come (`futexWait`, `accept`, `poll`, `recv`, …), or the ring stands still
         * until that is cancelled, or the ring closed. `timeout` ends it, too.
         */
        drain?: boolean;
        /** IOSQE_FIXED_FILE: the descriptor is an index. A DirectDescriptor sets it by itself. */
        fixedFile?: boolean;
      }
    | undefined;
}

/** Fills the SQE: calls the operation's native method. Returns its slot, or -1. */
export type Prepare = (native: NativeRing, sqeFlags: number, timeoutMs: number) => number;

/** What is special about one kind of operation. */
export interface OperationDetails<T> {
  /** The value of a result; the result itself by default. */
  decode?: (res: number, flags: number, aux: number, ring: Ring) => T;
  /** Negative results that are no error: they too go to `decode`. */
  expected?: readonly number[];
  /** The result came after the promise was rejected: close the descriptor it brought. */
  cleanup?: (res: number, ring: Ring) => void;
  /** What must stay reachable until the terminal completion. (What `prepare` uses, is so already.) */
  keep?: unknown;
  /** Paths and addresses for errors. */
  error?: ErrorDetails;
  /** IOSQE_FIXED_FILE. */
  fixedFile?: boolean;
  /** The ring of a direct descriptor or registered buffer: the operation can go to no other. */
  ring?: Ring | undefined;
}

type State = 'new' | 'waiting' | 'submitted' | 'abandoned' | 'done';
type Callback<T> = (error: Error | null, value?: T) => void;

const settled = (): void => {};

function sqeFlagsOf(options: CommonOptions, details: OperationDetails<never>): number {
  const { flags } = options;
  let bits = details.fixedFile === true ? IOSQE_FIXED_FILE : 0;
  if (flags?.async) bits |= IOSQE_ASYNC;
  if (flags?.drain) bits |= IOSQE_IO_DRAIN;
  if (flags?.fixedFile) bits |= IOSQE_FIXED_FILE;
  return bits;
}

/** Options that all operations have in common, checked. */
export interface CommonOptions extends Pick<OperationOptions, 'signal' | 'ring' | 'flags'> {
  /** 0 for none. */
  readonly timeoutMs: number;
}

/** Reads each of the common options once, so that what is used is what was checked. */
export function commonOptions(options: OperationOptions): CommonOptions {
  if (options === null || typeof options !== 'object')
    throw invalidArgType('options', 'of type object', options);
  const { signal, ring, flags, timeout } = options;
  validateAbortSignal(signal);
  if (signal !== undefined && typeof signal.addEventListener !== 'function') {
    throw invalidArgType('options.signal', 'an instance of AbortSignal', signal);
  }
  // Not open's flags, which are `oflags` here: ignoring them would open for reading what was to be written.
  if (flags !== undefined) validateObject(flags, 'options.flags');
  if (ring !== undefined && !(ring instanceof Ring)) {
    throw invalidArgType('options.ring', 'an instance of Ring', ring);
  }
  return { signal, ring, flags, timeoutMs: validatedTimeout(timeout) };
}

/** A request to the kernel. A thenable: `await` submits it. */
export class Operation<T> implements PromiseLike<T>, CompletionHandler, Waiter {
  /** The operation's name, as `syscall` in its errors. */
  readonly name: string;

  readonly #prepare: Prepare;
  readonly #options: CommonOptions;
  readonly #details: OperationDetails<T>;
  #state: State = 'new';
  #ring: Ring | undefined;
  #slot = -1;
  #referenced = true;
  #sqeFlags: number;
  #timeoutMs: number;
  /** With what a zero-copy send has failed that is not over. */
  #failure = 0;

  #promise: Promise<T> | undefined;
  // Not of T: an Operation<number> is to be an Operation<unknown> too.
  #resolve: (value: unknown) => void = settled;
  #reject: (error: unknown) => void = settled;
  /** Neither resolved nor rejected yet. */
  #pending = false;
  #completing = false;
  #callbackScope: AsyncResource | undefined;
  #released: { promise: Promise<number>; resolve: (res: number) => void } | undefined;
  #terminalResult = 0;

  constructor(
    name: string,
    prepare: Prepare,
    options: OperationOptions = {},
    details: OperationDetails<T> = {},
  ) {
    this.name = name;
    const common = commonOptions(options);
    this.#timeoutMs = common.timeoutMs;
    this.#prepare = prepare;
    this.#options = common;
    this.#details = details;
    this.#sqeFlags = sqeFlagsOf(common, details as OperationDetails<never>);
  }

  /** `Operation`. */
  get [Symbol.toStringTag](): string {
    return 'Operation';
  }

  /** Where it stands; see the module's picture. */
  get state(): State {
    return this.#state;
  }

  /** Its slot in the operation table while the kernel has it, else -1. */
  get slot(): number {
    return this.#slot;
  }

  /** The ring that it is bound to, as far as that is decided. */
  get ring(): Ring | undefined {
    return this.#ring ?? this.#options.ring ?? this.#details.ring;
  }

  /**
   * Resolves, never rejects, when the kernel has let go of the operation's memory, with the raw last result. For a
   * zero-copy send that is later than its own promise; for a cancelled operation it tells what became of it (a count
   * that arrived too late to be delivered, or -125, ECANCELED).
   */
  get released(): Promise<number> {
    if (this.#released === undefined) {
      if (this.#state === 'done') return Promise.resolve(this.#terminalResult);
      let resolve!: (res: number) => void;
      const promise = new Promise<number>((done) => (resolve = done));
      this.#released = { promise, resolve };
    }
    return this.#released.promise;
  }

  /** Submits it, unless that has been done; returns itself. */
  submit(): this {
    if (this.#promise === undefined) {
      this.#open();
      this.#enter();
    }
    return this;
  }

  then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    // As Promise's own: a handler may say what it expects.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    onRejected?: ((reason: any) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    this.submit();
    return this.#promise!.then(onFulfilled, onRejected);
  }

  /** As a promise's; submits it. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  catch<R = never>(onRejected?: ((reason: any) => R | PromiseLike<R>) | null): Promise<T | R> {
    return this.then(null, onRejected);
  }

  /** As a promise's; submits it. */
  finally(onFinally?: (() => void) | null): Promise<T> {
    this.submit();
    return this.#promise!.finally(onFinally);
  }

  /**
   * Submits it with a callback in place of a promise, called in the async context of this call. An exception in it
   * reaches 'uncaughtException'; other completions are not affected.
   */
  callback(callback: Callback<T>): this {
    validateFunction(callback, 'callback');
    if (this.#state !== 'new') throw invalidState('the operation has been submitted');
    const scope = new AsyncResource('RINGCORE');
    const call = (...args: [Error] | [null, T]): void => {
      const run = (): void => void scope.runInAsyncScope(callback, undefined, ...args);
      // From an abort, inside close(), or inside this very call: never before the caller's code has returned.
      if (this.#completing) run();
      else nextTick(run);
    };
    this.#callbackScope = scope;
    this.#open();
    // The promise carries the abort plumbing; nobody listens to it.
    this.#promise!.then(settled, settled);
    if (this.#pending) {
      const [resolve, reject] = [this.#resolve, this.#reject];
      this.#resolve = (value) => {
        resolve(value);
        call(null, value as T);
      };
      this.#reject = (error) => {
        reject(error);
        call(error as Error);
      };
    } else {
      call(abortError(this.#options.signal?.reason));
    }
    this.#enter();
    return this;
  }

  /** A callback runs before `complete` returns. */
  get runsUserCode(): boolean {
    return this.#callbackScope !== undefined;
  }

  /** Rejects with an AbortError at once, and asks the kernel to stop. Without effect on what has settled. */
  cancel(reason?: unknown): void {
    if (this.#state === 'new') this.#open();
    // Who cancels knows: a promise that nobody listens to is no unhandled rejection then.
    this.#promise!.catch(settled);
    this.#abandon(abortError(reason));
  }

  /** Keeps the event loop alive while in flight (the default). */
  ref(): this {
    return this.#setReferenced(true);
  }

  /** Does not keep the event loop alive. */
  unref(): this {
    return this.#setReferenced(false);
  }

  #setReferenced(referenced: boolean): this {
    this.#referenced = referenced;
    if (this.#slot >= 0) this.#ring!.native.setRef(this.#slot, referenced);
    return this;
  }

  /** Makes the promise, with the signal's listener if there is a signal. */
  #open(): void {
    const { signal } = this.#options;
    this.#pending = true;
    const begin = (resolve: (value: T) => void, reject: (error: unknown) => void): void => {
      this.#resolve = resolve as (value: unknown) => void;
      this.#reject = reject;
    };
    if (signal === undefined) {
      this.#promise = new Promise<T>(begin);
    } else if (signal.aborted) {
      this.#promise = Promise.reject(abortError(signal.reason));
      this.#settle();
    } else {
      expectListeners(signal);
      // execute() takes the listener away when the promise settles, either way.
      this.#promise = abortHelpers().execute<T>(signal, (resolve, reject) => {
        begin(resolve, reject);
        return (reason) => this.#abandon(abortError(reason));
      });
    }
  }

  /** Settled: there is nothing to resolve or reject any more. */
  #settle(): void {
    this.#pending = false;
    this.#resolve = settled;
    this.#reject = settled;
  }

  #enter(): void {
    if (this.#options.signal?.aborted) {
      this.#finish(-125);
      return;
    }
    try {
      const ring = this.#bind();
      this.#state = 'waiting';
      ring.admit(this);
    } catch (error) {
      this.refuse(error);
    }
  }

  #bind(): Ring {
    const { ring } = this;
    if (this.#details.ring !== undefined && ring !== this.#details.ring) {
      throw invalidState('a direct descriptor or registered buffer belongs to another ring');
    }
    return (this.#ring = ring ?? threadRing());
  }

  /** @internal Fills the SQE, with the flags that a chain adds. */
  prepare(extraFlags = 0): number {
    return this.#prepare(this.#ring!.native, this.#sqeFlags | extraFlags, this.#timeoutMs);
  }

  /** @internal The kernel has it: completions of `slot` come here. */
  started(slot: number): void {
    const ring = this.#ring!;
    this.#slot = slot;
    this.#state = this.#pending ? 'submitted' : 'abandoned';
    ring.start(this, slot);
    if (!this.#referenced) ring.native.setRef(slot, false);
    if (!this.#pending) ring.native.cancel(slot);
  }

  /** @internal */
  admit(): boolean {
    let slot: number;
    try {
      slot = this.prepare();
    } catch (error) {
      this.refuse(error);
      return true;
    }
    if (slot < 0) return false;
    this.started(slot);
    return true;
  }

  /** @internal It never reached the kernel. */
  refuse(error: unknown): void {
    const reject = this.#reject;
    this.#settle();
    reject(error);
    this.#finish(-125);
  }

  /** @internal Whether it can go to `ring`: the one that it was given, and that of its descriptors and buffers. */
  fits(ring: Ring): boolean {
    return [this.#options.ring, this.#details.ring].every((own) => own === undefined || own === ring);
  }

  /** @internal Makes it a member of a chain on `ring`, which prepares it. Nobody need listen to its own promise. */
  join(ring: Ring): void {
    this.#ring = ring;
    this.#open();
    this.#promise!.catch(settled);
    this.#state = 'waiting';
  }

  /** @internal Of a member: it has been aborted. */
  get settled(): boolean {
    return !this.#pending;
  }

  /** @internal Gives it a link timeout. */
  limit(timeoutMs: number): void {
    if (this.#state !== 'new') throw invalidState('the operation has been submitted');
    this.#timeoutMs = timeoutMs;
  }

  /** @internal Rejects with `error`; the kernel may need longer. */
  abandonWith(error: unknown): void {
    this.#abandon(error);
  }

  #abandon(error: unknown): void {
    if (!this.#pending) return;
    const reject = this.#reject;
    this.#settle();
    if (this.#state === 'submitted') {
      this.#state = 'abandoned';
      const ring = this.#ring!;
      if (!ring.closed) ring.native.cancel(this.#slot);
    } else if (this.#state === 'new' || (this.#state === 'waiting' && this.#ring!.withdraw(this))) {
      this.#finish(-125);
    }
    // Else it waits in a chain, which does not begin then; or is being prepared with it, and is cancelled in the kernel.
    reject(error);
  }

  #finish(res: number): void {
    this.#state = 'done';
    this.#slot = -1;
    this.#terminalResult = res;
    this.#released?.resolve(res);
  }

  /** @internal A completion: the first one settles the promise, the terminal one ends the operation. */
  complete(res: number, flags: number, aux: number): void {
    const terminal = (flags & TERMINAL) !== 0;
    if (this.#state !== 'submitted' && this.#state !== 'abandoned') {
      throw invalidState(`a completion of ${this.name} in state ${this.#state}`);
    }
    if (!terminal && res < 0) {
      // A zero-copy send has failed. Whether its time was over is known when its link timeout has ended, too.
      this.#failure = res;
      return;
    }
    if (this.#failure < 0) res = this.#failure;
    const abandoned = this.#state === 'abandoned';
    if (terminal) this.#finish(res);
    if (this.#pending) {
      this.#completing = !this.#ring!.endsInCall;
      try {
        this.#deliver(res, flags, aux);
      } finally {
        this.#completing = false;
      }
    } else if (abandoned && res >= 0) {
      this.#details.cleanup?.(res, this.#ring!);
    }
  }

  #deliver(res: number, flags: number, aux: number): void {
    const [resolve, reject] = [this.#resolve, this.#reject];
    this.#settle();
    let value: T;
    try {
      value = this.#value(res, flags, aux);
    } catch (error) {
      reject(error);
      return;
    }
    resolve(value);
  }

  #value(res: number, flags: number, aux: number): T {
    const { decode, expected, error } = this.#details;
    if (res < 0 && expected?.includes(res) !== true) {
      throw resultError(res, (flags & TIMED_OUT) !== 0, this.name, this.#timeoutMs, error);
    }
    return decode === undefined ? (res as T) : decode(res, flags, aux, this.#ring!);
  }
}
