/**
 * The process has no descriptor left: who waits for one.
 *
 * @module
 */

const waiting = new Set<() => void>();

/** Calls back, once, when a socket has closed its descriptor. Returns how to take that back. */
export function onDescriptorClosed(callback: () => void): () => void {
  waiting.add(callback);
  return () => waiting.delete(callback);
}

/** @internal A descriptor is free again. */
export function descriptorClosed(): void {
  if (waiting.size === 0) return;
  const callbacks = [...waiting];
  waiting.clear();
  for (const callback of callbacks) callback();
}
