/**
 * Node's own net: the backend where io_uring cannot be used, and what has nothing to do with input and output
 * (BlockList, SocketAddress, isIP, …). The only file of lib/net that imports it.
 *
 * @module
 */
import type { Cluster } from 'node:cluster';
import { chmodSync, statSync, unlinkSync } from 'node:fs';
import netExports from 'node:net';
import { originalOf } from '../core/originals.js';

/** The object that programs get of node. */
export { netExports };
/** Node's own, also where `ringcore/register` has put the ring's into node's module. */
export const nodeNet = originalOf('net', netExports);

/** Whether `cluster.fork()` has made this process. Without a channel to a primary it can't be: nothing is loaded then. */
export function isClusterWorker(): boolean {
  if (process.send === undefined) return false;
  return clusterModule().isWorker;
}

/** Loaded when needed: most programs have no cluster. */
export function clusterModule(): Cluster {
  return process.getBuiltinModule('node:cluster') as unknown as Cluster;
}

/**
 * Removes the path of a Unix server: when close() returns, another may listen there. (The ring's unlinkat always goes
 * through a kernel worker.)
 */
export function removePath(path: string): void {
  try {
    // To the kernel it ends at the first zero, if there is one.
    unlinkSync(path.split('\0', 1)[0]!);
  } catch {
    // Somebody else has removed it.
  }
}

/** Lets others use a Unix socket too: adds permissions to those that it has. */
export function addMode(path: string, mode: number): void {
  chmodSync(path, (statSync(path).mode & 0o777) | mode);
}
