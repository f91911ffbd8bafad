/**
 * Arguments are checked here, before anything reaches the kernel, with node's own codes and messages.
 * `caller` arguments are passed on to the error, whose stack begins behind them.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { badPort, invalidArgType, invalidArgValue, invalidState, outOfRange } from './errors.js';
import { types } from './node_util.js';

/** A file name as node:fs takes it. */
export type PathLike = string | Uint8Array | URL;

/** The kernel cuts every read, write, send and splice here (MAX_RW_COUNT): 2 GiB less one page. */
const maxTransferBytes = 0x7ffff000;

const maxInt32 = 2 ** 31 - 1;
const minInt32 = -(2 ** 31);
const maxUint32 = 2 ** 32 - 1;

/** An integer in `[min, max]`. */
export function validateInteger(
  value: unknown,
  name: string,
  min: number = Number.MIN_SAFE_INTEGER,
  max: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value, validateInteger);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value, validateInteger);
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value, validateInteger);
}

/** An integer that fits an `int`. */
export function validateInt32(
  value: unknown,
  name: string,
  min = minInt32,
  max = maxInt32,
): asserts value is number {
  validateInteger(value, name, min, max);
}

/** An integer that fits an `unsigned`. */
export function validateUint32(value: unknown, name: string): asserts value is number {
  validateInteger(value, name, 0, maxUint32);
}

/** A file offset or size: what an `off_t` holds, as a number or a bigint. */
export function validateOffset(value: unknown, name: string, min = 0): asserts value is number | bigint {
  if (typeof value === 'bigint') {
    const max = 2n ** 63n - 1n;
    if (value < BigInt(min) || value > max)
      throw outOfRange(name, `>= ${min}n && <= ${max}n`, value, validateOffset);
  } else if (typeof value === 'number') {
    validateInteger(value, name, min);
  } else {
    throw invalidArgType(name, 'of type bigint or integer', value, validateOffset);
  }
}

/** A descriptor's number. -0 becomes 0. */
export function validatedFd(fd: unknown, name = 'fd'): number {
  validateInteger(fd, name, 0, maxInt32);
  return fd + 0;
}

/** The directory that a relative path starts from: a descriptor, or AT_FDCWD (-100). */
export function validatedDirfd(fd: unknown, name = 'dirfd'): number {
  return fd === -100 ? -100 : validatedFd(fd, name);
}

/** Milliseconds: finite, not negative; `undefined` and Infinity are 0, which means "no limit". */
export function validatedTimeout(value: unknown, name = 'options.timeout'): number {
  if (value === undefined || value === Infinity) return 0;
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value, validatedTimeout);
  if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
    throw outOfRange(name, `>= 0 && <= ${Number.MAX_SAFE_INTEGER}`, value, validatedTimeout);
  }
  // 0 would mean "none" to the native side: the shortest time there is, a nanosecond.
  return value === 0 ? 1e-6 : value;
}

/** Duration of a timer, in ms. */
export function validateDuration(value: unknown, name: string): asserts value is number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value, validateDuration);
  if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
    throw outOfRange(name, `>= 0 && <= ${Number.MAX_SAFE_INTEGER}`, value, validateDuration);
  }
}

/** An AbortSignal, or undefined. Any object with an `aborted` property will do, as for node. */
export function validateAbortSignal(
  signal: unknown,
  name = 'options.signal',
): asserts signal is AbortSignal | undefined {
  if (signal !== undefined && (signal === null || typeof signal !== 'object' || !('aborted' in signal))) {
    throw invalidArgType(name, 'an instance of AbortSignal', signal, validateAbortSignal);
  }
}

/** A function. */
export function validateFunction(
  value: unknown,
  name: string,
): asserts value is (...args: never[]) => unknown {
  if (typeof value !== 'function') throw invalidArgType(name, 'of type function', value, validateFunction);
}

/** A boolean. */
export function validateBoolean(value: unknown, name: string): asserts value is boolean {
  if (typeof value !== 'boolean') throw invalidArgType(name, 'of type boolean', value, validateBoolean);
}

/** A string. */
export function validateString(value: unknown, name: string): asserts value is string {
  if (typeof value !== 'string') throw invalidArgType(name, 'of type string', value, validateString);
}

/** An object (arrays, functions and null are none). */
export function validateObject(value: unknown, name: string): asserts value is object {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw invalidArgType(name, 'of type object', value, validateObject);
  }
}

/** A port number, also as a string of digits. */
export function validatedPort(port: unknown, name = 'Port'): number {
  const number = typeof port === 'string' && port.trim() !== '' ? Number(port) : port;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 65535) {
    throw badPort(port, name, validatedPort);
  }
  return number;
}

/** As node sees it: URLs of other realms, and of other implementations, are URLs too. */
function isUrl(value: unknown): value is URL {
  if (typeof value !== 'object' || value === null) return false;
  const { href, protocol, auth, path } = value as { [name: string]: unknown };
  return Boolean(href && protocol) && auth === undefined && path === undefined;
}

/**
 * A path without null bytes; a `file:` URL becomes its path. Buffers stay bytes: a path need not be UTF-8. They are copied,
 * as node does it in the call: the program may use its buffer for something else while the operation waits.
 */
export function validatedPath(path: unknown, name = 'path'): string | Uint8Array {
  const value = isUrl(path) ? fileURLToPath(path) : path;
  if (typeof value === 'string') {
    if (!value.includes('\0')) return value;
  } else if (types.isUint8Array(value)) {
    if (!value.includes(0)) return Buffer.from(value);
  } else {
    throw invalidArgType(name, 'of type string or an instance of Buffer or URL', value, validatedPath);
  }
  throw invalidArgValue(
    name,
    value,
    'must be a string, Uint8Array, or URL without null bytes',
    validatedPath,
  );
}

