/**
 * Descriptors: who closes them if nobody does, and who waits for one when the process has none left.
 *
 * @module
 */
import { loadBinding } from '../core/binding.js';
import { SOCK_STREAM } from '../core/constants.js';
import type { Ring } from '../core/ring.js';

/**
 * From now on the end of the thread closes it: a worker can end at any moment, and its descriptors are the process's.
 * Not standard input and output: those stay the process's, whoever uses them.
 */
export function own(ring: Ring, fd: number): void {
  if (fd > 2) ring.native.own(fd);
}

/** A new stream socket that is owned; or -errno. */
export function openSocket(ring: Ring, domain: number): number {
  return ring.native.openSocket(domain, SOCK_STREAM, 0) ?? loadBinding().socket(domain, SOCK_STREAM, 0);
}

/** Another descriptor of the same file, which is owned; or -errno. */
export function duplicate(ring: Ring, fd: number): number {
  return ring.native.duplicate(fd) ?? loadBinding().duplicate(fd);
}

/** Closes one on which nothing is in flight. */
export function closeNow(ring: Ring, fd: number): void {
  if (ring.native.closeNow(fd) === undefined) loadBinding().closeDescriptor(fd);
}

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
