/**
 * Errors that only fs has.
 *
 * @module
 */
import { codedError, CodedError, CodedRangeError, systemError } from '../core/errors.js';

/** The largest file that readFile takes: node's limit, what one read of libuv can take. */
export const largestFileBytes = 2 ** 31 - 1;

/** ERR_FS_FILE_TOO_LARGE. */
export function fileTooLarge(bytes: number | bigint): RangeError {
  const message = `File size (${bytes}) is greater than 2 GiB`;
  return codedError(CodedRangeError, 'ERR_FS_FILE_TOO_LARGE', message, fileTooLarge);
}

/** ERR_METHOD_NOT_IMPLEMENTED. */
export function notImplemented(what: string): Error {
  const message = `The ${what} method is not implemented`;
  return codedError(CodedError, 'ERR_METHOD_NOT_IMPLEMENTED', message, notImplemented);
}

/** ERR_INTERNAL_ASSERTION. */
export function internalAssertion(what: string): Error {
  return codedError(CodedError, 'ERR_INTERNAL_ASSERTION', what, internalAssertion);
}

/** A method of a FileHandle that is closed: node's words. */
export function handleClosed(syscall: string): Error {
  return Object.assign(new Error('file closed'), { code: 'EBADF', syscall });
}

/** The result, or the error that it stands for. */
export function checked(res: number, syscall: string, path?: string | Uint8Array): number {
  if (res < 0) throw systemError(res, syscall, { path });
  return res;
}

export const EPERM = -1;
export const ENOENT = -2;
export const EINTR = -4;
export const EIO = -5;
export const ENXIO = -6;
export const EBADF = -9;
export const EAGAIN = -11;
export const EACCES = -13;
export const EFAULT = -14;
export const EEXIST = -17;
export const ENOTDIR = -20;
export const EISDIR = -21;
export const EINVAL = -22;
export const EFBIG = -27;
export const ENOSPC = -28;
export const ENOTEMPTY = -39;
export const ECANCELED = -125;