/** A permission mode: a 32-bit unsigned integer or a string of octal digits. */
export function validatedMode(mode: unknown, name = 'mode'): number {
  if (typeof mode === 'string') {
    if (!/^[0-7]+$/.test(mode)) {
      throw invalidArgValue(
        name,
        mode,
        'must be a 32-bit unsigned integer or an octal string',
        validatedMode,
      );
    }
    mode = Number.parseInt(mode, 8);
  }
  validateUint32(mode, name);
  return mode;
}

/** Whether the view's memory has been transferred away. (`ArrayBuffer.prototype.detached` is newer than node 20.) */
export function isDetached(view: ArrayBufferView): boolean {
  if (view.byteLength !== 0 || view.buffer.byteLength !== 0) return false;
  if (!(view.buffer instanceof ArrayBuffer)) return false;
  try {
    new Uint8Array(view.buffer);
    return false;
  } catch {
    return true;
  }
}

/**
 * The view as bytes. Shared memory is accepted, as node does: the kernel writes as another thread would. So is a
 * resizable buffer: one that shrinks gives its pages back, and the kernel answers EFAULT. A detached one, and a view
 * that lies outside its shrunk buffer (both have byteLength 0), are refused.
 */
export function validatedView(buffer: unknown, name = 'buffer'): Uint8Array {
  if (!ArrayBuffer.isView(buffer)) {
    throw invalidArgType(name, 'an instance of Buffer, TypedArray, or DataView', buffer, validatedView);
  }
  if (buffer.byteLength === 0 && isUnusable(buffer)) {
    throw invalidArgValue(name, buffer, 'must not be detached or out of bounds', validatedView);
  }
  return buffer instanceof Uint8Array
    ? buffer
    : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

function isUnusable(view: ArrayBufferView): boolean {
  if (isDetached(view)) return true;
  // Out of bounds of a resizable buffer: a DataView throws on its byteLength (before this), typed arrays show 0,
  // and so does an empty view in its bounds, whose byteOffset may then be anything up to the buffer's length.
  if (!('resizable' in view.buffer) || !view.buffer.resizable) return false;
  try {
    // Throws for what is out of bounds; for an empty view in bounds it does nothing.
    Uint8Array.prototype.slice.call(view as Uint8Array, 0, 0);
    return false;
  } catch {
    return true;
  }
}

/** A part of a view, checked. */
export interface ByteRange {
  view: Uint8Array;
  offset: number;
  length: number;
}

/**
 * `offset` and `length` within a buffer; by default all of it. Longer than the kernel moves at once is cut to
 * {@link maxTransferBytes}: a short count, as read(2) and write(2) give it.
 */
export function validatedRange(
  buffer: unknown,
  offset: unknown = 0,
  length?: unknown,
  name = 'buffer',
): ByteRange {
  const view = validatedView(buffer, name);
  validateInteger(offset, 'offset', 0);
  if (offset > view.byteLength) throw outOfRange('offset', `<= ${view.byteLength}`, offset, validatedRange);
  if (length === undefined || length === null) {
    length = view.byteLength - offset;
  } else {
    validateInteger(length, 'length', 0);
    if (length > view.byteLength - offset) {
      throw outOfRange('length', `<= ${view.byteLength - offset}`, length, validatedRange);
    }
  }
  return { view, offset, length: Math.min(length as number, maxTransferBytes) };
}

/** An array of views, as readv and writev take it. At most IOV_MAX (1024). */
export function validatedViews(buffers: unknown, name = 'buffers'): Uint8Array[] {
  const wrong = (): Error => invalidArgType(name, 'an ArrayBufferView[]', buffers, validatedViews);
  if (!Array.isArray(buffers)) throw wrong();
  // A list of our own: each read once, and nobody's code runs when the native side reads it.
  const views: unknown[] = [];
  for (let index = 0; index < buffers.length; index++) {
    const view: unknown = buffers[index];
    if (!ArrayBuffer.isView(view)) throw wrong();
    views.push(view);
  }
  if (views.length > 1024) throw outOfRange(`${name}.length`, '<= 1024', views.length, validatedViews);
  return views.map((view) => validatedView(view, name));
}

/** The bytes of several views. */
export function totalBytes(views: readonly Uint8Array[]): number {
  return views.reduce((sum, view) => sum + view.byteLength, 0);
}

/** At submission: the views, of which none may have been detached or shrunk since `bytes` of them were counted. */
export function unchanged(views: Uint8Array[], bytes: number): Uint8Array[] {
  if (totalBytes(views) !== bytes)
    throw invalidState('a buffer was detached or resized before its operation began');
  return views;
}

/** Where in the file: null, undefined or -1 for the file's own position, which the kernel takes as -1. */
export function validatedPosition(position: unknown): number | bigint {
  if (position === undefined || position === null || position === -1 || position === -1n) return -1;
  if (typeof position === 'number') {
    validateInteger(position, 'position', -1);
  } else if (typeof position === 'bigint') {
    const max = 2n ** 63n - 1n;
    if (position < 0n || position > max) {
      throw outOfRange('position', `>= -1n && <= ${max}n`, position, validatedPosition);
    }
  } else {
    throw invalidArgType('position', 'of type bigint or integer', position, validatedPosition);
  }
  return position;
}

/** One of a fixed set of values. */
export function validateOneOf(value: unknown, name: string, allowed: readonly unknown[]): void {
  if (!allowed.includes(value)) {
    const list = allowed.map((item) => (typeof item === 'string' ? `'${item}'` : String(item))).join(', ');
    throw invalidArgValue(name, value, `must be one of: ${list}`, validateOneOf);
  }
}
