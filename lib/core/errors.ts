/**
 * Errors, made in one place and shaped as node's: same class, message, properties and order of properties, so that
 * programs which look at `code`, `errno`, `syscall` or `path` see what node:fs and node:net would have shown them.
 *
 * @module
 */
import { loadedBinding } from './binding.js';
import { getSystemErrorMap, inspect, toUSVString } from './node_util.js';

const ECANCELED = 125;
const ETIMEDOUT = 110;
const EINTR = 4;

/** An error that the kernel reported. */
export interface SystemError extends Error {
  /** Negative, as libuv's: -2 for ENOENT. */
  errno: number;
  /** The name: `'ENOENT'`. */
  code: string;
  /** The system call, or the operation, that failed. */
  syscall: string;
  /** The path that it was about. */
  path?: string;
  /** The second path of two. */
  dest?: string;
  /** The host, or the Unix socket's path. */
  address?: string;
  /** With an internet address. */
  port?: number;
}

/** What an error says besides its number. */
export interface ErrorDetails {
  path?: string | Uint8Array | undefined;
  dest?: string | Uint8Array | undefined;
  address?: string | undefined;
  port?: number | undefined;
}

/** What makes up a set-up failure: a sentence, its code and what to do about it. */
export interface Unavailability {
  reason: string;
  code: string;
  remedy: string;
  cause?: unknown;
}

const systemErrors = getSystemErrorMap();

/** `['ENOENT', 'no such file or directory']` for -2. libuv's words first; it does not know all of Linux's numbers. */
export function describeErrno(errno: number): [name: string, text: string] {
  const known = systemErrors.get(errno);
  if (known !== undefined) return known;
  const binding = loadedBinding();
  const name = binding?.errorName(errno);
  if (!name) return [`Unknown system error ${errno}`, `Unknown system error ${errno}`];
  return [name, (binding?.errorText(errno) ?? name).toLowerCase()];
}

/**
 * An error without stack frames. A completion is handled on a stack that begins in the event loop: its frames would
 * be ringcore's own and cost more than the operation. Node's own callback errors have none either.
 */
function bareError(message: string): Error {
  const limit = Error.stackTraceLimit;
  // Under --frozen-intrinsics the property cannot be written; then the frames stay.
  const writable = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true;
  if (writable) Error.stackTraceLimit = 0;
  const error = new Error(message);
  if (writable) Error.stackTraceLimit = limit;
  return error;
}

const pathText = (path: string | Uint8Array): string =>
  typeof path === 'string'
    ? toUSVString(path)
    : Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString();

/** `ENOENT: no such file or directory, open '/x'`, as node:fs makes it. `errno` is negative. */
export function systemError(errno: number, syscall: string, details: ErrorDetails = {}): SystemError {
  if (details.address !== undefined) return networkError(errno, syscall, details.address, details.port);
  const [code, text] = describeErrno(errno);
  let message = `${code}: ${text}, ${syscall}`;
  if (details.path !== undefined) message += ` '${pathText(details.path)}'`;
  if (details.dest !== undefined) message += ` -> '${pathText(details.dest)}'`;
  const error = bareError(message) as SystemError;
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  if (details.path !== undefined) error.path = pathText(details.path);
  if (details.dest !== undefined) error.dest = pathText(details.dest);
  return error;
}

/** `connect ECONNREFUSED 127.0.0.1:1`, as node:net makes it. A `port` of 0 or none: a path, or an unset port. */
export function networkError(errno: number, syscall: string, address: string, port?: number): SystemError {
  const [code] = describeErrno(errno);
  const where = port !== undefined && port > 0 ? `${address}:${port}` : address;
  const error = bareError(`${syscall} ${code} ${where}`) as SystemError;
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  error.address = address;
  if (port) error.port = port;
  return error;
}

/** Rejects what an `AbortSignal` (its reason is the `cause`) or `cancel()` has ended. */
export class AbortError extends Error {
  /** As node's. */
  declare code: 'ABORT_ERR';

  constructor(message = 'The operation was aborted', options?: { cause?: unknown }) {
    super(message, options);
    // Assigned, not declared as fields: enumerable and in this order, as node's own.
    this.code = 'ABORT_ERR';
    this.name = 'AbortError';
  }
}

