/**
 * rm, as a promise and with a callback.
 *
 * @module
 */
import type { RmOptions } from 'node:fs';
import { AT_FDCWD } from '../core/constants.js';
import { validatedPath } from '../core/validate.js';
import { bound, callWith } from './callback.js';
import { EISDIR } from './errors.js';
import { likeAll } from './exported.js';
import nodeFs from './node_fs.js';
import nodePromises from './node_promises.js';
import type { Path } from './open_file.js';
import { limitsOf, type Limits } from './options.js';
import { removeTree } from './remove_tree.js';
import { perform, whileWanted, withLimits } from './task.js';

const standard = { force: false, recursive: false, retryDelay: 100, maxRetries: 0 };
type Checked = typeof standard;

function isUpTo(value: unknown, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

/** The options with what is standard, or undefined if node refuses them. */
function checkedOptions(options: unknown): Checked | undefined {
  if (options === undefined) return standard;
  if (options === null || typeof options !== 'object' || Array.isArray(options)) return undefined;
  const { force, recursive, retryDelay, maxRetries } = { ...standard, ...options };
  const right =
    typeof force === 'boolean' &&
    typeof recursive === 'boolean' &&
    isUpTo(retryDelay, 2 ** 31 - 1) &&
    isUpTo(maxRetries, 2 ** 32 - 1);
  return right ? { force, recursive, retryDelay, maxRetries } : undefined;
}

function remove(path: Path, options: Checked, limits: Limits): Promise<void> {
  return withLimits('rm', limits, async (task) => {
    const res = await perform((native) => native.unlinkat(0, 0, AT_FDCWD, path, 0), task);
    task?.check();
    if (res === 0) return;
    if (res === EISDIR && options.recursive) return removeTree(path, options, task);
    // What it is that can't be removed, and whether that is an error: node knows.
    await whileWanted(nodePromises.rm(path as string, options), task);
  });
}

/** `fsPromises.rm(path[, options])`, with `signal` and `timeout` among the options. */
async function rm(path: unknown, options?: unknown): Promise<void> {
  const name = validatedPath(path);
  const checked = checkedOptions(options);
  if (checked === undefined) return nodePromises.rm(name as string, options as RmOptions);
  return remove(name, checked, limitsOf(options));
}

/** `fs.rm(path[, options], callback)`. */
function rmCallback(path: unknown, options: unknown, callback?: unknown): void {
  if (typeof options === 'function') [options, callback] = [undefined, options];
  const name = validatedPath(path);
  const checked = checkedOptions(options);
  if (checked === undefined) return nodeFs.rm(name as string, options as RmOptions, callback as () => void);
  callWith(remove(name, checked, limitsOf(options)), bound(callback));
}

export const rmPromises = { rm };
export const rmCallbacks = { rm: rmCallback };

likeAll(rmPromises, nodePromises);
likeAll(rmCallbacks, nodeFs);
