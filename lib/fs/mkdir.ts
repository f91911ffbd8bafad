/**
 * mkdir, one directory or a path of them.
 *
 * @module
 */
import { AT_FDCWD } from '../core/constants.js';
import { systemError } from '../core/errors.js';
import { validateBoolean, validatedMode, validatedPath, validateFunction } from '../core/validate.js';
import { calledBack, promised, type Call } from './call.js';
import { bound, callWith } from './callback.js';
import { EACCES, EEXIST, ENOENT, ENOSPC, ENOTDIR, EPERM } from './errors.js';
import { isDirectory, typeOf } from './look_up.js';
import nodeFs from './node_fs.js';
import type { Path } from './open_file.js';
import { limitsOf, type Limits } from './options.js';
import type { Prepare } from './request.js';
import { perform, withLimits, type Task } from './task.js';

interface Options {
  recursive?: unknown;
  mode?: unknown;
}

interface Arguments {
  path: Path;
  mode: number;
  recursive: boolean;
}

const standardMode = 0o777;

function optionsOf(options: unknown): Options {
  return typeof options === 'number' || typeof options === 'string' ? { mode: options } : options || {};
}

function validated(path: unknown, options: Options): Arguments {
  const { recursive = false, mode = standardMode } = options;
  const name = validatedPath(path);
  validateBoolean(recursive, 'options.recursive');
  return { path: name, mode: validatedMode(mode), recursive };
}

const makeOne =
  (path: Path, mode: number): Prepare =>
  (native) =>
    native.mkdirat(0, 0, AT_FDCWD, path, mode);

const makeCall = (path: Path, mode: number): Call<undefined> => ({
  syscall: 'mkdir',
  prepare: makeOne(path, mode),
  about: { path },
});

/** What is left of the last slash, which need not be the parent (`a/b/`) but comes to it in the end. */
function parentOf(path: Path): Path | undefined {
  if (typeof path === 'string') {
    const end = path.lastIndexOf('/');
    return end < 0 ? undefined : path.slice(0, end);
  }
  const end = path.lastIndexOf(0x2f);
  return end < 0 ? undefined : path.subarray(0, end);
}

/** Errors which say that nothing else helps; with others, the directory may be there all the same. */
const finalErrors = new Set([EACCES, ENOSPC, ENOTDIR, EPERM]);
const failure = (res: number, path: Path): Error => systemError(res, 'mkdir', { path });
/** How often a directory may vanish before what was to be made in it is. */
const patience = 10;

/**
 * Makes a directory and those above it that are missing: up until one can be made or is there, then down again.
 * Whoever makes one of them at the same time, or removes it, is no obstacle. Resolves to the first that it made.
 */
async function makePath(path: Path, mode: number, task?: Task): Promise<string | undefined> {
  const missing = [path];
  let first: Path | undefined;
  let onTheWayDown = false;
  let vanished = 0;
  while (missing.length > 0) {
    const next = missing.pop()!;
    const res = await perform(makeOne(next, mode), task);
    task?.check();
    if (res === ENOENT) {
      const parent = parentOf(next);
      // In /proc everything is missing for ever; node tries for ever.
      if (parent === undefined || (onTheWayDown && ++vanished > patience)) throw failure(res, next);
      missing.push(next, parent);
      onTheWayDown = false;
    } else {
      if (res >= 0) first ??= next;
      else await assertDirectory(next, res, missing.length > 0, task);
      onTheWayDown = true;
    }
  }
  // As the file system has it: without what UTF-8 has no bytes for.
  return first === undefined ? undefined : Buffer.from(first as string).toString();
}

/** Behind a mkdir of `path` that failed with `res`: throws, unless there is a directory. */
async function assertDirectory(path: Path, res: number, isParent: boolean, task?: Task): Promise<void> {
  if (finalErrors.has(res)) throw failure(res, path);
  const type = await typeOf(path, task);
  task?.check();
  if (isDirectory(type)) return;
  if (res === EEXIST && isParent) throw failure(ENOTDIR, path);
  throw failure(type < 0 ? type : EEXIST, path);
}

const makePathWithin = ({ path, mode }: Arguments, limits: Limits): Promise<string | undefined> =>
  withLimits('mkdir', limits, (task) => makePath(path, mode, task));

export const mkdirPromises = {
  async mkdir(path: unknown, options?: unknown): Promise<string | undefined> {
    const { recursive, mode } = optionsOf(options);
    const valid = validated(path, { recursive, mode: mode ?? undefined });
    const limits = limitsOf(options);
    return valid.recursive
      ? makePathWithin(valid, limits)
      : promised(makeCall(valid.path, valid.mode), limits);
  },
};

export const mkdirCallbacks = {
  mkdir(path: unknown, options?: unknown, callback?: unknown): void {
    const [given, done] = typeof options === 'function' ? [undefined, options] : [options, callback];
    let valid: Arguments;
    try {
      validateFunction(done, 'cb');
      valid = validated(path, optionsOf(given));
    } catch {
      // Each version of node complains in its own order, about `mode` or `options.mode`.
      return nodeFs.mkdir(path as string, options as object, callback as () => void);
    }
    const limits = limitsOf(given);
    if (valid.recursive) callWith(makePathWithin(valid, limits), bound(done));
    else calledBack(makeCall(valid.path, valid.mode), done, limits);
  },
};
