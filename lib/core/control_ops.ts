/**
 * Operations that are not about one file's data: polling, timers, cancellation, messages, processes, futexes.
 *
 * Every constructor also takes `{ signal, timeout, ring, flags }` ({@link OperationOptions}). Times are in
 * milliseconds and may have fractions: the kernel counts nanoseconds.
 *
 * @module
 */
import type { NativeRing } from './binding.js';
import { IORING_TIMEOUT_ETIME_SUCCESS, IORING_TIMEOUT_MULTISHOT } from './constants.js';
import { validatedDescriptor, type Descriptor } from './direct.js';
import { invalidArgType, invalidArgValue, invalidState, outOfRange } from './errors.js';
import { MultishotOperation, type MultishotOptions } from './multishot.js';
import { Operation, type OperationOptions, type Prepare } from './operation.js';
import { Ring } from './ring.js';
import {
  validatedFd,
  validatedTimeout,
  validateBoolean,
  validateDuration,
  validateInt32,
  validateInteger,
  validateObject,
  validateUint32,
} from './validate.js';

const ETIME = -62;
const ENOENT = -2;
const EALREADY = -114;

/** Does nothing: a round trip through the kernel. With `flags: { drain: true }` a barrier. Since 5.1. */
export function nop(options: OperationOptions = {}): Operation<void> {
  return new Operation<void>('nop', (native, f, t) => native.nop(f, t), options, { decode: () => {} });
}

/**
 * Waits for events (POLLIN, POLLOUT, …); resolves to those that are there. POLLERR and POLLHUP always count.
 * Errors: EBADF. Since 5.1. poll(2).
 */
export function poll(fd: Descriptor, events: number, options: OperationOptions = {}): Operation<number> {
  const file = validatedDescriptor(fd);
  validateUint32(events, 'events');
  return new Operation('poll', (native, f, t) => native.poll(f, t, file.fd, events), options, file);
}

/** Waits for events again and again; edge-triggered: iterates over what has newly come. Errors: EBADF. Since 5.13. */
export function pollMultishot(
  fd: Descriptor,
  events: number,
  options: MultishotOptions = {},
): MultishotOperation<number> {
  const file = validatedDescriptor(fd);
  validateUint32(events, 'events');
  return new MultishotOperation(
    'poll',
    (native, f, t) => native.pollMultishot(f, t, file.fd, events),
    options,
    { ...file, decode: (res) => res },
  );
}

/** Options of {@link timeout}. */
export interface TimeoutOptions extends OperationOptions {
  /** Complete already when so many other operations of the ring have completed. Default 0: only by time. */
  count?: number;
  /** IORING_TIMEOUT_ABS (since the clock's beginning), IORING_TIMEOUT_BOOTTIME, IORING_TIMEOUT_REALTIME; not _MULTISHOT. */
  timeoutFlags?: number;
}

/**
 * Resolves when `ms` have passed; expiry is its success (the kernel says ETIME). In a chain the next member
 * runs after it (IORING_TIMEOUT_ETIME_SUCCESS, 5.16). Since 5.4.
 */
export function timeout(ms: number, options: TimeoutOptions = {}): Operation<void> {
  validateDuration(ms, 'ms');
  const { count = 0, timeoutFlags = 0 } = options;
  validateUint32(count, 'options.count');
  validateUint32(timeoutFlags, 'options.timeoutFlags');
  if ((timeoutFlags & IORING_TIMEOUT_MULTISHOT) !== 0) {
    throw invalidArgValue('options.timeoutFlags', timeoutFlags, 'must not have IORING_TIMEOUT_MULTISHOT');
  }
  return new Operation<void>(
    'timeout',
    (native, f, t) => native.timeout(f, t, ms, count, timeoutFlags | IORING_TIMEOUT_ETIME_SUCCESS),
    options,
    { expected: [ETIME], decode: () => {} },
  );
}
/** Below, it has always expired already when the kernel looks for what is to be cancelled: it ends by itself or not at all. */
const leastCancellableMs = 0.1;
/** So often that may be. */
const mostQuickRepeats = 1000;

/**
 * Expires every `ms` milliseconds, without drift, `repeats` times (0: for ever); iterates over the number of the expiry,
 * from 1. For ever, or more than 1000 times, not more often than every 0.1 ms (ERR_OUT_OF_RANGE). Since 6.4.
 */
export function timeoutMultishot(
  ms: number,
  options: MultishotOptions & { repeats?: number } = {},
): MultishotOperation<number> {
  validateDuration(ms, 'ms');
  // Numbers take no room: a slow reader finds them all, and the kernel's clock is not stopped for it.
  const { repeats = 0, highWaterMark = Infinity } = options;
  validateUint32(repeats, 'options.repeats');
  if (ms < leastCancellableMs && (repeats === 0 || repeats > mostQuickRepeats))
    throw outOfRange('ms', `>= ${leastCancellableMs}`, ms);
  let expiries = 0;
  return new MultishotOperation(
    'timeout',
    // A full completion queue ends it early: the rest is asked for anew.
    (native, f, t) => native.timeoutMultishot(f, t, ms, repeats === 0 ? 0 : repeats - expiries),
    { ...options, highWaterMark },
    { decode: () => ++expiries, isResult: (res) => res === ETIME, isOver: () => expiries === repeats },
  );
}

