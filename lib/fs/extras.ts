/**
 * What io_uring offers and node:fs does not, as promise forms and callback forms.
 *
 * Files are named, or given as a descriptor or FileHandle, node's own included. All take `{ signal, timeout }`. On the
 * node backend they reject with ERR_RINGCORE_UNAVAILABLE; `fadvise` and `readFiles` work there too.
 *
 * @module
 */
import type { FileHandle as NodeFileHandle } from 'node:fs/promises';
import { validateFunction, type PathLike } from '../core/validate.js';
import { bound, callWith } from './callback.js';
import {
  advise,
  allocate,
  getAttribute,
  setAttribute,
  type FadviseOptions,
  type FallocateOptions,
  type GetxattrOptions,
  type SetxattrOptions,
  type Target,
} from './extra_operations.js';
import { FileHandle, isNodeHandle } from './file_handle.js';
import { readFiles } from './read_files.js';

/** An open file. */
type OpenFile = FileHandle | NodeFileHandle | number;
type View = NodeJS.ArrayBufferView;

/** Runs `start` with a handle's descriptor, which stays open meanwhile, or with what is no handle. */
async function using<F, T>(
  file: F | FileHandle | NodeFileHandle,
  name: string,
  start: (file: F | number) => PromiseLike<T>,
): Promise<T> {
  if (file instanceof FileHandle) return file.use(name, async (fd) => start(fd));
  return start(isNodeHandle(file) ? file.fd : file);
}

/** Reserves space: `length` bytes from `offset` on; with FALLOC_FL_* in `mode` it frees or zeroes. fallocate(2). */
function fallocate(file: OpenFile, options: FallocateOptions): Promise<void> {
  return using(file, 'fallocate', (fd) => allocate(fd, options));
}

/** Says how the file will be read: POSIX_FADV_*. posix_fadvise(2). */
function fadvise(file: OpenFile, advice: number, options?: FadviseOptions): Promise<void> {
  return using(file, 'fadvise', (fd) => advise(fd, advice, options));
}

/** An extended attribute's value; `name` has its name space: `'user.note'`. A string with an `encoding`. getxattr(2). */
function getxattr(
  file: PathLike | OpenFile,
  name: string,
  options: BufferEncoding | (GetxattrOptions & { encoding: BufferEncoding }),
): Promise<string>;
function getxattr(
  file: PathLike | OpenFile,
  name: string,
  options?: (GetxattrOptions & { encoding?: 'buffer' | null | undefined }) | null,
): Promise<Buffer>;
function getxattr(
  file: PathLike | OpenFile,
  name: string,
  options?: GetxattrOptions | BufferEncoding | null,
): Promise<Buffer | string> {
  return using(file, 'fgetxattr', (target) => getAttribute(target, name, options));
}

/** Sets an extended attribute; strings are stored as UTF-8. setxattr(2). */
function setxattr(
  file: PathLike | OpenFile,
  name: string,
  value: string | View,
  options?: SetxattrOptions,
): Promise<void> {
  return using(file, 'fsetxattr', (target) => setAttribute(target, name, value, options));
}

/** The promise forms. */
export const extraPromises = { fallocate, fadvise, getxattr, setxattr, readFiles };

type Done<A extends unknown[] = []> = (error: NodeJS.ErrnoException | null, ...results: A) => void;

/** Calls back with what becomes of `start`; options may be left out before the callback. */
function called<O>(
  options: O | Done<never>,
  callback: unknown,
  start: (options: O | undefined) => PromiseLike<unknown>,
): void {
  const given = typeof options !== 'function';
  callback ??= options;
  validateFunction(callback, 'cb');
  callWith(Promise.resolve(start(given ? options : undefined)), bound(callback));
}

function fallocateCallback(fd: number, options: FallocateOptions, callback: Done): void {
  called(options, callback, () => allocate(fd, options));
}

function fadviseCallback(fd: number, advice: number, options: FadviseOptions | Done, callback?: Done): void {
  called(options, callback, (given) => advise(fd, advice, given));
}

type Got = Done<[value: Buffer]>;

function getxattrCallback(target: Target, name: string, callback: Got): void;
function getxattrCallback(
  target: Target,
  name: string,
  options: BufferEncoding | (GetxattrOptions & { encoding: BufferEncoding }),
  callback: Done<[value: string]>,
): void;
function getxattrCallback(target: Target, name: string, options: GetxattrOptions | null, callback: Got): void;
function getxattrCallback(target: Target, name: string, options: unknown, callback?: unknown): void {
  called(options as GetxattrOptions, callback, (given) => getAttribute(target, name, given));
}

function setxattrCallback(
  target: Target,
  name: string,
  value: string | View,
  options: SetxattrOptions | Done,
  callback?: Done,
): void {
  called(options, callback, (given) => setAttribute(target, name, value, given));
}

/** The callback forms: on names and descriptors. Options stand before the callback. */
export const extraCallbacks = {
  fallocate: fallocateCallback,
  fadvise: fadviseCallback,
  getxattr: getxattrCallback,
  setxattr: setxattrCallback,
};
for (const [name, form] of Object.entries(extraCallbacks))
  Object.defineProperty(form, 'name', { value: name });
