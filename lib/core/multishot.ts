/**
 * Multishot operations: one request, many results, as an async iterable.
 *
 * - `next()` arms it; an iteration that is never begun submits nothing.
 * - The kernel may end a multishot at any time (no F_MORE): the completion queue was full, the buffers were used up.
 *   It is armed again; nobody notices.
 * - More than `highWaterMark` results that nobody has taken stop it (ASYNC_CANCEL); it is armed again on demand.
 * - `break` stops it, waits for the terminal completion, and closes the descriptors that nobody took. Received data is
 *   no descriptor: it is kept, and the next iteration of the same operation begins with it.
 *
 *     idle --> waiting --> armed --> idle          waiting: the operation table is full
 *                            \        ^
 *                             v       |
 *                           stopping -'            cancelled, the terminal completion is on its way
 *
 * @module
 */
import { expectListeners } from './abort.js';
import { ring as threadRing } from './backend.js';
import type { NativeRing } from './binding.js';
import type { BufferRing } from './buffers.js';
import { F_BUFFER, TERMINAL, TIMED_OUT, type CompletionHandler, type Waiter } from './completion.js';
import { IOSQE_ASYNC, IOSQE_FIXED_FILE } from './constants.js';
import {
  abortError,
  invalidArgValue,
  invalidState,
  resultError,
  TimeoutError,
  type ErrorDetails,
} from './errors.js';
import { commonOptions, type CommonOptions, type OperationOptions } from './operation.js';
import type { Ring } from './ring.js';
import { validateInteger } from './validate.js';
import { now } from './unmocked.js';

/**
 * Options of multishot operations. `timeout` bounds the whole iteration; `flags` must not have `drain`, since all that comes
 * behind it would wait for its end.
 */
export interface MultishotOptions extends OperationOptions {
  /** So many results wait at most (give or take what the kernel has in flight) before it is stopped. Default 64. */
  highWaterMark?: number | undefined;
}

/** What is special about one kind of multishot operation. */
export interface MultishotDetails<T> {
  /** The value of a result. */
  decode: (res: number, flags: number, aux: number, ring: Ring) => T;
  /** Whether a result of 0 is the end (end of file, the peer's FIN). */
  zeroEnds?: boolean;
  /** Negative results that are values (a timer's ETIME). */
  isResult?: (res: number) => boolean;
  /** Whether the kernel's end is the end: it is not armed again. */
  isOver?(): boolean;
  /** Errors that concern one result only, and after which it is armed again. */
  transient?: readonly number[];
  /** Results that nobody takes: close the descriptor. Without it they are kept for the next iteration. */
  discard?(value: T, ring: Ring): void;
  /** Somebody takes a result. */
  handOver?(value: T, ring: Ring): void;
  /** The provided buffers that results arrive in. */
  buffers?: (ring: Ring) => BufferRing;
  /** What its errors say besides their number. */
  error?: ErrorDetails;
  /** Its descriptor is a direct one (IOSQE_FIXED_FILE). */
  fixedFile?: boolean;
  /** The ring that it must go to. */
  ring?: Ring | undefined;
}

/** Fills the SQE: the flags, the time limit in milliseconds, and the ring that it goes to. */
export type PrepareMultishot = (
  native: NativeRing,
  sqeFlags: number,
  timeoutMs: number,
  ring: Ring,
) => number;
// Methods, not properties: so a MultishotOperation<number> is a MultishotOperation<unknown>.
interface Reader<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

const ECANCELED = -125;
const ENOBUFS = -105;
const end = Object.freeze({ done: true, value: undefined } as const);

/** Many results of one request. `for await` begins it; leaving the loop ends it. */
export class MultishotOperation<T> implements AsyncIterable<T>, CompletionHandler, Waiter {
  /** The operation's name, as `syscall` in its errors. */
  readonly name: string;
  /** How often it was given to the kernel. */
  armings = 0;

  readonly #prepare: PrepareMultishot;
  readonly #options: CommonOptions;
  readonly #details: MultishotDetails<T>;
  readonly #highWaterMark: number;
  readonly #timeoutMs: number;
  readonly #sqeFlags: number;

  #state: 'idle' | 'waiting' | 'armed' | 'stopping' = 'idle';
  #ring: Ring | undefined;
  #slot = -1;
  #referenced = true;
  #deadline = Infinity;
  /** Iterations that have begun and not ended. */
  #iterations = 0;
  readonly #queue: T[] = [];
  readonly #readers: Reader<T>[] = [];
  #ended = false;
  #failure: { error: unknown } | undefined;
  #returnsAtArming = 0;
  #whenIdle: (() => void)[] = [];

