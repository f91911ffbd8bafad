/**
 * Short forms for this thread's ring.
 *
 * @module
 */
import { ring } from './backend.js';
import type { RingProbe, RingStats } from './diagnostics.js';

/** `ring().stats()`: what this thread's ring has done. */
export function stats(): RingStats {
  return ring().stats();
}

/** `ring().probe()`: which operations the running kernel has. */
export function probe(): RingProbe {
  return ring().probe();
}
