/**
 * A ring: one io_uring instance, bound to the event loop of the thread that opened it.
 *
 * Submissions go straight to the native side (`ring.native.read(…)` fills an SQE and returns a slot). Completions come
 * back in batches, one call a batch, and are handed to `handlers[slot]`.
 *
 * @module
 */
import { explainLoadFailure, explainSetupFailure, findObjection } from './availability.js';
import { loadBinding, type Binding, type NativeRing, type NativeRingOptions } from './binding.js';
import { completeChannel, submitChannel, WatchedOperations } from './channels.js';
import { Answers, runTicks } from './answers.js';
import { TERMINAL, type CompletionHandler, type Waiter } from './completion.js';
import { invalidState, systemError, unavailableError } from './errors.js';
import { readProbe, readStats, type RingProbe, type RingStats } from './diagnostics.js';
import { atExit, exitHasBegun } from './exiting.js';
import { KeepAlive } from './keep_alive.js';
import { messageIterator, type MessageListener, type RingMessage } from './messages.js';
import { traceRing } from './trace.js';
import { validateBoolean, validateInteger, validateObject, validateOneOf } from './validate.js';
import { nextTick, setImmediate } from './unmocked.js';

/** Options of {@link Ring.open}; the defaults are what `ring()` uses. */
export interface RingOptions {
  /** Entries of the submission queue; the kernel rounds up to a power of two. Default 256. */
  entries?: number;
  /** Entries of the completion queue. Default 4096. */
  cqEntries?: number;
  /**
   * How many operations can be in flight; more wait in JavaScript for their turn. Memory is taken as they come. An idle
   * socket has one in flight, and with a timeout two. Default 1048576, which is the most.
   */
  operations?: number;
  /**
   * A kernel thread polls the submission queue (IORING_SETUP_SQPOLL) and sleeps after `idleMs` without work. It acts
   * with the credentials that the process had when the ring was opened: operations are refused after a change.
   */
  sqpoll?:
    | {
        /** Default 100. */
        idleMs?: number;
      }
    | undefined;
  /** Completions are polled for (IORING_SETUP_IOPOLL): only O_DIRECT files on devices that can. Default false. */
  iopoll?: boolean;
  /** Spin for a completion before the loop sleeps, at most so long, in microseconds: 0 to 100. Default 20. */
  spinMicroseconds?: number;
  /** Where the loop sleeps: in libuv's epoll (default), or in io_uring_enter (fewer system calls; see the docs). */
  wait?: 'epoll' | 'ring';
  /** Kernel worker threads for regular files (`bounded`, default 32) and for the rest (`unbounded`, default 64). */
  workers?: {
    /** For regular files. Default 32. */
    bounded?: number;
    /** For the rest. Default 64. */
    unbounded?: number;
  };
  /** Size of the table of direct descriptors, at most RLIMIT_NOFILE. Default 1024; 0: none. */
  directDescriptors?: number;
  /** Size of the table of registered buffers. Default 64; 0: none. */
  registeredBuffers?: number;
}

/** Integers an entry of the batch takes: slot, res, flags, aux. */
const stride = 4;
/** The most completions that one call into JavaScript handles. */
const batchLimit = 1024;
/** The slot of a message from another ring. */
const messageSlot = -1;

/** Those whose waiters the end of the process lets in; undefined until there has been one. */
let crowded: Set<Ring> | undefined;

/** libuv's threads do all that they were given before the process ends, however much it is. */
function noteCrowded(ring: Ring): void {
  if (crowded === undefined) {
    const rings = (crowded = new Set<Ring>());
    atExit(() => rings.forEach((one) => one.admitAtExit()));
  }
  crowded.add(ring);
}

function nativeOptions(options: RingOptions): NativeRingOptions {
  validateObject(options, 'options');
  const integer = (value: unknown, name: string, standard: number, min: number, max: number): number => {
    if (value === undefined) return standard;
    validateInteger(value, `options.${name}`, min, max);
    return value;
  };
  if (options.iopoll !== undefined) validateBoolean(options.iopoll, 'options.iopoll');
  if (options.wait !== undefined) validateOneOf(options.wait, 'options.wait', ['epoll', 'ring']);
  if (options.sqpoll !== undefined) validateObject(options.sqpoll, 'options.sqpoll');
  if (options.workers !== undefined) validateObject(options.workers, 'options.workers');
  const entries = integer(options.entries, 'entries', 256, 1, 32768);
  return {
    entries,
    cqEntries: integer(options.cqEntries, 'cqEntries', Math.max(4096, entries), 2, 65536),
    operations: integer(options.operations, 'operations', 1 << 20, 1, 1 << 20),
    sqpollIdleMs: options.sqpoll ? integer(options.sqpoll.idleMs, 'sqpoll.idleMs', 100, 1, 2 ** 31 - 1) : 0,
    iopoll: options.iopoll ? 1 : 0,
    spinMicroseconds: integer(options.spinMicroseconds, 'spinMicroseconds', 20, 0, 100),
    wait: options.wait === 'ring' ? 1 : 0,
    boundedWorkers: integer(options.workers?.bounded, 'workers.bounded', 32, 1, 65535),
    unboundedWorkers: integer(options.workers?.unbounded, 'workers.unbounded', 64, 1, 65535),
    directDescriptors: integer(options.directDescriptors, 'directDescriptors', 1024, 0, 1 << 20),
    registeredBuffers: integer(options.registeredBuffers, 'registeredBuffers', 64, 0, 16384),
  };
}