  constructor(
    name: string,
    prepare: PrepareMultishot,
    options: MultishotOptions,
    details: MultishotDetails<T>,
  ) {
    this.name = name;
    const common = commonOptions(options);
    const { flags } = common;
    const { highWaterMark = 64 } = options;
    if (flags?.drain) {
      // What is to end it would wait for its end, too.
      throw invalidArgValue('options.flags', flags, 'must not have drain for an operation of many results');
    }
    this.#timeoutMs = common.timeoutMs;
    if (highWaterMark !== Infinity) validateInteger(highWaterMark, 'options.highWaterMark', 1);
    this.#highWaterMark = highWaterMark;
    this.#prepare = prepare;
    this.#options = common;
    this.#details = details;
    this.#sqeFlags =
      (details.fixedFile || flags?.fixedFile ? IOSQE_FIXED_FILE : 0) | (flags?.async ? IOSQE_ASYNC : 0);
  }

  /** Its slot in the operation table while the kernel has it, else -1. */
  get slot(): number {
    return this.#slot;
  }

  /** The ring that it is bound to, as far as that is decided. */
  get ring(): Ring | undefined {
    return this.#ring ?? this.#options.ring ?? this.#details.ring;
  }

  /** How many results have arrived that nobody has taken. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Keeps the event loop alive while armed (the default). */
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

