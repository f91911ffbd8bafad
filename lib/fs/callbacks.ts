/**
 * The callback forms of open, close and fsync.
 *
 * @module
 */
import { ring } from '../core/backend.js';
import { loadBinding } from '../core/binding.js';
import { systemError } from '../core/errors.js';
import { workerThreads } from '../core/seldom.js';
import { validatedFd, validatedPath, validateFunction } from '../core/validate.js';
import { isDescriptor } from './arguments.js';
import { calledBack } from './call.js';
import { bound, settleLater, type Callback } from './callback.js';
import { startClose } from './close.js';
import { likeNodes } from './exported.js';
import { syncCall } from './handle_changes.js';
import nodeFs from './node_fs.js';
import { callbackOf, validatedFileMode, validatedFlags, validatedLimits } from './options.js';
import { openDescriptor, startOpen } from './open_file.js';
import type { Settle } from './request.js';
import { isLimited, withLimits } from './task.js';
import { expose } from './private_descriptors.js';
import { behindTurns, endTurns } from './turns.js';

/** Gives the callback an error, or null and nothing. */
function ending(syscall: string, done: Callback<unknown[]>): Settle {
  return (res) => (res < 0 ? done(systemError(res, syscall)) : done(null));
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
    const done = bound(callback);
    behindTurns(descriptor, () => {
      endTurns(descriptor);
      expose(descriptor);
      nodeFs.close(descriptor, done);
    });
  } else {
    startClose(descriptor, ending('close', bound(callback)), true);
  }
}

/** `fs.closeSync(fd)`: node's own, which knows nothing of what belongs to the descriptor here. */
export function closeSync(fd: number): void {
  if (!isDescriptor(fd)) return nodeFs.closeSync(fd);
  endTurns(fd);
  expose(fd);
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

likeNodes(open, nodeFs.open);
likeNodes(fsync, nodeFs.fsync);
likeNodes(fdatasync, nodeFs.fdatasync);