/** The rejection for an aborted signal; `caller` is the first function that the stack leaves out. */
export function abortError(reason: unknown, caller: (...args: never[]) => unknown = abortError): AbortError {
  const error = new AbortError(undefined, reason === undefined ? undefined : { cause: reason });
  Error.captureStackTrace(error, caller);
  return error;
}

/** Rejects an operation whose `timeout` has passed. */
export class TimeoutError extends Error {
  /** -110. */
  declare errno: number;
  /** As of a connection that took too long. */
  declare code: 'ETIMEDOUT';
  /** The operation, or `chain`. */
  declare syscall: string;

  constructor(syscall: string, timeoutMs?: number) {
    const text =
      timeoutMs === undefined ? 'operation timed out' : `operation timed out after ${timeoutMs} ms`;
    super(`ETIMEDOUT: ${text}, ${syscall}`);
    this.errno = -ETIMEDOUT;
    this.code = 'ETIMEDOUT';
    this.syscall = syscall;
    this.name = 'TimeoutError';
  }
}

/** The error of a negative result: TimeoutError if the operation's own link timeout ended it. */
export function resultError(
  res: number,
  timedOut: boolean,
  syscall: string,
  timeoutMs: number,
  details?: ErrorDetails,
): Error {
  // Work that runs in a kernel worker is interrupted (EINTR) where other work is cancelled.
  if (timedOut && (res === -ECANCELED || res === -EINTR)) return new TimeoutError(syscall, timeoutMs);
  return systemError(res, syscall, details);
}

/** Rejects a chain of which a member failed. */
export class ChainError extends Error {
  /** The code of the first failure that isn't a consequence of another. */
  declare code: string | undefined;
  /** Every member's outcome, in the chain's order. */
  declare results: PromiseSettledResult<unknown>[];

  constructor(message: string, cause: unknown, results: PromiseSettledResult<unknown>[]) {
    super(message, { cause });
    this.name = 'ChainError';
    this.code = (cause as { code?: string } | undefined)?.code;
    this.results = results;
  }
}

/**
 * Node's own errors with a code have `name` 'TypeError' but print as `TypeError [CODE]: message`. Classes whose
 * `toString` does so, named as their base.
 */
function codedClass<B extends typeof Error>(Base: B): B {
  // A mixin's constructor must take any[]; B stands for Error, TypeError and RangeError.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  const Coded = class extends (Base as any) {
    declare code: string;
    declare message: string;
    toString(): string {
      return `${Base.name} [${this.code}]: ${this.message}`;
    }
  };
  Object.defineProperty(Coded, 'name', { value: Base.name });
  return Coded as unknown as B;
}

export const CodedError = codedClass(Error);
export const CodedTypeError = codedClass(TypeError);
export const CodedRangeError = codedClass(RangeError);

type Caller = (...args: never[]) => unknown;

/** An error with a code, as node's own: `codedError(CodedTypeError, 'ERR_X', 'message', caller)`. */
export function codedError<C extends string>(
  Class: typeof CodedError,
  code: C,
  message: string,
  caller: Caller,
  options?: { cause?: unknown },
): Error & { code: C } {
  const error = new Class(message, options) as Error & { code: C };
  // The stack's first line is made from the name at the moment of reading; read it with the code in the name.
  Object.defineProperty(error, 'name', { value: `${error.name} [${code}]`, configurable: true });
  Error.captureStackTrace(error, caller);
  void error.stack;
  delete (error as { name?: string }).name;
  error.code = code;
  return error;
}

/** `Received type string ('x')`: how node words what it was given. */
function received(value: unknown): string {
  if (value == null) return ` Received ${value}`;
  if (typeof value === 'function') return ` Received function ${value.name}`;
  if (typeof value === 'object') {
    const { constructor } = value as { constructor?: { name?: string } };
    // Even if the name is empty, as a generator's is.
    if (constructor && 'name' in constructor) return ` Received an instance of ${constructor.name}`;
    return ` Received ${inspect(value, { depth: -1 })}`;
  }
  if (typeof value === 'string') {
    const short = value.length > 28 ? `${value.slice(0, 25)}...` : value;
    return ` Received type string (${short.includes("'") ? JSON.stringify(short) : `'${short}'`})`;
  }
  let shown = inspect(value, { colors: false });
  if (shown.length > 28) shown = `${shown.slice(0, 25)}...`;
  return ` Received type ${typeof value} (${shown})`;
}

