/**
 * copyFile, as a promise and with a callback.
 *
 * @module
 */
import type { NoParamCallback } from 'node:fs';
import { validatedPath, validateFunction } from '../core/validate.js';
import { bound, callWith } from './callback.js';
import { copyByName } from './copy.js';
import { likeAll } from './exported.js';
import nodeFs from './node_fs.js';
import nodePromises from './node_promises.js';
import type { Path } from './open_file.js';
import { callbackOf, validatedLimits, type Limits } from './options.js';
import { withLimits } from './task.js';

const allModes = 7;

/** COPYFILE_* flags, or undefined: then node refuses them, or makes something of them. */
function checkedMode(mode: unknown): number | undefined {
  if (mode == null) return 0;
  return Number.isInteger(mode) && (mode as number) >= 0 && (mode as number) <= allModes
    ? (mode as number)
    : undefined;
}

function copyWithin(source: Path, dest: Path, mode: number, limits: Limits): Promise<void> {
  return withLimits('copyfile', limits, async (task) => {
    await copyByName(source, dest, mode, task);
  });
}

/** `fsPromises.copyFile(src, dest[, mode[, { signal, timeout }]])`. */
async function copyFile(source: unknown, dest: unknown, mode?: unknown, limits?: unknown): Promise<void> {
  const from = validatedPath(source, 'src');
  const to = validatedPath(dest, 'dest');
  const flags = checkedMode(mode);
  if (flags === undefined) return nodePromises.copyFile(from as string, to as string, mode as number);
  return copyWithin(from, to, flags, validatedLimits(limits));
}

/** `fs.copyFile(src, dest[, mode[, { signal, timeout }]], callback)`. */
function copyFileCallback(
  source: unknown,
  dest: unknown,
  mode: unknown,
  limits?: unknown,
  last?: unknown,
): void {
  const callback = typeof mode === 'function' ? mode : callbackOf(limits, last);
  if (typeof mode === 'function') mode = 0;
  const from = validatedPath(source, 'src');
  const to = validatedPath(dest, 'dest');
  validateFunction(callback, 'cb');
  const flags = checkedMode(mode);
  if (flags === undefined) {
    return nodeFs.copyFile(from as string, to as string, mode as number, callback as NoParamCallback);
  }
  callWith(copyWithin(from, to, flags, validatedLimits(limits)), bound(callback));
}

export const copyFilePromises = { copyFile };
export const copyFileCallbacks = { copyFile: copyFileCallback };

likeAll(copyFilePromises, nodePromises);
likeAll(copyFileCallbacks, nodeFs);
