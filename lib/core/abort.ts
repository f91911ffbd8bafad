/**
 * One AbortSignal for many operations.
 *
 * @module
 */
import { setMaxListeners } from 'node:events';

const expected = new WeakSet<AbortSignal>();

/**
 * Any number of operations may wait for a signal, each with a listener that goes when it settles: node's warning of a
 * leak at the eleventh would be wrong.
 */
export function expectListeners(signal: AbortSignal): void {
  if (expected.has(signal)) return;
  expected.add(signal);
  setMaxListeners(0, signal);
}
