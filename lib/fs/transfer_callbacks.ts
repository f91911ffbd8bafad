/**
 * The callback forms of read, write and their like.
 *
 * @module
 */
import { systemError } from '../core/errors.js';
import { validatedFd, validateFunction, validateInteger } from '../core/validate.js';
import {
  bytesOf,
  numericPosition,
  validateBuffer,
  validatedReadPosition,
  validatedReadRange,
  validatedVector,
  validateNullableObject,
  writeArguments,
  writeTextArguments,
  type ReadOptions,
  type Transfer,
} from './arguments.js';
import { bound, settleLater, type Callback } from './callback.js';
import { EINVAL } from './errors.js';
import { likeNodes } from './exported.js';
import nodeFs from './node_fs.js';
import { callbackOf, limitsOf, validatedLimits, type Limits } from './options.js';
import type { Settle } from './request.js';
import { isLimited, startLimited } from './task.js';
import {
  startRead,
  startReadv,
  startShortRead,
  startWrite,
  startWritev,
  type Stoppable,
} from './transfer.js';

type View = NodeJS.ArrayBufferView;

/** Gives the callback an error or null, the count and what it is about. */
function counting(syscall: string, done: Callback<unknown[]>, subject: unknown): Settle {
  return (res) => {
    if (res < 0) done(systemError(res, syscall), 0, subject);
    else done(null, res, subject);
  };
}

/**
 * Starts something, within the limits if there are any: `settle` gets the result, `done` what has ended it early.
 */
function begin(
  syscall: string,
  limits: Limits,
  start: (settle: Settle, runsUserCode: boolean) => Stoppable | void,
  settle: Settle,
  done: Callback<unknown[]>,
): void {
  if (isLimited(limits))
    settleLater(
      startLimited(syscall, limits, (end) => start(end, false)),
      settle,
      done,
    );
  else start(settle, true);
}

/**
 * `fs.read(fd, buffer, offset, length, position[, limits], callback)` and its shorter forms, whose options may have
 * limits too. What limits do to the file's position: see FileHandle.read.
 */
export function read(
  fd: unknown,
  buffer?: unknown,
  offset?: unknown,
  length?: unknown,
  position?: unknown,
  limits?: unknown,
  last?: unknown,
): void {
  const file = validatedFd(fd);
  let callback = callbackOf(limits, last);
  let options: ReadOptions | undefined;
  if (arguments.length <= 4) {
    if (arguments.length === 4) {
      validateNullableObject(offset, 'options');
      [options, callback] = [offset as ReadOptions, length];
    } else if (arguments.length === 3) {
      if (!ArrayBuffer.isView(buffer)) {
        options = buffer as ReadOptions | undefined;
        ({ buffer = Buffer.alloc(16384) } = options ?? {});
      }
      callback = offset;
    } else {
      callback = buffer;
      buffer = Buffer.alloc(16384);
    }
    if (options !== undefined) validateNullableObject(options, 'options');
    ({
      offset = 0,
      length = ((buffer as View | undefined)?.byteLength ?? 0) - (offset as number),
      position = null,
    } = options ?? {});
  }
  validateBuffer(buffer);
  validateFunction(callback, 'cb');
  const into = buffer;
  if (offset != null) validateInteger(offset, 'offset', 0);
  // Coerced to an integer, as node does.
  const [from, count] = validatedReadRange(into, offset, (length as number) | 0);
  const done = bound(callback);
  if (count === 0) return process.nextTick(done, null, 0, into);
  const at = validatedReadPosition(position, count);
  const valid = options == null ? validatedLimits(limits) : limitsOf(options);
  // One that may be ended early must be one that can be taken back.
  const startOne = isLimited(valid) ? startRead : startShortRead;
  const start = (settle: Settle, runsUserCode: boolean): Stoppable | void =>
    startOne(file, bytesOf(into), from, count, at, settle, runsUserCode);
  begin('read', valid, start, counting('read', done, into), done);
}

/** `fs.readv(fd, buffers[, position[, limits]], callback)`. */
export function readv(
  fd: unknown,
  buffers: unknown,
  position?: unknown,
  limits?: unknown,
  last?: unknown,
): void {
  const file = validatedFd(fd);
  const views = validatedVector(buffers);
  const done = bound(callbackOf(limits, last) || position);
  const settle = counting('read', done, buffers);
  if (views.length === 0) return process.nextTick(settle, EINVAL);
  const start = (end: Settle, runsUserCode: boolean): Stoppable =>
    startReadv(file, views, numericPosition(position), end, runsUserCode);
  begin('read', validatedLimits(limits), start, settle, done);
}

/**
 * `fs.write(fd, buffer[, offset[, length[, position[, limits]]]], callback)`, `fs.write(fd, buffer, options, callback)`,
 * `fs.write(fd, string[, position[, encoding[, limits]]], callback)`.
 */
export function write(
  fd: unknown,
  buffer: unknown,
  offset?: unknown,
  length?: unknown,
  position?: unknown,
  limits?: unknown,
  last?: unknown,
): void {
  const file = validatedFd(fd);
  let callback = callbackOf(limits, last);
  let source: Transfer<unknown>;
  if (ArrayBuffer.isView(buffer)) {
    callback ||= position || length || offset;
    validateFunction(callback, 'cb');
    const start = typeof offset === 'function' ? null : offset;
    source = writeArguments(buffer as View, start, length, position, limits);
  } else {
    let encoding: unknown = 'utf8';
    const isLimits = typeof position === 'object' && position !== null;
    if (isLimits && typeof limits === 'function') [callback, limits, encoding] = [limits, position, length];
    else if (typeof position === 'function') [callback, encoding] = [position, length];
    else if (typeof offset === 'function') [callback, offset] = [offset, null];
    else callback = length;
    source = writeTextArguments(buffer, offset, encoding, limits);
    validateFunction(callback, 'cb');
  }
  const { memory, offset: from, length: count } = source;
  const done = bound(callback);
  const start = (settle: Settle, runsUserCode: boolean): Stoppable =>
    startWrite(file, memory, from, count, source.position, settle, runsUserCode);
  begin('write', source.limits, start, counting('write', done, buffer), done);
}

/** `fs.writev(fd, buffers[, position[, limits]], callback)`. */
export function writev(
  fd: unknown,
  buffers: unknown,
  position?: unknown,
  limits?: unknown,
  last?: unknown,
): void {
  const file = validatedFd(fd);
  const views = validatedVector(buffers);
  const done = bound(callbackOf(limits, last) || position);
  if (views.length === 0) return process.nextTick(done, null, 0, buffers);
  const start = (settle: Settle, runsUserCode: boolean): Stoppable =>
    startWritev(file, views, numericPosition(position), settle, runsUserCode);
  begin('write', validatedLimits(limits), start, counting('write', done, buffers), done);
}

likeNodes(read, nodeFs.read);
likeNodes(readv, nodeFs.readv);
likeNodes(write, nodeFs.write);
likeNodes(writev, nodeFs.writev);
