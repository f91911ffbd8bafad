/**
 * stat, lstat, fstat, as promises and with callbacks.
 *
 * What the kernel has in memory is answered at once: a system call takes less time than the way through a queue, and a
 * statx always goes to a kernel worker. The ring does what would have to wait (native/op/cached.h says how that shows).
 *
 * @module
 */
import type { BigIntStats, Stats } from 'node:fs';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  STATX_BASIC_STATS,
  STATX_BTIME,
} from '../core/constants.js';
import { statxBytes } from '../core/statx.js';
import { validatedPath, validateFunction } from '../core/validate.js';
import { isDescriptor } from './arguments.js';
import { calledBack, promised, type Call } from './call.js';
import { EAGAIN, ENOENT, ENOTDIR } from './errors.js';
import { likeAll } from './exported.js';
import nodeFs from './node_fs.js';
import nodePromises from './node_promises.js';
import { limitsOf, type Limits } from './options.js';
import { statx, takeStats } from './stats.js';
import { isWriting } from './transfer.js';

type AnyStats = Stats | BigIntStats;

/** As they come in. */
export interface StatOptions extends Limits {
  bigint?: boolean | undefined;
  throwIfNoEntry?: boolean | undefined;
}

const none: StatOptions = Object.freeze({});
const mask = STATX_BASIC_STATS | STATX_BTIME;
const noEntry = [ENOENT, ENOTDIR];

/** Newer versions of node take `throwIfNoEntry` here too, not only in statSync. */
const mayMissEntry = nodePromises.stat.toString().includes('throwIfNoEntry');

function statCall(path: unknown, options: StatOptions): Call<AnyStats | undefined> {
  return pathCall('stat', path, options, mayMissEntry && options.throwIfNoEntry === false);
}

function lstatCall(path: unknown, options: StatOptions): Call<AnyStats | undefined> {
  return pathCall('lstat', path, options, false);
}

function pathCall(
  syscall: 'stat' | 'lstat',
  given: unknown,
  options: StatOptions,
  mayMiss: boolean,
): Call<AnyStats | undefined> {
  const path = validatedPath(given);
  const follow = syscall === 'stat';
  const bigint = options.bigint === true;
  let out: Uint8Array | undefined;
  return {
    syscall,
    atOnce: (native) => native.statAtOnce(path, follow, statx),
    prepare: (native) => {
      out = new Uint8Array(statxBytes);
      return native.statx(0, 0, AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, mask, out);
    },
    about: { path },
    expected: mayMiss ? noEntry : undefined,
    decode: (res) => (res < 0 ? undefined : statsIn(out, bigint)),
  };
}

/** Of a valid descriptor. */
export function fstatCall(fd: number, options: StatOptions): Call<AnyStats> {
  const bigint = options.bigint === true;
  let out: Uint8Array | undefined;
  return {
    syscall: 'fstat',
    // It does not overtake what has been written before.
    atOnce: (native) => (isWriting(fd) ? EAGAIN : native.fstatAtOnce(fd, statx)),
    prepare: (native) => {
      out = new Uint8Array(statxBytes);
      return native.statx(0, 0, fd, '', AT_EMPTY_PATH, mask, out);
    },
    decode: () => statsIn(out, bigint),
  };
}

/** `out` is what a request has filled; an answer at once stands in `statx` already. */
function statsIn(out: Uint8Array | undefined, bigint: boolean): AnyStats {
  if (out !== undefined) statx.set(out);
  return takeStats(bigint);
}

/** The promise form of those that `call` prepares. Not an async function: one promise less for each. */
function withPromise(call: (path: unknown, options: StatOptions) => Call<AnyStats | undefined>) {
  return (path: unknown, options: StatOptions = none): Promise<AnyStats | undefined> => {
    try {
      return promised(call(path, options), limitsOf(options));
    } catch (error) {
      return new Promise(() => {
        throw error;
      });
    }
  };
}

export const statPromises = { stat: withPromise(statCall), lstat: withPromise(lstatCall) };

/** The callback forms of those that `call` prepares. */
function withCallback(call: (file: unknown, options: StatOptions) => Call<AnyStats | undefined>) {
  return (file: unknown, options: unknown = none, callback?: unknown): void => {
    if (typeof options === 'function') [options, callback] = [none, options];
    validateFunction(callback, 'cb');
    calledBack(call(file, options as StatOptions), callback, limitsOf(options));
  };
}

const fstatWithCallback = withCallback((fd, options) => fstatCall(fd as number, options));

export const statCallbacks = {
  stat: withCallback(statCall),
  lstat: withCallback(lstatCall),
  fstat(fd: unknown, options?: unknown, callback?: unknown): void {
    // Each version of node refuses in its own words.
    if (isDescriptor(fd) && fd >= 0) fstatWithCallback(fd, options, callback);
    else nodeFs.fstat(fd as number, options as object, callback as () => void);
  },
};

likeAll(statPromises, nodePromises);
likeAll(statCallbacks, nodeFs);