/** An open ring. `ring()` gives the one of this thread; open another for different options. */
export class Ring {
  /** The native side, for handlers that submit by themselves. */
  readonly native: NativeRing;
  /** By slot: who gets its completions. It also keeps alive what the kernel reads and writes, until TERMINAL. */
  readonly handlers: (CompletionHandler | undefined)[] = [];
  /** Called with each message that another ring's `msgRing` sends here; see {@link Ring.messages} for an iterable. */
  onMessage: ((message: RingMessage) => void) | undefined;
  /** For the native readFile: gives the memory that a file of so many bytes goes to. lib/fs sets it. */
  onAllocate: ((slot: number, bytes: number) => Uint8Array | undefined) | undefined;

  /** Size of the table of direct descriptors. */
  readonly directDescriptors: number;
  /** Size of the table of registered buffers. */
  readonly registeredBuffers: number;

  /** @internal What has been answered without an operation. */
  readonly answers = new Answers(this);

  readonly #batch: Int32Array;
  /**
   * Where in `#batch` the number of its next entry stands: it outlives a dispatch that threw, and the native side sees
   * whom nobody took when the thread is terminated in between.
   */
  readonly #cursorAt: number;
  #closed = false;
  /** Who watches is told of a submission, of which there may be more to come: a chain's other members. */
  #publishing = false;
  #endsInCall = false;
  /** In the order of arrival. A Set: whoever gives up waiting is removed at once. */
  readonly #waiters = new Set<Waiter>();
  /** The kernel knows nothing of waiters: this keeps the event loop alive for them. */
  readonly #waitersAlive = new KeepAlive();
  #drainScheduled = false;
  readonly #listeners = new Set<MessageListener>();
  readonly #watched = new WatchedOperations(this);
  /** The user and groups that an SQPOLL thread acts for; undefined for other rings. */
  readonly #sqpollIds: readonly number[] | undefined;

  private constructor(binding: Binding, options: NativeRingOptions) {
    this.#cursorAt = Math.min(options.cqEntries, batchLimit) * stride;
    this.#batch = new Int32Array(this.#cursorAt + 1);
    this.registeredBuffers = options.registeredBuffers;
    this.native = binding.openRing(
      options,
      this.#batch,
      (count) => this.#dispatch(count),
      (slot, bytes) => this.onAllocate?.(slot, bytes),
    );
    this.directDescriptors = this.native.directDescriptors;
    if (options.sqpollIdleMs > 0) this.#sqpollIds = currentIds();
    traceRing(this);
  }

  /**
   * Opens a ring. Throws ERR_RINGCORE_UNAVAILABLE, with the reason and a remedy, where io_uring cannot be used.
   * Nothing else than `close()` (or the end of the thread) closes it; an open ring alone does not keep the loop alive.
   */
  static open(this: void, options: RingOptions = {}): Ring {
    const native = nativeOptions(options);
    const objection = findObjection();
    if (objection !== undefined) throw unavailableError(objection, Ring.open);
    let binding: Binding;
    try {
      binding = loadBinding();
    } catch (error) {
      throw unavailableError(explainLoadFailure(error), Ring.open);
    }
    try {
      return new Ring(binding, native);
    } catch (error) {
      throw unavailableError(explainSetupFailure(error), Ring.open);
    }
  }