/**
 * ERR_INVALID_ARG_TYPE. `expected` is the rest of the sentence: `of type number`, `an instance of AbortSignal`.
 * A name with a dot is a property, not an argument.
 */
export function invalidArgType(
  name: string,
  expected: string,
  value: unknown,
  caller: Caller = invalidArgType,
): Error {
  const subject = name.endsWith(' argument')
    ? `The ${name}`
    : `The "${name}" ${name.includes('.') ? 'property' : 'argument'}`;
  return codedError(
    CodedTypeError,
    'ERR_INVALID_ARG_TYPE',
    `${subject} must be ${expected}.${received(value)}`,
    caller,
  );
}

/** ERR_INVALID_ARG_VALUE. */
export function invalidArgValue(
  name: string,
  value: unknown,
  reason = 'is invalid',
  caller: Caller = invalidArgValue,
): Error {
  let shown = inspect(value);
  if (shown.length > 128) shown = `${shown.slice(0, 128)}...`;
  const kind = name.includes('.') ? 'property' : 'argument';
  return codedError(
    CodedTypeError,
    'ERR_INVALID_ARG_VALUE',
    `The ${kind} '${name}' ${reason}. Received ${shown}`,
    caller,
  );
}

/** `1_152_921_504n`: node groups digits above 2^32. */
function groupDigits(text: string): string {
  return text.replace(/(\d)(?=(\d{3})+(?!\d))/g, '$1_');
}

/** ERR_OUT_OF_RANGE. `range` completes "It must be …". */
export function outOfRange(name: string, range: string, value: unknown, caller: Caller = outOfRange): Error {
  let shown: string;
  if (Number.isInteger(value) && Math.abs(value as number) > 2 ** 32) {
    shown = groupDigits(String(value));
  } else if (typeof value === 'bigint') {
    shown = String(value);
    if (value > 2n ** 32n || value < -(2n ** 32n)) shown = groupDigits(shown);
    shown += 'n';
  } else {
    shown = inspect(value);
  }
  return codedError(
    CodedRangeError,
    'ERR_OUT_OF_RANGE',
    `The value of "${name}" is out of range. It must be ${range}. Received ${shown}`,
    caller,
  );
}

/** ERR_SOCKET_BAD_PORT. */
export function badPort(value: unknown, name = 'Port', caller: Caller = badPort): Error {
  return codedError(
    CodedRangeError,
    'ERR_SOCKET_BAD_PORT',
    `${name} should be >= 0 and < 65536.${received(value)}.`,
    caller,
  );
}

/** ERR_INVALID_STATE: an operation used twice, a ring that is closed. */
export function invalidState(message: string, caller: Caller = invalidState): Error {
  return codedError(CodedError, 'ERR_INVALID_STATE', `Invalid state: ${message}`, caller);
}

/** Says that io_uring cannot be used here, why, and what to do. */
export interface UnavailableError extends Error {
  /** Always the same. */
  code: 'ERR_RINGCORE_UNAVAILABLE';
  /** A sentence without its full stop. */
  reason: string;
  /** The reason's own code: an errno's name mostly. */
  reasonCode: string;
  /** What to do about it. */
  remedy: string;
}

/** ERR_RINGCORE_UNAVAILABLE. */
export function unavailableError(why: Unavailability, caller: Caller = unavailableError): UnavailableError {
  const options = why.cause === undefined ? undefined : { cause: why.cause };
  const message = `io_uring is not available: ${why.reason}. ${why.remedy}`;
  const error = codedError(CodedError, 'ERR_RINGCORE_UNAVAILABLE', message, caller, options);
  return Object.assign(error, { reason: why.reason, reasonCode: why.code, remedy: why.remedy });
}
