/**
 * `node:net` on io_uring: every export of it, and `for await (const socket of server)`.
 *
 * ```ts
 * import { createServer } from 'ringcore/net';
 *
 * const server = createServer().listen(8080);
 * for await (const socket of server) socket.pipe(socket);
 * ```
 *
 * @module
 */
import type * as nodeTypes from 'node:net';
import { backend } from '../core/backend.js';
import { callable } from './callable.js';
import { connect as ringConnect } from './connect.js';
import type { IncomingOptions } from './incoming.js';
import { nodeNet } from './node_net.js';
import { isNodesServer, isNodesSocket } from './nodes_own.js';
import { NodeServer } from './node_server.js';
import { Server as RingServer } from './server.js';
import { Socket as RingSocket } from './socket.js';

export type { IncomingOptions } from './incoming.js';
export type {
  AddressInfo,
  DropArgument,
  ListenOptions,
  LookupFunction,
  NetConnectOpts,
  OnReadOpts,
  ServerOpts,
  SocketConnectOpts,
  SocketConstructorOpts,
  SocketReadyState,
} from 'node:net';

/** node:net's Socket. */
export type Socket = nodeTypes.Socket;
/** node:net's Server, and its connections as an async iterable. */
export interface Server extends nodeTypes.Server {
  /** The connections, one after the other; see {@link IncomingOptions}. `break` leaves the server open. */
  [Symbol.asyncIterator](options?: IncomingOptions): AsyncIterableIterator<Socket, undefined>;
}

type Listener = (socket: Socket) => void;

/** The constructor of {@link Server}. It can be called without `new`. */
export interface ServerConstructor extends Omit<typeof nodeTypes.Server, 'prototype'> {
  new (connectionListener?: Listener): Server;
  new (options?: nodeTypes.ServerOpts, connectionListener?: Listener): Server;
  readonly prototype: Server;
}

const onRing = backend.name === 'io_uring';

/** A connection: TCP, or a Unix socket. */
export const Socket = (onRing
  ? callable(RingSocket, nodeNet.Socket, isNodesSocket)
  : nodeNet.Socket) as unknown as typeof nodeTypes.Socket;
/** A server: TCP, or a Unix socket. */
export const Server = callable(
  onRing ? RingServer : NodeServer,
  nodeNet.Server,
  isNodesServer,
) as unknown as ServerConstructor;
/** The same as {@link Socket}. */
export const Stream = Socket;

/** Makes a server; `listen()` begins to listen. */
export function createServer(connectionListener?: Listener): Server;
export function createServer(options?: nodeTypes.ServerOpts, connectionListener?: Listener): Server;
export function createServer(...args: unknown[]): Server {
  return Reflect.construct(api.Server, args) as Server;
}

/** Makes a socket and connects it. */
export const connect = (onRing ? ringConnect : nodeNet.connect) as typeof nodeTypes.connect;
/** The same as {@link connect}. */
export const createConnection = connect;

// Nothing of these is input or output.
export const {
  BlockList,
  SocketAddress,
  isIP,
  isIPv4,
  isIPv6,
  getDefaultAutoSelectFamily,
  setDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout,
} = nodeNet;
export type BlockList = nodeTypes.BlockList;
export type SocketAddress = nodeTypes.SocketAddress;

/** Node's inner functions, which some packages use. */
const inner = nodeNet as unknown as Record<string, unknown>;
export const { _createServerHandle, _normalizeArgs, _setSimultaneousAccepts, _TransferredBoundSocket } =
  inner;
/** Node's, since node 24; undefined before. `server.listen()` takes it. */
export const { BoundSocket } = inner;

// require('ringcore/net') gives a plain object that can be changed, as node:net is.
const api = {
  ...nodeNet,
  Server,
  Socket,
  Stream,
  connect,
  createConnection,
  createServer,
};
export default api;
export { api as 'module.exports' };
