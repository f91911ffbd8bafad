/**
 * Paths, and the arguments of read, write and their like, checked as node checks them.
 *
 * @module
 */
import { ring } from '../core/backend.js';
import { RegisteredBuffer } from '../core/buffers.js';
import { invalidArgType, invalidArgValue, invalidState, outOfRange } from '../core/errors.js';
import { nodeMajor } from '../core/node_version.js';
import { isDetached, validateInteger, validateObject } from '../core/validate.js';
import { encodingOr, limitsOf, validatedLimits, validateEncoding, type Limits } from './options.js';
import type { Memory, Position } from './transfer.js';

type View = NodeJS.ArrayBufferView;

/** What one read or write moves. */
export interface Transfer<B = View> {
  /** As the caller gave it: results carry it. */
  buffer: B;
  memory: Memory;
  offset: number;
  length: number;
  position: Position;
  limits: Limits;
}

/** Whether it can be a descriptor. */
export function isDescriptor(value: unknown): value is number {
  return typeof value === 'number' && value === (value | 0);
}

/** Whether readFile, writeFile and appendFile take this as a descriptor, as node finds out: of what is no number at all (a symbol, a bigint) it throws, in the engine's words. */
export function namesDescriptor(path: unknown): path is number {
  return path === ((path as number) | 0);
}