  /** The ring's descriptor: what another thread's `msgRing` sends to. */
  get fd(): number {
    return this.native.fd;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** How many operations wait in JavaScript because the operation table is full. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** Counters since the ring was opened: operations by kind, in flight, enters, batches, overflows, retries, bytes. */
  stats(): RingStats {
    return readStats(this.native, this.#waiters.size);
  }

  /** Which operations the running kernel has. Throws ERR_INVALID_STATE when the ring is closed. */
  probe(): RingProbe {
    if (this.#closed) throw invalidState('the ring is closed');
    return readProbe(this.native);
  }

  /** The messages that other rings' `msgRing` sends here, until the loop is left. Waiting for one keeps the loop alive. */
  messages(options: { signal?: AbortSignal } = {}): AsyncIterableIterator<RingMessage> {
    return messageIterator(this.#listeners, options.signal, () => this.#closed);
  }

  /**
   * For whoever has made the native call: remembers who gets the completions of `slot`.
   * False when the operation table is full (the slot is -1): then `admit` it, to wait for its turn.
   */
  start(handler: CompletionHandler, slot: number): boolean {
    if (slot < 0) return false;
    this.handlers[slot] = handler;
    if (submitChannel.hasSubscribers || completeChannel.hasSubscribers) {
      const outer = this.#publishing;
      this.#publishing = true;
      try {
        this.#watched.submitted(slot);
      } finally {
        this.#publishing = outer;
      }
    }
    return true;
  }

  /**
   * Lets `waiter` in, now or when those who came before it are in and a slot is free: nothing is ever dropped. Or refuses
   * it, when the ring is closed; it does not throw, since many come from inside a completion.
   */
  admit(waiter: Waiter): void {
    const objection = this.#closed ? invalidState('the ring is closed') : this.#idsObjection();
    if (objection !== undefined) return waiter.refuse(objection);
    if (this.#waiters.size === 0 && waiter.admit()) return;
    this.#waiters.add(waiter);
    this.#waitersAlive.hold();
    noteCrowded(this);
    if (exitHasBegun) this.admitAtExit();
    // The slots of a batch become free behind its last microtask, and perhaps nothing else is in flight.
    else this.#scheduleDrain();
  }

  /** The polling thread would go on acting for the user that opened the ring (CVE-2024-22017). */
  #idsObjection(): Error | undefined {
    const ids = this.#sqpollIds;
    if (ids === undefined) return undefined;
    const now = currentIds();
    if (now.length === ids.length && now.every((id, index) => id === ids[index])) return undefined;
    return invalidState(
      'the process has changed its user or groups since this SQPOLL ring was opened: open a new one',
    );
  }

  /** Takes a waiter back. False if it has been let in already. */
  withdraw(waiter: Waiter): boolean {
    const waited = this.#waiters.delete(waiter);
    if (this.#waiters.size === 0) {
      this.#waitersAlive.release();
      crowded?.delete(this);
    }
    return waited;
  }

  /** @internal The process ends: lets in who waits, as operations on files end. Nobody hears of their results. */
  admitAtExit(): void {
    while (this.#waiters.size > 0 && !this.#closed) {
      this.#drainWaiters();
      if (this.#waiters.size === 0 || !this.native.makeRoomAtExit()) return;
    }
  }

  /**
   * Hands what is prepared to the kernel now. It happens by itself before the event loop sleeps; earlier is of use when
   * the kernel can work while this thread computes.
   */
  enter(): void {
    if (!this.#closed) this.native.submit();
  }

  /**
   * Cancels everything in flight, waits for the kernel to let go, and frees the ring. Pending operations reject with
   * ECANCELED; callbacks are called when the caller has returned. Called inside a completion handler, it ends behind the
   * batch; by a subscriber of `ringcore.submit`, in the next tick.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#publishing) nextTick(() => this.#end());
    else this.#end();
  }

  /** @internal Completions are delivered inside `close()`: its caller has not returned. */
  get endsInCall(): boolean {
    return this.#endsInCall;
  }

  #end(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    crowded?.delete(this);
    this.#waitersAlive.release();
    this.#endsInCall = true;
    this.native.closeRing();
    this.#endsInCall = false;
    this.answers.deliverWithoutRing();
    for (const waiter of waiters) waiter.refuse(invalidState('the ring is closed'));
    for (const listener of [...this.#listeners]) listener.end();
  }

  /** `close()`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #dispatch(count: number): void {
    const ticks = !this.#endsInCall;
    if (ticks) this.answers.deliver();
    const batch = this.#batch;
    const handlers = this.handlers;
    const cursorAt = this.#cursorAt;
    let next = batch[cursorAt]!;
    // Not the first: the entry before it threw, and its exception has been reported. What that callback left to
    // nextTick comes first, as between any two callbacks.
    if (ticks && next > 0 && next < count) runTicks();
    while (next < count) {
      const at = next++ * stride;
      batch[cursorAt] = next;
      const slot = batch[at]!;
      const res = batch[at + 1]!;
      const flags = batch[at + 2]!;
      let runsUserCode: boolean | undefined = true;
      if (slot === messageSlot) {
        this.#deliver({ value: flags, result: res });
      } else {
        const handler = handlers[slot];
        if (handler === undefined) continue;
        if ((flags & TERMINAL) !== 0) handlers[slot] = undefined;
        if (completeChannel.hasSubscribers) this.#watched.completed(slot, res, flags);
        handler.complete(res, flags, batch[at + 3]!);
        runsUserCode = handler.runsUserCode;
      }
      if (ticks && runsUserCode === true && next < count) runTicks();
    }
    if (this.#waiters.size > 0) this.#scheduleDrain();
  }

  #deliver(message: RingMessage): void {
    for (const listener of this.#listeners) listener.receive(message);
    this.onMessage?.(message);
  }

  /** The slots of a batch are free when the native side has it back: behind this call, not inside it. */
  #scheduleDrain(): void {
    if (this.#drainScheduled) return;
    this.#drainScheduled = true;
    setImmediate(() => {
      this.#drainScheduled = false;
      this.#drainWaiters();
    });
  }

  #drainWaiters(): void {
    for (const waiter of this.#waiters) {
      if (this.#closed || !waiter.admit()) return;
      this.withdraw(waiter);
    }
  }
}

function currentIds(): number[] {
  return [process.geteuid!(), process.getegid!(), ...process.getgroups!()];
}

/** Throws the error of a register call's negative result. */
export function checkRegister(result: number): number {
  if (result < 0) throw systemError(result, 'io_uring_register');
  return result;
}
