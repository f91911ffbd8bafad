/**
 * Node's own handles (`TCP`, `Pipe`): what node makes of a descriptor that came from another process, and what it calls
 * when a connection arrives. The ring works on a duplicate of their descriptor, so that closing the handle leaves the
 * connection alone.
 *
 * @module
 */
import { ring as threadRing } from '../core/backend.js';
import { Connection } from './connection.js';
import { duplicate, isStreamSocket } from './descriptors.js';
import { nodeNet } from './node_net.js';

/** What a server needs of the handle that it listens with: node's, or the ring's `Listener`. */
export interface ServerHandle {
  /** Called with 0 and a connection, or with an error of accept. */
  onconnection?: (errno: number, client?: Connection | NativeHandle) => void;
  /** TCP only. Fills `out`; 0, or -errno. */
  getsockname?(out: object): number;
  /** 0, or -errno. */
  listen(backlog: number): number;
  close(): void;
  ref(): void;
  unref(): void;
}

/** A `TCP` or `Pipe` of node's. */
export interface NativeHandle extends ServerHandle {
  readonly fd: number;
}

/** Whether it is one of node's handles, with the descriptor of a stream socket. */
export function isNativeHandle(value: unknown): value is NativeHandle {
  if (typeof value !== 'object' || value === null) return false;
  const { constructor, fd, getAsyncId } = value as Record<string, unknown>;
  if (typeof fd !== 'number' || fd < 0 || typeof getAsyncId !== 'function') return false;
  const { name } = constructor as { name?: unknown };
  if (name !== 'TCP' && name !== 'Pipe') return false;
  return isStreamSocket(fd);
}

/** The connection of one of node's handles, which is closed. -errno where the process has no descriptor left. */
export function takeConnection(handle: NativeHandle): Connection | number {
  const fd = duplicate(threadRing(), handle.fd);
  handle.close();
  return fd < 0 ? fd : Connection.on(threadRing(), fd);
}

let ownerSymbol: symbol | undefined;

/** Tells node's own code (cluster's) whose handle it is. Node writes the owner under a symbol that it exports nowhere. */
export function setOwner(handle: object, owner: object): void {
  if (ownerSymbol === undefined) {
    const probe = {};
    new nodeNet.Socket({ handle: probe, readable: false } as object);
    ownerSymbol = Object.getOwnPropertySymbols(probe).find(
      ({ description }) => description === 'owner_symbol',
    );
  }
  if (ownerSymbol !== undefined) (handle as Record<symbol, unknown>)[ownerSymbol] = owner;
}

const { BoundSocket } = nodeNet as { BoundSocket?: new () => object };

/** Node's `net.BoundSocket`, where there is one: gives its handle away, once. Undefined for anything else. */
export function takeBound(value: object): { handle: NativeHandle; path: string | undefined } | undefined {
  if (BoundSocket === undefined || !(value instanceof BoundSocket)) return undefined;
  const prototype = BoundSocket.prototype as Record<symbol, unknown>;
  const consume = Object.getOwnPropertySymbols(prototype).find(
    ({ description }) => description === 'kBoundSocketConsume',
  );
  if (consume === undefined) return undefined;
  const bound = value as { isPipe?: boolean; address(): unknown };
  // Throws, as node's, if it has been given away before.
  const address = bound.address();
  const handle = (bound as unknown as Record<symbol, () => NativeHandle>)[consume]!();
  return { handle, path: typeof address === 'string' ? address : undefined };
}
