/**
 * The callback forms of open, close, read, write and their like.
 *
 * @module
 */
import { ring } from '../core/backend.js';
import { loadBinding } from '../core/binding.js';
import { systemError } from '../core/errors.js';
import { workerThreads } from '../core/seldom.js';
import { validatedFd, validatedPath, validateFunction, validateInteger } from '../core/validate.js';
import {
  bytesOf,
  isDescriptor,
  numericPosition,
  validateBuffer,
  validatedReadPosition,
  validatedReadRange,
  validatedVector,
  validateNullableObject,
  writeArguments,
  writeTextArguments,
  type Transfer,
} from './arguments.js';
import { calledBack } from './call.js';
import { bound, settleLater, type Callback } from './callback.js';
import { EINVAL } from './errors.js';
import { likeNodes } from './exported.js';
import { syncCall } from './handle_changes.js';
import nodeFs from './node_fs.js';
import {
  callbackOf,
  limitsOf,
  validatedFileMode,
  validatedFlags,
  validatedLimits,
  type Limits,
} from './options.js';
import { openDescriptor, startOpen } from './open_file.js';
import type { Settle } from './request.js';
import { isLimited, startLimited, withLimits } from './task.js';
import {
  startClose,
  startRead,
  startReadv,
  startShortRead,
  startWrite,
  startWritev,
  type Stoppable,
} from './transfer.js';
import { endTurns } from './turns.js';

type View = NodeJS.ArrayBufferView;

/** Gives the callback an error, or null and nothing. */
function ending(syscall: string, done: Callback<unknown[]>): Settle {
  return (res) => (res < 0 ? done(systemError(res, syscall)) : done(null));
}

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

/** `fs.open(path[, flags[, mode[, limits]]], callback)`. A descriptor that comes too late is closed. */
export function open(path: unknown, flags?: unknown, mode?: unknown, limits?: unknown, last?: unknown): void {
  const name = validatedPath(path);
  let permissions = 0o666;
  let callback = callbackOf(limits, last);
  if (arguments.length < 3) {
    callback = flags;
    flags = 'r';
  } else if (typeof mode === 'function') callback = mode;
  else permissions = validatedFileMode(mode);
  const oflags = validatedFlags(flags);
  const done = bound(callback);
  const settle = (res: number): void => {
    if (res < 0) done(systemError(res, 'open', { path: name }));
    else done(null, res);
  };
  const valid = validatedLimits(limits);
  if (isLimited(valid)) {
    const opened = withLimits('open', valid, (task) => openDescriptor(name, oflags, permissions, task));
    return settleLater(opened, settle, done);
  }
  startOpen(name, oflags, permissions, settle, true);
}

function throwError(error: Error | null): void {
  if (error != null) throw error;
}

let worker: boolean | undefined;
const inWorker = (): boolean => (worker ??= !workerThreads().isMainThread);

/**
 * Whether node is to close it. In a worker node keeps a list of what its own functions have opened (`openSync`), and closes
 * that when the thread ends: by then a number that it does not know to be closed may be another thread's.
 */
function isNodes(fd: number): boolean {
  return inWorker() && ring().native.owns(fd) === false;
}

/** `fs.close(fd[, callback])`. */
export function close(fd: unknown, callback: unknown = throwError): void {
  validateFunction(callback, 'cb');
  const descriptor = validatedFd(fd);
  if (isNodes(descriptor)) {
    endTurns(descriptor);
    nodeFs.close(descriptor, bound(callback));
  } else {
    startClose(descriptor, ending('close', bound(callback)), true);
  }
}

/** `fs.closeSync(fd)`: node's own, which knows nothing of what belongs to the descriptor here. */
export function closeSync(fd: number): void {
  if (!isDescriptor(fd)) return nodeFs.closeSync(fd);
  endTurns(fd);
  const { native } = ring();
  const isRings = native.owns(fd) === true;
  native.disown(fd);
  if (!isRings || !inWorker()) return nodeFs.closeSync(fd);
  // Node would warn that it has not opened it.
  const res = loadBinding().closeDescriptor(fd);
  if (res < 0) throw systemError(res, 'close');
}

/** `fs.fsync(fd[, limits], callback)`. */
export function fsync(fd: unknown, limits: unknown, callback?: unknown): void {
  synchronize(fd, false, limits, callback);
}

/** `fs.fdatasync(fd[, limits], callback)`. */
export function fdatasync(fd: unknown, limits: unknown, callback?: unknown): void {
  synchronize(fd, true, limits, callback);
}

function synchronize(fd: unknown, dataOnly: boolean, limits: unknown, callback: unknown): void {
  const done = callbackOf(limits, callback);
  validateFunction(done, 'cb');
  calledBack(syncCall(validatedFd(fd), dataOnly), done, validatedLimits(limits));
}

interface ReadOptions extends Limits {
  buffer?: unknown;
  offset?: unknown;
  length?: unknown;
  position?: unknown;
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

likeNodes(open, nodeFs.open);
likeNodes(fsync, nodeFs.fsync);
likeNodes(fdatasync, nodeFs.fdatasync);
likeNodes(read, nodeFs.read);
likeNodes(readv, nodeFs.readv);
likeNodes(write, nodeFs.write);
likeNodes(writev, nodeFs.writev);
