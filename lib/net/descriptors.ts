/**
 * Descriptors: who closes them if nobody does, and who waits for one when the process has none left.
 *
 * @module
 */
import { loadBinding } from '../core/binding.js';
import {
  AF_INET6,
  AF_UNIX,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_TYPE,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../core/constants.js';
import type { Ring } from '../core/ring.js';

/**
 * From now on the end of the thread closes it: a worker can end at any moment, and its descriptors are the process's.
 * Not standard input and output: those stay the process's, whoever uses them.
 */
export function own(ring: Ring, fd: number): void {
  if (fd > 2) ring.native.own(fd);
}

/** A new stream socket that is owned; or -errno. `flags`: SOCK_NONBLOCK, or none. */
export function openSocket(ring: Ring, domain: number, flags = 0): number {
  const type = SOCK_STREAM | flags;
  return ring.native.openSocket(domain, type, 0) ?? loadBinding().socket(domain, type, 0);
}

/** Whether a descriptor is a stream socket's. */
export const isStreamSocket = (fd: number): boolean =>
  loadBinding().getsockopt(fd, SOL_SOCKET, SO_TYPE) === SOCK_STREAM;

/** bind(2), for a socket of any domain. 0, or -errno. */
export function bindSocket(fd: number, domain: number, sockaddr: Uint8Array, ipv6Only = false): number {
  const binding = loadBinding();
  // As libuv, of clients too: a port that is used, or whose last connections are still in TIME_WAIT, can be had if nobody
  // listens on it.
  if (domain !== AF_UNIX) binding.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (domain === AF_INET6) binding.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, ipv6Only ? 1 : 0);
  return binding.bind(fd, sockaddr);
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
