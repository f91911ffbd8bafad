/**
 * What changes names in directories, and sizes of files. Here what takes one request: rename, link, symlink, unlink,
 * rmdir.
 *
 * @module
 */
import { AT_FDCWD, AT_REMOVEDIR } from '../core/constants.js';
import { validatedPath, validateFunction, validateObject } from '../core/validate.js';
import { calledBack, promised, type Call } from './call.js';
import { bound, callWith } from './callback.js';
import { exists } from './exists.js';
import { likeAll } from './exported.js';
import { mkdirCallbacks, mkdirPromises } from './mkdir.js';
import nodeFs from './node_fs.js';
import nodePromises from './node_promises.js';
import type { Path } from './open_file.js';
import { callbackOf, limitsOf, validatedLimits } from './options.js';
import { isLimited, withLimits } from './task.js';
import { truncateCallbacks, truncatePromises } from './truncate.js';

function renameCall(oldPath: unknown, newPath: unknown): Call {
  const path = validatedPath(oldPath, 'oldPath');
  const dest = validatedPath(newPath, 'newPath');
  return {
    syscall: 'rename',
    prepare: (native) => native.renameat(0, 0, AT_FDCWD, path, AT_FDCWD, dest, 0),
    about: { path, dest },
  };
}

function linkCall(existingPath: unknown, newPath: unknown): Call {
  const path = validatedPath(existingPath, 'existingPath');
  const dest = validatedPath(newPath, 'newPath');
  return {
    syscall: 'link',
    prepare: (native) => native.linkat(0, 0, AT_FDCWD, path, AT_FDCWD, dest, 0),
    about: { path, dest },
  };
}

/** Only for Windows; what else there is, some versions of node refuse. */
const symlinkTypes = new Set<unknown>([undefined, null, 'dir', 'file', 'junction']);

function symlinkCall(targetPath: unknown, linkPath: unknown): Call {
  const target = validatedPath(targetPath, 'target');
  const path = validatedPath(linkPath);
  return {
    syscall: 'symlink',
    prepare: (native) => native.symlinkat(0, 0, target, AT_FDCWD, path),
    about: { path: target, dest: path },
  };
}

function removal(syscall: string, path: Path, flags: number): Call {
  return { syscall, prepare: (native) => native.unlinkat(0, 0, AT_FDCWD, path, flags), about: { path } };
}

function unlinkCall(path: unknown): Call {
  return removal('unlink', validatedPath(path), 0);
}

/**
 * Options for the removal of whole trees: deprecated, and refused or ignored by newer versions. What becomes of them is
 * up to the node that runs.
 */
const treeOptions = ['recursive', 'retryDelay', 'maxRetries'];

function concernsTrees(options: unknown): boolean {
  return typeof options === 'object' && options !== null && treeOptions.some((name) => name in options);
}

function rmdirCall(path: unknown, options: unknown): Call {
  const name = validatedPath(path);
  if (options !== undefined) validateObject(options, 'options');
  return removal('rmdir', name, AT_REMOVEDIR);
}

/** The promise forms. A last argument beyond node's own, or its options, can have limits: `{ signal, timeout }`. */
export const pathPromises = {
  ...mkdirPromises,
  ...truncatePromises,

  async link(existingPath: unknown, newPath: unknown, limits?: unknown): Promise<void> {
    return promised(linkCall(existingPath, newPath), validatedLimits(limits));
  },

  async rename(oldPath: unknown, newPath: unknown, limits?: unknown): Promise<void> {
    return promised(renameCall(oldPath, newPath), validatedLimits(limits));
  },

  async rmdir(path: unknown, options?: unknown): Promise<void> {
    const limits = limitsOf(options);
    if (!concernsTrees(options)) return promised(rmdirCall(path, options), limits);
    // A tree that node has begun to remove, it removes.
    return withLimits('rmdir', limits, () => nodePromises.rmdir(path as string, options as object));
  },

  async symlink(target: unknown, path: unknown, type?: unknown, limits?: unknown): Promise<void> {
    if (!symlinkTypes.has(type))
      return nodePromises.symlink(target as string, path as string, type as 'file');
    return promised(symlinkCall(target, path), validatedLimits(limits));
  },

  async unlink(path: unknown, limits?: unknown): Promise<void> {
    return promised(unlinkCall(path), validatedLimits(limits));
  },
};

/** The callback forms. Limits are in node's options, or stand before the callback. */
const callbacks = {
  ...mkdirCallbacks,
  ...truncateCallbacks,

  link(existingPath: unknown, newPath: unknown, limits: unknown, callback?: unknown): void {
    const done = callbackOf(limits, callback);
    validateFunction(done, 'cb');
    calledBack(linkCall(existingPath, newPath), done, validatedLimits(limits));
  },

  rename(oldPath: unknown, newPath: unknown, limits: unknown, callback?: unknown): void {
    const done = callbackOf(limits, callback);
    validateFunction(done, 'cb');
    calledBack(renameCall(oldPath, newPath), done, validatedLimits(limits));
  },

  rmdir(path: unknown, options: unknown, callback?: unknown): void {
    const [given, done] = typeof options === 'function' ? [undefined, options] : [options, callback];
    const limits = limitsOf(given);
    if (concernsTrees(given)) {
      if (isLimited(limits)) callWith(pathPromises.rmdir(path, given), bound(done));
      else nodeFs.rmdir(path as string, given as object, done as () => void);
      return;
    }
    validateFunction(done, 'cb');
    calledBack(rmdirCall(path, given), done, limits);
  },

  symlink(...given: unknown[]): void {
    const [target, path, type, limits, callback] = given;
    const short = given.length <= 3;
    const kind = short && typeof type === 'function' ? undefined : type;
    const done = short ? type : callbackOf(limits, callback);
    // Each version of node refuses in its own words.
    if (!symlinkTypes.has(kind) || (short && typeof done !== 'function')) {
      return (nodeFs.symlink as (...given: unknown[]) => void)(...given);
    }
    validateFunction(done, 'cb');
    calledBack(symlinkCall(target, path), done, validatedLimits(limits));
  },

  unlink(path: unknown, limits: unknown, callback?: unknown): void {
    const done = callbackOf(limits, callback);
    validateFunction(done, 'cb');
    calledBack(unlinkCall(path), done, validatedLimits(limits));
  },
};

likeAll(pathPromises, nodePromises);
likeAll(callbacks, nodeFs);

export const pathCallbacks = { ...callbacks, exists };
