/**
 * exists: whether a path leads to something.
 *
 * @module
 */
import { promisify } from '../core/node_util.js';
import { validatedPath, validateFunction } from '../core/validate.js';
import { seen, likeNodes } from './exported.js';
import type { Path } from './open_file.js';
import { statCallbacks } from './stat.js';

/** `fs.exists(path, callback)`. What is no path does not exist. Without limits: it could not tell that they ended it. */
export function exists(path: unknown, callback: unknown): void {
  validateFunction(callback, 'cb');
  let name: Path;
  try {
    name = validatedPath(path);
  } catch {
    // At once, as node does.
    (callback as (found: boolean) => void)(false);
    return;
  }
  statCallbacks.stat(name, (error: Error | null) => (callback as (found: boolean) => void)(error === null));
}

// Without node's symbols: its own custom promisify would call its own exists.
likeNodes(exists, { name: 'exists', length: 2 });
const promised = (path: string): Promise<boolean> => new Promise((resolve) => seen.exists(path, resolve));
Object.defineProperty(exists, promisify.custom, {
  value: likeNodes(promised, { name: 'exists', length: 1 }),
});
