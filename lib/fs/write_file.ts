/**
 * writeFile and appendFile, by name, by descriptor, by FileHandle; as promises and with callbacks.
 *
 * @module
 */
import { ring } from '../core/backend.js';
import type { NativeRing } from '../core/binding.js';
import { abortError, systemError } from '../core/errors.js';
import { validatedFd, validatedPath, validateFunction } from '../core/validate.js';
import { namesDescriptor } from './arguments.js';
import { bound, callWith, type Callback } from './callback.js';
import { closeDescriptor, closeQuietly } from './close.js';
import { EAGAIN, EBADF, EFAULT } from './errors.js';
import { isPatched, likeNodes } from './exported.js';
import { descriptorOf, FileHandle, isNodeHandle } from './file_handle.js';
import { synchronize } from './handle_changes.js';
import { inTurn } from './next_turn.js';
import nodeFs from './node_fs.js';
import nodePromises from './node_promises.js';
import { openDescriptor, type Path } from './open_file.js';
import {
  validatedFileMode,
  validatedFlags,
  validatedFlush,
  validatedOptions,
  type FileOptions,
} from './options.js';
import { keepPrivate } from './private_descriptors.js';
import { isLimited, withLimits } from './task.js';
import { writeAndClose } from './write_then_close.js';
import { writeThroughExports } from './write_patched.js';
import {
  assertAttached,
  validatedContent,
  writeAlways,
  writeContent,
  writeDescriptor,
  type Content,
} from './write_to.js';

/** Files up to this size are written at once where that stays in memory: tmpfs. */
const shortWriteBytes = 64 * 1024;

function writeByPath(
  path: Path,
  oflags: number,
  mode: number,
  flush: boolean,
  content: Content,
  options: FileOptions,
): Promise<void> {
  const length = content instanceof Uint8Array ? content.byteLength : 0;
  const throughRing = (): Promise<void> =>
    writeThroughRing(path, oflags, mode, flush, content, length, options);
  if (!(content instanceof Uint8Array) || length > shortWriteBytes || flush) return throughRing();
  const settle = (res: number): Promise<void> => {
    if (res === EAGAIN) return throughRing();
    return res < 0 ? Promise.reject(systemError(res, 'write')) : Promise.resolve();
  };
  const atOnce = (native: NativeRing): number =>
    // What has been detached while this waited for its turn is the ring's to find.
    content.byteLength < length ? EAGAIN : native.writeFileAtOnce(path, oflags, mode, content);
  // With limits it may have to be stopped: that is for those who can.
  const res = isLimited(options) ? atOnce(ring().native) : inTurn(atOnce);
  return typeof res === 'number' ? settle(res) : res.then(settle);
}

function writeThroughRing(
  path: Path,
  oflags: number,
  mode: number,
  flush: boolean,
  content: Content,
  length: number,
  options: FileOptions,
): Promise<void> {
  return withLimits('writeFile', options, async (task) => {
    const fd = await openDescriptor(path, oflags, mode, task);
    if (content instanceof Uint8Array && content.byteLength < length) {
      // The buffer has been detached. The file is empty; that must not look like success.
      await closeQuietly(fd);
      throw systemError(EFAULT, 'write');
    }
    if (content instanceof Uint8Array && !flush) return writeAndClose(fd, content, task);
    try {
      keepPrivate(fd);
      await writeContent(fd, content, options, task);
      // Only behind a write that succeeded; and what it says counts.
      if (flush) await synchronize(fd, false);
    } catch (error) {
      await closeQuietly(fd);
      throw error;
    }
    return closeDescriptor(fd);
  });
}

async function write(path: unknown, data: unknown, options: FileOptions, flag: string): Promise<void> {
  const flush = validatedFlush(options);
  const content = validatedContent(data, options);
  if (path instanceof FileHandle) {
    assertAttached(content);
    if (content instanceof Uint8Array && content.byteLength === 0) return;
    // Not "file closed", as its methods say.
    if (descriptorOf(path) === -1) throw systemError(EBADF, 'write');
    return path.use('writeFile', (fd) => writeDescriptor(fd, content, options));
  }
  if (isNodeHandle(path)) return nodePromises.writeFile(path, data as string, options as object);
  if (options.signal?.aborted) throw abortError(options.signal.reason);
  const name = validatedPath(path);
  const oflags = validatedFlags(options.flag || flag);
  const mode = validatedFileMode(options.mode);
  assertAttached(content);
  return writeByPath(name, oflags, mode, flush, content, options);
}

/** `fsPromises.writeFile`: strings, views, iterables and async iterables; with `timeout` besides `signal`. */
export async function writeFile(path: unknown, data: unknown, options?: unknown): Promise<void> {
  return write(path, data, validatedOptions(options), 'w');
}

/** `fsPromises.appendFile`. */
export async function appendFile(path: unknown, data: unknown, options?: unknown): Promise<void> {
  return write(path, data, validatedOptions(options), 'a');
}

type Done = Callback<[]>;

function writeCallback(
  path: unknown,
  data: unknown,
  options: FileOptions,
  flag: string,
  callback: Done,
): void {
  const flush = validatedFlush(options);
  const content = validatedContent(data, options, false) as Uint8Array;
  if (options.signal?.aborted) return callback(abortError(options.signal.reason));
  if (isPatched('open', 'write', 'fsync', 'close')) {
    const { mode = 0o666, signal } = options;
    return writeThroughExports(path, content, { flag: options.flag || flag, mode, flush, signal }, callback);
  }
  if (namesDescriptor(path)) {
    validatedFd(path);
    const written = writeAlways(path, content, options);
    return callWith(flush ? written.then(() => synchronize(path, false)) : written, bound(callback));
  }
  const name = validatedPath(path);
  const mode = validatedFileMode(options.mode);
  const oflags = validatedFlags(options.flag || flag);
  callWith(writeByPath(name, oflags, mode, flush, content, options), bound(callback));
}

/** `fs.writeFile`. */
export function writeFileCallback(path: unknown, data: unknown, options: unknown, callback?: Done): void {
  callback ||= options as Done;
  validateFunction(callback, 'cb');
  writeCallback(path, data, validatedOptions(options), 'w', callback);
}

/** `fs.appendFile`. */
export function appendFileCallback(path: unknown, data: unknown, options: unknown, callback?: Done): void {
  callback ||= options as Done;
  validateFunction(callback, 'cb');
  writeCallback(path, data, validatedOptions(options), 'a', callback);
}

likeNodes(writeFileCallback, nodeFs.writeFile);
likeNodes(appendFileCallback, nodeFs.appendFile);
