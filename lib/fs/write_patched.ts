/**
 * fs.writeFile for programs that have put functions of their own in the place of fs.open, fs.write, fs.fsync or
 * fs.close: they are called, as node's own writeFile would call them.
 *
 * @module
 */
import { abortError } from '../core/errors.js';
import { namesDescriptor } from './arguments.js';
import type { Callback } from './callback.js';
import { seen } from './exported.js';

interface Options {
  flag: string | number;
  mode: string | number;
  flush: boolean;
  signal: AbortSignal | undefined;
}

type Done = Callback<[]>;

export function writeThroughExports(path: unknown, bytes: Uint8Array, options: Options, done: Done): void {
  if (namesDescriptor(path)) return writeAll(path, bytes, 0, options, done);
  const { flag, mode } = options;
  seen.open(path as string, flag, mode, (error, fd) => {
    if (error) return done(error);
    writeAll(fd, bytes, 0, options, (failure) => {
      seen.close(fd, (closeFailure) => done(failure ?? closeFailure ?? null));
    });
  });
}

function writeAll(fd: number, bytes: Uint8Array, from: number, options: Options, done: Done): void {
  if (options.signal?.aborted) return done(abortError(options.signal.reason));
  const left = bytes.byteLength - from;
  seen.write(fd, bytes, from, left, null, (error, written) => {
    if (error) done(error);
    else if (written < left) writeAll(fd, bytes, from + written, options, done);
    else if (options.flush) seen.fsync(fd, done);
    else done(null);
  });
}
