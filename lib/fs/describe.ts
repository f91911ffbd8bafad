/**
 * What an open file is.
 *
 * @module
 */
import { loadBinding } from '../core/binding.js';
import { fsConstants } from '../core/node_constants.js';

const { S_IFMT } = fsConstants;
const described = new Float64Array(2);

/** The type (S_IFMT) and size of an open file, without waiting: the size may have changed since. Type 0: unknown. */
export function describeFile(fd: number): { type: number; size: number } {
  if (loadBinding().describe(fd, described) < 0) return { type: 0, size: 0 };
  return { type: described[0]! & S_IFMT, size: described[1]! };
}
