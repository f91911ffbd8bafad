/**
 * What changes names in directories, one request each: rename.
 *
 * @module
 */
import { AT_FDCWD } from '../core/constants.js';
import { validatedPath, validateFunction } from '../core/validate.js';
import { calledBack, limitsAndCallback, promised, type Call } from './call.js';
import { likeAll } from './exported.js';
import nodeFs from './node_fs.js';
import nodePromises from './node_promises.js';
import { validatedLimits } from './options.js';

function renameCall(oldPath: unknown, newPath: unknown): Call {
  const path = validatedPath(oldPath, 'oldPath');
  const dest = validatedPath(newPath, 'newPath');
  return {
    syscall: 'rename',
    prepare: (native) => native.renameat(0, 0, AT_FDCWD, path, AT_FDCWD, dest, 0),
    about: { path, dest },
  };
}

/** The promise forms. A last argument beyond node's own has limits: `{ signal, timeout }`. */
export const pathPromises = {
  async rename(oldPath: unknown, newPath: unknown, limits?: unknown): Promise<void> {
    return promised(renameCall(oldPath, newPath), validatedLimits(limits));
  },
};

/** The callback forms. Limits stand before the callback. */
export const pathCallbacks = {
  rename(oldPath: unknown, newPath: unknown, limits: unknown, callback?: unknown): void {
    const [valid, done] = limitsAndCallback(limits, callback);
    validateFunction(done, 'cb');
    calledBack(renameCall(oldPath, newPath), done, valid);
  },
};

likeAll(pathPromises, nodePromises);
likeAll(pathCallbacks, nodeFs);