/** A view's bytes. */
export function bytesOf(view: View): Uint8Array {
  return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** What the buffer argument may be: a view, or memory that is registered with the ring. */
export function isMemory(buffer: unknown): buffer is View | RegisteredBuffer {
  return ArrayBuffer.isView(buffer) || buffer instanceof RegisteredBuffer;
}

/** What holds the bytes. */
function viewOf(buffer: View | RegisteredBuffer): View {
  return buffer instanceof RegisteredBuffer ? buffer.buffer : buffer;
}

/** As what the kernel is to be told of them. */
function memoryOf(buffer: View | RegisteredBuffer): Memory {
  if (!(buffer instanceof RegisteredBuffer)) return bytesOf(buffer);
  if (!buffer.registered) throw invalidState('the buffer has been unregistered');
  if (buffer.ring !== ring()) throw invalidState('a registered buffer belongs to another ring');
  return buffer;
}

export function validateBuffer(buffer: unknown, name = 'buffer'): asserts buffer is View {
  if (!ArrayBuffer.isView(buffer)) {
    throw invalidArgType(name, 'an instance of Buffer, TypedArray, or DataView', buffer);
  }
}

/** A string where a view would do as well. */
export function validateText(value: unknown, name: string): asserts value is string {
  if (typeof value !== 'string') {
    throw invalidArgType(name, 'of type string or an instance of Buffer, TypedArray, or DataView', value);
  }
}

/** Null and undefined are objects here. */
export function validateNullableObject(value: unknown, name: string): void {
  if (value !== null) validateObject(value, name);
}

/** An array of views. */
export function validatedVector(buffers: unknown): Uint8Array[] {
  // Array.from: a hole is no view either, and `every` would pass it over.
  if (!Array.isArray(buffers) || !Array.from(buffers).every((buffer) => ArrayBuffer.isView(buffer))) {
    throw invalidArgType('buffers', 'an ArrayBufferView[]', buffers);
  }
  return (buffers as View[]).map(bytesOf);
}

/** A position that is a number, else the file's own. */
export function numericPosition(position: unknown): Position {
  return typeof position === 'number' && Number.isSafeInteger(position) && position >= 0 ? position : -1;
}

/** Numbers and bigints; negative and none: the file's own position. */
function looseReadPosition(position: unknown): Position {
  if (typeof position === 'bigint') return position >= 0n && position < 2n ** 63n ? position : -1;
  return numericPosition(position);
}

/** As {@link looseReadPosition}, but what is no position is an error. */
export function validatedReadPosition(position: unknown, length: number): Position {
  if (position == null) return -1;
  if (typeof position === 'number') validateInteger(position, 'position', -1);
  else if (typeof position !== 'bigint')
    throw invalidArgType('position', 'of type bigint or integer', position);
  else {
    const [min, max] =
      nodeMajor < 22 ? [-(2n ** 63n), 2n ** 63n - 1n] : [-1n, 2n ** 63n - 1n - BigInt(length)];
    if (position < min || position > max) {
      throw outOfRange('position', `>= ${min} && <= ${max}`, position);
    }
  }
  return looseReadPosition(position);
}

/** Of a FileHandle's read: node 20 lets pass what is no position, node 22 where nothing is to be read. */
const handlePosition = nodeMajor < 22 ? looseReadPosition : validatedReadPosition;

/** A range to read into. Of length 0: nothing is to be read, and nothing is wrong with that. */
export function validatedReadRange(buffer: View, offset: unknown, length: unknown): [number, number] {
  if (offset == null) offset = 0;
  else validateInteger(offset, 'offset', 0);
  const from = offset as number;
  length ??= buffer.byteLength - from;
  if (length === 0) return [from, 0];
  if (buffer.byteLength === 0 || isDetached(buffer)) {
    throw invalidArgValue('buffer', buffer, 'is empty and cannot be written');
  }
  if ((length as number) < 0) throw outOfRange('length', '>= 0', length);
  if (from + (length as number) > buffer.byteLength) {
    throw outOfRange('length', `<= ${buffer.byteLength - from}`, length);
  }
  validateInteger(length, 'length', 0, 2 ** 31 - 1);
  return [from, length];
}

/** Options in place of the arguments of a read. */
export interface ReadOptions extends Limits {
  buffer?: unknown;
  offset?: unknown;
  length?: unknown;
  position?: unknown;
}

/**
 * `read(buffer, offset, length, position[, limits])`, `read(buffer, options)`, `read({ buffer, … })` of a FileHandle.
 */
export function readArguments(
  buffer: unknown,
  offset: unknown,
  length: unknown,
  position: unknown,
  limits: unknown,
): Transfer<View | RegisteredBuffer> {
  let options: ReadOptions | undefined;
  if (!isMemory(buffer)) {
    if (buffer !== undefined) validateNullableObject(buffer, 'options');
    options = buffer ?? {};
    ({ buffer = Buffer.alloc(16384), offset = 0, length, position } = options);
    if (!isMemory(buffer)) validateBuffer(buffer);
  }
  const source = buffer;
  if (offset !== null && typeof offset === 'object') {
    options = offset;
    ({ offset, length, position } = options);
  }
  const [from, count] = validatedReadRange(viewOf(source), offset, length);
  return {
    buffer: source,
    memory: memoryOf(source),
    offset: from,
    length: count,
    position: count === 0 && nodeMajor < 24 ? -1 : handlePosition(position, count),
    limits: options === undefined ? validatedLimits(limits) : limitsOf(options),
  };
}

/** A range to write from. */
function validatedWriteRange(buffer: View, offset: unknown, length: unknown): [number, number] {
  const bytes = buffer.byteLength;
  if (offset == null) offset = 0;
  else validateInteger(offset, 'offset', 0);
  const from = offset as number;
  const count = typeof length === 'number' ? length : bytes - from;
  if (from > bytes) throw outOfRange('offset', `<= ${bytes}`, from);
  if (count > bytes - from) throw outOfRange('length', `<= ${bytes - from}`, count);
  if (count < 0) throw outOfRange('length', '>= 0', count);
  validateInteger(count, 'length', 0, 2 ** 31 - 1);
  return [from, count];
}

interface RangeOptions extends Limits {
  offset?: unknown;
  length?: unknown;
  position?: unknown;
}

/** `write(buffer, offset, length, position[, limits])`, `write(buffer, options)`. */
export function writeArguments<B extends View | RegisteredBuffer>(
  buffer: B,
  offset: unknown,
  length: unknown,
  position: unknown,
  limits: unknown,
): Transfer<B> {
  let options: RangeOptions | undefined;
  if (typeof offset === 'object') {
    options = offset ?? {};
    ({ offset, length, position } = options);
  }
  const [from, count] = validatedWriteRange(viewOf(buffer), offset, length);
  return {
    buffer,
    memory: memoryOf(buffer),
    offset: from,
    length: count,
    position: numericPosition(position),
    limits: options === undefined ? validatedLimits(limits) : limitsOf(options),
  };
}

/** `write(text, position, encoding[, limits])`. */
export function writeTextArguments(
  text: unknown,
  position: unknown,
  encoding: unknown,
  limits: unknown,
): Transfer<string> {
  validateText(text, 'buffer');
  validateEncoding(text, encoding);
  const memory = Buffer.from(text, encodingOr(encoding));
  return {
    buffer: text,
    memory,
    offset: 0,
    length: memory.length,
    position: numericPosition(position),
    limits: validatedLimits(limits),
  };
}
