/**
 * cp, as a promise and with a callback.
 *
 * @module
 */
import type { CopyOptions, NoParamCallback } from 'node:fs';
import { nodeMajor } from '../core/node_version.js';
import { validatedPath, validateFunction } from '../core/validate.js';
import { bound, settleLater } from './callback.js';
import { copyTree, type Copying } from './cp_tree.js';
import { likeAll } from './exported.js';
import nodeFs from './node_fs.js';
import nodePromises from './node_promises.js';
import { limitsOf, type Limits } from './options.js';
import { withLimits } from './task.js';

const standard = {
  dereference: false,
  errorOnExist: false,
  force: true,
  preserveTimestamps: false,
  recursive: false,
  verbatimSymlinks: false,
};
const allModes = 7;
/** Newer versions of node also preserve the times of directories. */
const preservesOfFilesOnly = nodeMajor < 21;

/** The options with what is standard, or undefined: then node refuses them, or does the work. */
function checkedOptions(options: unknown): Copying | undefined {
  if (options === undefined) return { ...standard, mode: 0 };
  if (options === null || typeof options !== 'object' || Array.isArray(options)) return undefined;
  const all = { ...standard, ...options } as Copying;
  all.mode ??= 0;
  const right =
    Object.keys(standard).every((name) => typeof all[name as keyof Copying] === 'boolean') &&
    Number.isInteger(all.mode) &&
    all.mode >= 0 &&
    all.mode <= allModes &&
    (all.filter === undefined || typeof all.filter === 'function') &&
    !(all.dereference && all.verbatimSymlinks) &&
    (preservesOfFilesOnly || !all.preserveTimestamps || !all.recursive);
  return right ? all : undefined;
}

function copyWithin(from: string, to: string, options: Copying, limits: Limits): Promise<void> {
  return withLimits('cp', limits, (task) => copyTree(from, to, options, task));
}

/** `fsPromises.cp(src, dest[, options])`, with `signal` and `timeout` among the options. */
async function cp(source: unknown, dest: unknown, options?: unknown): Promise<void> {
  const checked = checkedOptions(options);
  if (checked === undefined) return nodePromises.cp(source as string, dest as string, options as CopyOptions);
  const limits = limitsOf(options);
  const [from, to] = [validatedPath(source, 'src'), validatedPath(dest, 'dest')];
  // node takes no others, and says so.
  if (typeof from !== 'string' || typeof to !== 'string')
    return nodePromises.cp(source as string, dest as string);
  return copyWithin(from, to, checked, limits);
}

/** `fs.cp(src, dest[, options], callback)`. */
function cpCallback(source: unknown, dest: unknown, options: unknown, callback?: unknown): void {
  if (typeof options === 'function') [options, callback] = [undefined, options];
  validateFunction(callback, 'cb');
  const done = callback as NoParamCallback;
  const checked = checkedOptions(options);
  if (checked === undefined) {
    return nodeFs.cp(source as string, dest as string, options as CopyOptions, done);
  }
  const limits = limitsOf(options);
  const [from, to] = [validatedPath(source, 'src'), validatedPath(dest, 'dest')];
  if (typeof from !== 'string' || typeof to !== 'string')
    return nodeFs.cp(source as string, dest as string, done);
  const call = bound(callback);
  // node calls back with a result, which is none.
  settleLater(copyWithin(from, to, checked, limits), () => call(null, undefined), call);
}

export const cpPromises = { cp };
export const cpCallbacks = { cp: cpCallback };

likeAll(cpPromises, nodePromises);
likeAll(cpCallbacks, nodeFs);