  /** Begins it, unless another iteration has; the last one to leave ends it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    let state: 'new' | 'begun' | 'finished' = 'new';
    const finish = (): void => {
      const begun = state === 'begun';
      // First: ending the iteration resolves a next() that waits, which comes here again.
      state = 'finished';
      if (begun) this.#endIteration();
    };
    const leave = async (): Promise<IteratorReturnResult<undefined>> => {
      const begun = state === 'begun';
      finish();
      if (begun && this.#iterations === 0) await this.#stopped();
      return end;
    };
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => {
        if (state === 'finished') return Promise.resolve(end);
        if (state === 'new') {
          state = 'begun';
          this.#beginIteration();
        }
        return this.#next(finish);
      },
      return: leave,
      throw: async (error) => {
        await leave();
        throw error;
      },
    };
  }

  #next(finish: () => void): Promise<IteratorResult<T, undefined>> {
    if (this.#queue.length > 0) {
      const value = this.#queue.shift()!;
      this.#details.handOver?.(value, this.#ring!);
      // Half empty: time to go on, before the reader has to wait.
      if (this.#queue.length <= this.#highWaterMark / 2) this.#want();
      return Promise.resolve({ done: false, value });
    }
    if (this.#failure !== undefined) {
      const { error } = this.#failure;
      this.#failure = undefined;
      finish();
      // The caller is to handle the failure itself; it is an Error wherever ringcore made it.
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      return Promise.reject(error);
    }
    if (this.#ended) {
      finish();
      return Promise.resolve(end);
    }
    const promise = new Promise<IteratorResult<T, undefined>>((resolve, reject) => {
      this.#readers.push({
        resolve: (result) => {
          if (result.done === true) finish();
          resolve(result);
        },
        reject: (error) => {
          finish();
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
          reject(error);
        },
      });
    });
    this.#want();
    return promise;
  }

  readonly #onAbort = (): void => {
    this.#fail(abortError(this.#options.signal?.reason));
  };

  #beginIteration(): void {
    if (this.#iterations++ > 0) return;
    const { signal } = this.#options;
    this.#deadline = this.#timeoutMs > 0 ? now() + this.#timeoutMs : Infinity;
    if (signal?.aborted) this.#fail(abortError(signal.reason));
    else if (signal !== undefined) {
      expectListeners(signal);
      signal.addEventListener('abort', this.#onAbort);
    }
  }

  #endIteration(): void {
    if (--this.#iterations > 0) return;
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    for (const reader of this.#readers.splice(0)) reader.resolve(end);
    this.#stop();
    this.#discardQueue();
  }

  /** A result is wanted: arm it, if that can be. */
  #want(): void {
    const done = this.#ended || this.#failure !== undefined || this.#iterations === 0;
    if (done || this.#state !== 'idle' || this.#queue.length >= this.#highWaterMark) return;
    try {
      const ring = (this.#ring ??= this.ring ?? threadRing());
      if (this.#details.ring !== undefined && ring !== this.#details.ring) {
        throw invalidState('a direct descriptor or buffer ring belongs to another ring');
      }
      if (now() >= this.#deadline) throw new TimeoutError(this.name, this.#timeoutMs);
      this.#state = 'waiting';
      ring.admit(this);
    } catch (error) {
      this.#state = 'idle';
      this.#fail(error);
    }
  }

  /** @internal */
  admit(): boolean {
    const ring = this.#ring!;
    const { buffers } = this.#details;
    let slot: number;
    try {
      if (buffers !== undefined) this.#returnsAtArming = buffers(ring).returns;
      const left = this.#deadline === Infinity ? 0 : Math.max(this.#deadline - now(), 0.001);
      slot = this.#prepare(ring.native, this.#sqeFlags, left, ring);
    } catch (error) {
      this.refuse(error);
      return true;
    }
    if (slot < 0) return false;
    this.armings++;
    buffers?.(ring).use();
    this.#slot = slot;
    this.#state = 'armed';
    ring.start(this, slot);
    if (!this.#referenced) ring.native.setRef(slot, false);
    return true;
  }

  /** @internal It could not be armed. */
  refuse(error: unknown): void {
    this.#state = 'idle';
    this.#fail(error);
    this.#becomeIdle();
  }

  #stop(): void {
    const ring = this.#ring;
    if (this.#state === 'armed') {
      this.#state = 'stopping';
      if (!ring!.closed) ring!.native.cancel(this.#slot);
    } else if (this.#state === 'waiting' && ring!.withdraw(this)) {
      this.#state = 'idle';
      this.#becomeIdle();
    }
  }

  /** Resolves when the kernel holds nothing of it any more. */
  #stopped(): Promise<void> {
    if (this.#state === 'idle') return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #becomeIdle(): void {
    if (this.#iterations === 0) this.#discardQueue();
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #discardQueue(): void {
    const details = this.#details;
    if (!details.discard) return;
    for (const value of this.#queue.splice(0)) details.discard(value, this.#ring!);
  }

  /** Ends the iteration with an error; what has arrived before can still be read, unless it is to be closed. */
  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#stop();
    this.#discardQueue();
    const readers = this.#readers.splice(0);
    const first = readers.shift();
    if (first === undefined) {
      if (this.#iterations > 0) this.#failure = { error };
      return;
    }
    for (const reader of readers) reader.resolve(end);
    first.reject(error);
  }

  #deliver(value: T): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      this.#details.handOver?.(value, this.#ring!);
      reader.resolve({ done: false, value });
      return;
    }
    this.#queue.push(value);
    if (this.#queue.length >= this.#highWaterMark) this.#stop();
  }

  /** @internal */
  complete(res: number, flags: number, aux: number): void {
    if (this.#state !== 'armed' && this.#state !== 'stopping') {
      throw invalidState(`a completion of ${this.name} in state ${this.#state}`);
    }
    const stopping = this.#state === 'stopping';
    const terminal = (flags & TERMINAL) !== 0;
    if (terminal) {
      this.#state = 'idle';
      this.#slot = -1;
      this.#details.buffers?.(this.#ring!).release();
    }
    const rearm = this.#accept(res, flags, aux, stopping, terminal);
    if (!terminal) return;
    this.#becomeIdle();
    if (rearm) this.#want();
  }

  /** Takes one completion in. Whether it may be armed again now. */
  #accept(res: number, flags: number, aux: number, stopping: boolean, terminal: boolean): boolean {
    const { decode, zeroEnds, isResult, transient, buffers, error } = this.#details;
    const ring = this.#ring!;
    if (res > 0 || (res === 0 && zeroEnds !== true) || isResult?.(res) === true) {
      let value: T;
      try {
        value = decode(res, flags, aux, ring);
      } catch (problem) {
        // No memory for a chunk.
        this.#fail(problem);
        return true;
      }
      this.#deliver(value);
      if (terminal && this.#details.isOver?.() === true) this.#finish();
      return true;
    }
    // A buffer was chosen and not used: it goes back.
    if ((flags & F_BUFFER) !== 0) buffers?.(ring).take(flags >>> 16, aux, 0, flags);
    if (res === 0) {
      this.#finish();
    } else if (res === ENOBUFS && buffers !== undefined) {
      // Buffers that were returned since it was armed are free for it now. Otherwise they are on their way here in
      // completions not yet handled, and handling those returns them.
      return !buffers(ring).awaitReturn(this.#returnsAtArming, () => this.#want());
    } else if (res === ECANCELED && stopping && (flags & TIMED_OUT) === 0) {
      // As asked for.
    } else if (transient?.includes(res) !== true) {
      this.#fail(resultError(res, (flags & TIMED_OUT) !== 0, this.name, this.#timeoutMs, error));
    }
    return true;
  }

  #finish(): void {
    this.#ended = true;
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    for (const reader of this.#readers.splice(0)) reader.resolve(end);
  }
}
