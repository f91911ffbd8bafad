/**
 * exists: whether a path leads to something.
 *
 * @module
 */
import { promisify } from '../core/node_util.js';
import { validatedPath, validateFunction } from '../core/validate.js';
import { bound, settleLater } from './callback.js';
import { seen, likeNodes } from './exported.js';
import { typeOf } from './look_up.js';
import type { Path } from './open_file.js';

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
  const call = bound(callback) as unknown as (found: boolean) => void;
  settleLater(
    typeOf(name),
    (type) => call(type >= 0),
    () => call(false),
  );
}

// Without node's symbols: its own custom promisify would call its own exists.
likeNodes(exists, { name: 'exists', length: 2 });
const promised = (path: string): Promise<boolean> => new Promise((resolve) => seen.exists(path, resolve));
Object.defineProperty(exists, promisify.custom, {
  value: likeNodes(promised, { name: 'exists', length: 1 }),
});
