/**
 * What io_uring does with files and node:fs does not: space, advice, extended attributes. Core's operations, which
 * check their arguments; what is wrong with those is thrown here, at once.
 *
 * @module
 */
import { abortError } from '../core/errors.js';
import { fadvise, fallocate, type FileRange } from '../core/file_ops.js';
import { getxattr, setxattr } from '../core/path_ops.js';
import type { PathLike } from '../core/validate.js';
import { onRing } from './exported.js';
import { validatedOptions, type Limits } from './options.js';

/** Which part of a file, and what is to be done with it. */
export interface FallocateOptions extends Limits {
  /** FALLOC_FL_* of `constants` in `ringcore/core`. Default 0: reserve, and extend the file if it is shorter. */
  mode?: number;
  /** Default 0. */
  offset?: number | bigint;
  /** In bytes. */
  length: number | bigint;
}

/** Which part of a file is meant. */
export type FadviseOptions = Limits & FileRange;

/** How an attribute's value is wanted. */
export interface GetxattrOptions extends Limits {
  /** A string in this encoding, in place of a Buffer. */
  encoding?: BufferEncoding | 'buffer' | null | undefined;
  /** The longest value in bytes, up to 64 KiB. Default 65536. */
  maxBytes?: number;
}

/** How an attribute is set. */
export interface SetxattrOptions extends Limits {
  /** XATTR_CREATE or XATTR_REPLACE of `constants` in `ringcore/core`. Default 0: either. */
  xattrFlags?: number;
}

/** The name of a file, or its descriptor. */
export type Target = PathLike | number;

/** Reserves, frees or zeroes space of an open file. */
export function allocate(fd: number, options: FallocateOptions): PromiseLike<void> {
  return fallocate(fd, options);
}

/** Advice may be ignored: where there is no ring nobody takes it, and nothing is wrong with that. */
export function advise(fd: number, advice: number, options?: FadviseOptions): PromiseLike<void> {
  const operation = fadvise(fd, advice, options);
  if (onRing) return operation;
  return options?.signal?.aborted ? Promise.reject(abortError(options.signal.reason)) : Promise.resolve();
}

/** An attribute's value. */
export function getAttribute(
  target: Target,
  name: string,
  options?: GetxattrOptions | BufferEncoding | null,
): PromiseLike<Buffer | string> {
  const valid = validatedOptions(options);
  const { encoding } = valid;
  const operation = getxattr(target, name, valid);
  if (!encoding || encoding === 'buffer') return operation;
  return operation.then((value) => value.toString(encoding as BufferEncoding));
}

/** Sets an attribute. */
export function setAttribute(
  target: Target,
  name: string,
  value: string | NodeJS.ArrayBufferView,
  options?: SetxattrOptions,
): PromiseLike<void> {
  return setxattr(target, name, value, options);
}
