/**
 * truncate and ftruncate.
 *
 * @module
 */
import type { NoParamCallback } from 'node:fs';
import { fsConstants } from '../core/node_constants.js';
import { validatedPath, validateFunction, validateInteger } from '../core/validate.js';
import { isDescriptor } from './arguments.js';
import { bound, callWith } from './callback.js';
import { closeDescriptor, closeQuietly } from './close.js';
import { truncateFile } from './handle_changes.js';
import nodeFs from './node_fs.js';
import { openDescriptor, type Path } from './open_file.js';
import { callbackOf, validatedLimits, type Limits } from './options.js';
import { withLimits, type Task } from './task.js';

async function truncatePath(path: Path, bytes: unknown, task?: Task): Promise<void> {
  const fd = await openDescriptor(path, fsConstants.O_RDWR, 0o666, task);
  try {
    await truncateFile(fd, bytes, task);
  } catch (error) {
    await closeQuietly(fd);
    throw error;
  }
  return closeDescriptor(fd);
}

function truncateWithin(path: Path, bytes: unknown, limits: Limits): Promise<void> {
  return withLimits('truncate', limits, (task) => truncatePath(path, bytes, task));
}

export const truncatePromises = {
  // Like node's this checks the length when the file is open.
  async truncate(path: unknown, length: unknown = 0, limits?: unknown): Promise<void> {
    return truncateWithin(validatedPath(path), length, validatedLimits(limits));
  },
};

export const truncateCallbacks = {
  truncate(path: unknown, length?: unknown, limits?: unknown, callback?: unknown): void {
    // A descriptor: deprecated, and no longer possible in newer versions. That is up to the node that runs.
    if (typeof path === 'number') {
      return nodeFs.truncate(path as unknown as string, length as number, limits as () => void);
    }
    if (typeof length === 'function') [length, limits] = [0, length];
    else if (length === undefined) length = 0;
    validateInteger(length, 'len');
    const done = callbackOf(limits, callback);
    validateFunction(done, 'cb');
    const [name, within] = [validatedPath(path), validatedLimits(limits)];
    callWith(truncateWithin(name, length, within), bound(done));
  },

  ftruncate(fd: unknown, length: unknown = 0, limits?: unknown, callback?: unknown): void {
    if (typeof length === 'function') [length, limits] = [0, length];
    validateInteger(length, 'len');
    const done = callbackOf(limits, callback);
    validateFunction(done, 'cb');
    // Each version of node refuses in its own words.
    if (!isDescriptor(fd) || fd < 0) return nodeFs.ftruncate(fd as number, length, done as NoParamCallback);
    const within = validatedLimits(limits);
    callWith(
      withLimits('ftruncate', within, (task) => truncateFile(fd, length, task)),
      bound(done),
    );
  },
};