/** The operation that another one is about: it must be in flight on the same ring. */
function slotOf(target: Operation<unknown> | MultishotOperation<unknown>, native: NativeRing): number {
  if (target.slot < 0) throw invalidState('the target operation is not in flight');
  if (target.ring!.native !== native) throw invalidState('the target operation is on another ring');
  return target.slot;
}

function validateTarget(target: unknown): asserts target is Operation<unknown> | MultishotOperation<unknown> {
  if (!(target instanceof Operation || target instanceof MultishotOperation)) {
    throw invalidArgType('operation', 'an instance of Operation or MultishotOperation', target);
  }
}

/** Options with the target's ring, unless one is given. */
function onRingOf<O extends OperationOptions>(target: { ring: Ring | undefined }, options: O): O {
  return options.ring === undefined && target.ring !== undefined
    ? { ...options, ring: target.ring }
    : options;
}

/**
 * Sets a pending `timeout` anew, to `ms` from now. Errors: ENOENT (it has expired), EALREADY (it is expiring), EINVAL.
 * Since 5.11.
 */
export function timeoutUpdate(
  target: Operation<void>,
  ms: number,
  options: OperationOptions & { timeoutFlags?: number } = {},
): Operation<void> {
  validateTarget(target);
  validateDuration(ms, 'ms');
  const { timeoutFlags = 0 } = options;
  validateUint32(timeoutFlags, 'options.timeoutFlags');
  return new Operation<void>(
    'timeout_update',
    (native, f, t) => native.timeoutUpdate(f, t, slotOf(target, native), ms, timeoutFlags),
    onRingOf(target, options),
    { decode: () => {} },
  );
}

/** Removes a pending `timeout`, which rejects with ECANCELED. Errors: ENOENT, EALREADY. Since 5.5. */
export function timeoutRemove(target: Operation<void>, options: OperationOptions = {}): Operation<void> {
  validateTarget(target);
  return new Operation<void>(
    'timeout_remove',
    (native, f, t) => native.timeoutRemove(f, t, slotOf(target, native)),
    onRingOf(target, options),
    { decode: () => {} },
  );
}

/**
 * Puts an IORING_OP_LINK_TIMEOUT behind an operation that has not been submitted: it ends with a TimeoutError after
 * `ms`. The same as its `timeout` option. Returns the operation. Since 5.5.
 */
export function linkTimeout<O extends Operation<unknown>>(operation: O, ms: number): O {
  if (!(operation instanceof Operation))
    throw invalidArgType('operation', 'an instance of Operation', operation);
  validateDuration(ms, 'ms');
  operation.limit(validatedTimeout(ms, 'ms'));
  return operation;
}

/** What {@link cancel} is to cancel. */
export type CancelTarget =
  | {
      /** This one. */
      operation: Operation<unknown> | MultishotOperation<unknown>;
    }
  | {
      /** What is pending on this one. */
      descriptor: Descriptor;
      /** All of it. Default: one operation. */
      all?: boolean;
    }
  | {
      /** Everything on the ring. */
      all: true;
    };

/**
 * Cancels an operation, what is pending on a descriptor (one, or `all`), or everything on the ring. Resolves to how
 * many were cancelled: 0 when nothing was found. What is cancelled rejects with ECANCELED. Errors: EALREADY (it is being
 * executed and may complete yet). Since 5.5 (descriptor, all: 5.19). `operation.cancel()` and signals need none of this.
 */
export function cancel(target: CancelTarget, options: OperationOptions = {}): Operation<number> {
  validateObject(target, 'target');
  const expected = [ENOENT];
  if ('operation' in target) {
    const { operation } = target;
    validateTarget(operation);
    return new Operation(
      'async_cancel',
      (native, f, t) => native.cancelOperation(f, t, slotOf(operation, native)),
      onRingOf(operation, options),
      // Without IORING_ASYNC_CANCEL_ALL success is 0: it was the one.
      { expected, decode: (res) => (res === ENOENT ? 0 : 1) },
    );
  }
  const count = (res: number): number => Math.max(res, 0);
  if ('descriptor' in target) {
    const { all = false } = target;
    validateBoolean(all, 'target.all');
    const file = validatedDescriptor(target.descriptor, 'target.descriptor');
    return new Operation(
      'async_cancel',
      (native, f, t) => native.cancelDescriptor(f, t, file.fd, all, file.fixedFile),
      options,
      { ring: file.ring, expected, decode: all ? count : (res) => (res === ENOENT ? 0 : 1) },
    );
  }
  if (target.all !== true) {
    throw invalidArgValue('target', target, 'must have an operation, a descriptor, or all: true');
  }
  return new Operation('async_cancel', (native, f, t) => native.cancelAll(f, t), options, {
    expected: [ENOENT, EALREADY],
    decode: count,
  });
}

