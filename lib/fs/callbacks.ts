/**
 * The callback forms of open, close, read, write and their like.
 *
 * @module
 */
import { ring } from '../core/backend.js';
import { systemError } from '../core/errors.js';
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
} from './arguments.js';
import { bound, type Callback } from './callback.js';
import { EINVAL } from './errors.js';
import { likeNodes } from './exported.js';
import nodeFs from './node_fs.js';
import { validatedFileMode, validatedFlags } from './options.js';
import { startOpen } from './open_file.js';
import { Request, type Settle } from './request.js';
import { startClose, startRead, startReadv, startWrite, startWritev } from './transfer.js';
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

/** `fs.open(path[, flags[, mode]], callback)`. */
export function open(path: unknown, flags?: unknown, mode?: unknown, callback?: unknown): void {
  const name = validatedPath(path);
  let permissions = 0o666;
  if (arguments.length < 3) {
    callback = flags;
    flags = 'r';
  } else if (typeof mode === 'function') callback = mode;
  else permissions = validatedFileMode(mode);
  const oflags = validatedFlags(flags);
  const done = bound(callback);
  const settle = (res: number): void => {
    if (res < 0) done(systemError(res, 'open', { path: name }));
    else {
      // As node does: a thread that ends closes what it has opened.
      ring().native.own(res);
      done(null, res);
    }
  };
  startOpen(name, oflags, permissions, settle, true);
}

function throwError(error: Error | null): void {
  if (error != null) throw error;
}

/** `fs.close(fd[, callback])`. */
export function close(fd: unknown, callback: unknown = throwError): void {
  validateFunction(callback, 'cb');
  startClose(validatedFd(fd), ending('close', bound(callback)), true);
}

/** `fs.closeSync(fd)`: node's own, which knows nothing of what belongs to the descriptor here. */
export function closeSync(fd: number): void {
  if (isDescriptor(fd)) {
    endTurns(fd);
    ring().native.disown(fd);
  }
  nodeFs.closeSync(fd);
}

/** `fs.fsync(fd, callback)`. */
export function fsync(fd: unknown, callback: unknown): void {
  const settle = ending('fsync', bound(callback));
  const file = validatedFd(fd);
  new Request((native) => native.fsync(0, 0, file, 0), settle, true).submit();
}

/** `fs.fdatasync(fd, callback)`. */
export function fdatasync(fd: unknown, callback: unknown): void {
  const settle = ending('fdatasync', bound(callback));
  const file = validatedFd(fd);
  new Request((native) => native.fsync(0, 0, file, 1), settle, true).submit();
}

interface ReadOptions {
  buffer?: unknown;
  offset?: unknown;
  length?: unknown;
  position?: unknown;
}

/** `fs.read(fd, buffer, offset, length, position, callback)` and its shorter forms. */
export function read(
  fd: unknown,
  buffer?: unknown,
  offset?: unknown,
  length?: unknown,
  position?: unknown,
  callback?: unknown,
): void {
  const file = validatedFd(fd);
  if (arguments.length <= 4) {
    let options: ReadOptions | undefined;
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
  startRead(file, bytesOf(into), from, count, at, counting('read', done, into), true);
}

/** `fs.readv(fd, buffers[, position], callback)`. */
export function readv(fd: unknown, buffers: unknown, position?: unknown, callback?: unknown): void {
  const file = validatedFd(fd);
  const views = validatedVector(buffers);
  const done = bound(callback || position);
  const settle = counting('read', done, buffers);
  if (views.length === 0) process.nextTick(settle, EINVAL);
  else startReadv(file, views, numericPosition(position), settle, true);
}

/** `fs.write(fd, buffer[, offset[, length[, position]]], callback)`, `fs.write(fd, string[, position[, encoding]], callback)`. */
export function write(
  fd: unknown,
  buffer: unknown,
  offset?: unknown,
  length?: unknown,
  position?: unknown,
  callback?: unknown,
): void {
  const file = validatedFd(fd);
  if (ArrayBuffer.isView(buffer)) {
    callback ||= position || length || offset;
    validateFunction(callback, 'cb');
    const start = typeof offset === 'function' ? null : offset;
    const source = writeArguments(buffer as View, start, length, position);
    const settle = counting('write', bound(callback), buffer);
    startWrite(file, source.view, source.offset, source.length, source.position, settle, true);
    return;
  }
  let encoding: unknown = 'utf8';
  if (typeof position === 'function') [callback, encoding] = [position, length];
  else if (typeof offset === 'function') [callback, offset] = [offset, null];
  else callback = length;
  const source = writeTextArguments(buffer, offset, encoding);
  validateFunction(callback, 'cb');
  const settle = counting('write', bound(callback), buffer);
  startWrite(file, source.view, 0, source.length, source.position, settle, true);
}

/** `fs.writev(fd, buffers[, position], callback)`. */
export function writev(fd: unknown, buffers: unknown, position?: unknown, callback?: unknown): void {
  const file = validatedFd(fd);
  const views = validatedVector(buffers);
  const done = bound(callback || position);
  if (views.length === 0) process.nextTick(done, null, 0, buffers);
  else startWritev(file, views, numericPosition(position), counting('write', done, buffers), true);
}

likeNodes(read, nodeFs.read);
likeNodes(readv, nodeFs.readv);
likeNodes(write, nodeFs.write);
likeNodes(writev, nodeFs.writev);
