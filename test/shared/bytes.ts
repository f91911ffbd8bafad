// Bytes for tests of every kind.
import { createHash } from 'node:crypto';

/** Bytes that are different everywhere, so that a chunk in the wrong place shows. */
export function pattern(bytes: number, seed = 1): Buffer {
  const out = Buffer.allocUnsafe(bytes);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}

export const hashOf = (data: Uint8Array): string => createHash('sha1').update(data).digest('hex');