/**
 * Sends two 32-bit integers to another ring, of this process (another thread's) by `ring.fd` or `Ring`: its `onMessage`
 * and `messages()` get them. `result` must not be negative. Errors: EBADFD (that is no ring, or not enabled), EOVERFLOW,
 * EBADF; ERR_INVALID_STATE when the `Ring` is closed. Since 5.18.
 */
export function msgRing(
  target: Ring | number,
  message: { value: number; result?: number },
  options: OperationOptions = {},
): Operation<void> {
  const fd = target instanceof Ring ? target.fd : validatedFd(target, 'target');
  validateObject(message, 'message');
  const { value, result = 0 } = message;
  validateInt32(value, 'message.value');
  validateInt32(result, 'message.result', 0);
  const prepare: Prepare = (native, f, t) => {
    // Its number may be another ring's by now.
    if (target instanceof Ring && target.closed) throw invalidState('the target ring is closed');
    return native.msgRing(f, t, fd, value, result);
  };
  return new Operation<void>('msg_ring', prepare, options, { decode: () => {} });
}

/** What {@link waitid} tells of a child process. */
export interface ChildStatus {
  /** Its process id. */
  pid: number;
  /** The child's real user id. */
  uid: number;
  /** SIGCHLD. */
  signo: number;
  /** CLD_EXITED, CLD_KILLED, CLD_DUMPED, … */
  code: number;
  /** The exit status, or the number of the signal. */
  status: number;
}

/** The size of siginfo_t. */
const siginfoBytes = 128;

/**
 * Waits for a child: P_PID, P_PGID, P_PIDFD or P_ALL in `idtype`; WEXITED and others in `waitOptions`. Resolves to null
 * when WNOHANG finds none. Children of node:child_process are node's to wait for. Errors: ECHILD, EINVAL.
 * Since 6.7. waitid(2).
 */
export function waitid(
  idtype: number,
  id: number,
  waitOptions: number,
  options: OperationOptions = {},
): Operation<ChildStatus | null> {
  validateInt32(idtype, 'idtype', 0);
  validateInt32(id, 'id', 0);
  validateInt32(waitOptions, 'waitOptions', 0);
  const out = new Int32Array(siginfoBytes / 4);
  return new Operation<ChildStatus | null>(
    'waitid',
    (native, f, t) => native.waitid(f, t, idtype, id, new Uint8Array(out.buffer), waitOptions),
    options,
    {
      keep: out,
      // siginfo_t on 64-bit machines: signo, errno, code, (padding), pid, uid, status. Without a child all but signo and errno
      // can be what was in the kernel's memory before (CVE-2026-46315).
      decode: () =>
        out[0] === 0
          ? null
          : { pid: out[4]!, uid: out[5]! >>> 0, signo: out[0]!, code: out[2]!, status: out[6]! },
    },
  );
}

function validateWord(word: unknown, index: number): asserts word is Int32Array {
  if (!(word instanceof Int32Array) || !(word.buffer instanceof SharedArrayBuffer)) {
    throw invalidArgType('word', 'an Int32Array over a SharedArrayBuffer', word);
  }
  validateInteger(index, 'options.index', 0, word.length - 1);
}

/**
 * Waits until another thread wakes the word (`futexWake`, futex(2); Atomics.notify does not use futexes), unless its
 * value isn't `expected`. Errors: EAGAIN (another value). Since 6.7. futex(2).
 */
export function futexWait(
  word: Int32Array,
  expected: number,
  options: OperationOptions & { index?: number } = {},
): Operation<void> {
  const { index = 0 } = options;
  validateWord(word, index);
  validateInt32(expected, 'expected');
  return new Operation<void>(
    'futex_wait',
    (native, f, t) => native.futexWait(f, t, word, index, expected),
    options,
    { keep: word, decode: () => {} },
  );
}

/** Wakes up to `count` waiters of the word; resolves to how many there were. Since 6.7. futex(2). */
export function futexWake(
  word: Int32Array,
  count: number = 1,
  options: OperationOptions & { index?: number } = {},
): Operation<number> {
  const { index = 0 } = options;
  validateWord(word, index);
  validateInt32(count, 'count', 1);
  return new Operation('futex_wake', (native, f, t) => native.futexWake(f, t, word, index, count), options, {
    keep: word,
  });
}

/**
 * Changes an epoll instance: EPOLL_CTL_* in `op`. `data` is what epoll_wait reports, by default the descriptor.
 * Errors: EEXIST, ENOENT, EPERM (cannot be polled), ELOOP, EINVAL. Since 5.6. epoll_ctl(2).
 */
export function epollCtl(
  epfd: number,
  op: number,
  fd: number,
  options: OperationOptions & { events?: number; data?: number } = {},
): Operation<void> {
  const epoll = validatedFd(epfd, 'epfd');
  const file = validatedFd(fd);
  validateInt32(op, 'op', 1, 3);
  const { events = 0, data = file } = options;
  validateUint32(events, 'options.events');
  validateInteger(data, 'options.data', 0);
  return new Operation<void>(
    'epoll_ctl',
    (native, f, t) => native.epollCtl(f, t, epoll, op, file, events, data),
    options,
    { decode: () => {} },
  );
}
