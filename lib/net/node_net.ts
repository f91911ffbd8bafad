/**
 * Node's own net: the backend where io_uring cannot be used, and what has nothing to do with input and output
 * (BlockList, SocketAddress, isIP, …). The only file of lib/net that imports it.
 *
 * @module
 */
import { chmodSync, unlinkSync } from 'node:fs';
import nodeNet from 'node:net';

export * from 'node:net';
export { nodeNet };

/**
 * Removes the path of a Unix server: when close() returns, another may listen there. (The ring's unlinkat always goes
 * through a kernel worker.)
 */
export function removePath(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else has removed it.
  }
}

/** Lets everybody read from or write to a Unix socket. */
export function changeMode(path: string, mode: number): void {
  chmodSync(path, mode);
}
