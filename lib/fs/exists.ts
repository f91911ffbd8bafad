/**
 * exists: whether a path leads to something.
 *
 * @module
 */
import { promisify } from 'node:util';
import { validateFunction } from '../core/validate.js';
import { keptPath } from './arguments.js';
import { bound, settleLater } from './callback.js';
import { api, likeNodes } from './exported.js';
import { typeOf } from './look_up.js';
import { callbackOf, validatedLimits } from './options.js';
import type { Path } from './open_file.js';
import { withLimits } from './task.js';

/** `fs.exists(path[, limits], callback)`. What is no path does not exist; nor does what was not found within the limits. */
export function exists(path: unknown, limits: unknown, callback?: unknown): void {
  const done = callbackOf(limits, callback);
  validateFunction(done, 'cb');
  const within = validatedLimits(limits);
  let name: Path;
  try {
    name = keptPath(path);
  } catch {
    // At once, as node does.
    (done as (found: boolean) => void)(false);
    return;
  }
  const call = bound(done) as unknown as (found: boolean) => void;
  const type = withLimits('access', within, (task) => typeOf(name, task));
  settleLater(
    type,
    (type) => call(type >= 0),
    () => call(false),
  );
}

// Without node's symbols: its own custom promisify would call its own exists.
likeNodes(exists, { name: 'exists', length: 2 });
const promised = (path: string): Promise<boolean> => new Promise((resolve) => api.exists(path, resolve));
Object.defineProperty(exists, promisify.custom, {
  value: likeNodes(promised, { name: 'exists', length: 1 }),
});
