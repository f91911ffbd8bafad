/**
 * `node:net` on io_uring: every export of it, and `for await (const socket of server)`.
 *
 * <!-- compiled only: it listens until it is stopped -->
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
  /** What servers inherit from. */
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
/** Node's own: addresses that are not to be connected to, or not to be served. */
export const BlockList = nodeNet.BlockList;
/** Node's own: an IP address with its port. */
export const SocketAddress = nodeNet.SocketAddress;
/** 4 or 6 for an IP address, 0 for anything else. */
export const isIP = nodeNet.isIP;
/** Whether it is an IPv4 address. */
export const isIPv4 = nodeNet.isIPv4;
/** Whether it is an IPv6 address. */
export const isIPv6 = nodeNet.isIPv6;
/** Whether `connect` tries a host's IPv6 and IPv4 addresses in turn when it is not told. */
export const getDefaultAutoSelectFamily = nodeNet.getDefaultAutoSelectFamily;
/** Changes that, for node's sockets too. */
export const setDefaultAutoSelectFamily = nodeNet.setDefaultAutoSelectFamily;
/** How long one address is tried before the next, in milliseconds. */
export const getDefaultAutoSelectFamilyAttemptTimeout = nodeNet.getDefaultAutoSelectFamilyAttemptTimeout;
/** Changes that, for node's sockets too; at least 10. */
export const setDefaultAutoSelectFamilyAttemptTimeout = nodeNet.setDefaultAutoSelectFamilyAttemptTimeout;
/** Addresses that are not to be connected to, or not to be served. */
export type BlockList = nodeTypes.BlockList;
/** An IP address with its port. */
export type SocketAddress = nodeTypes.SocketAddress;

/** Node's inner functions, which some packages use. */
const inner = nodeNet as unknown as Record<string, unknown>;
/** @internal */
export const _createServerHandle = inner._createServerHandle;
/** @internal */
export const _normalizeArgs = inner._normalizeArgs;
/** @internal */
export const _setSimultaneousAccepts = inner._setSimultaneousAccepts;
/** @internal */
export const _TransferredBoundSocket = inner._TransferredBoundSocket;
/** What node 24 has, and its types; undefined before. */
type Newer<Name extends string> = typeof nodeTypes extends Record<Name, infer T> ? T : undefined;
/** Node's, since node 24; undefined before. `server.listen()` takes it. */
export const BoundSocket = inner.BoundSocket as Newer<'BoundSocket'>;
export type BoundSocket = Newer<'BoundSocket'> extends new (...args: never[]) => infer T ? T : never;

// require('ringcore/net') gives a plain object that can be changed, as node:net is.
const own = { Server, Socket, Stream, connect, createConnection, createServer };
type Own = typeof own;
/** Of whichever version node's types are. */
type Api = Omit<typeof nodeTypes, keyof Own> & Own;
const api: Api = { ...nodeNet, ...own };
/** @internal */
export default api;
/** @internal */
export { api as 'module.exports' };
