/**
 * What node's own http, tls and cluster need to know of the ring's sockets and servers, once these stand in `node:net`.
 *
 * @module
 */
import net from '../net/index.js';
import { nodeNet } from '../net/node_net.js';
import type { Socket } from '../net/socket.js';
import { callerOf } from './caller.js';
import { either } from './either.js';
import { onceLoaded } from './load_list.js';
import { replaceMember, type Undo } from './replace.js';
import { sendOverDuplicates } from './sending.js';
import { lendToChildren } from './stdio.js';

type Methods = Record<PropertyKey, ((this: object, ...args: unknown[]) => unknown) | undefined>;

const tlsLoaded = onceLoaded('_tls_wrap', 'internal/tls/wrap');
const http2Loaded = onceLoaded('internal/http2/core');

const isRings = (value: unknown): value is Socket =>
  Object.prototype.isPrototypeOf.call(net.Socket.prototype, value as object);

/**
 * TLS over a socket works on its native handle, unless the socket isn't one of node's: then it goes through the stream.
 * So the ring's sockets are none to the constructor of TLSSocket.
 */
function answerTls(): Undo {
  const ordinary = net.Socket[Symbol.hasInstance];
  return replaceMember(net.Socket, Symbol.hasInstance, function hasInstance(this: unknown, value: unknown) {
    if (!ordinary.call(this as typeof net.Socket, value)) return false;
    if (this !== net.Socket || !isRings(value) || !tlsLoaded()) return true;
    const caller = callerOf(hasInstance);
    if (caller === undefined) return false;
    const isTls =
      caller.function === 'TLSSocket' && /^node:(_tls_wrap|internal\/tls\/wrap)$/.test(caller.file);
    if (isTls) value._carriesTls = true;
    return !isTls;
  });
}

/** What node calls on `net.Socket.prototype` and `net.Server.prototype` for objects that are node's own. */
function lendMethods(): Undo[] {
  const undos: Undo[] = [];
  // tls calls it on its own sockets when it tries several addresses.
  const sockets = nodeNet.Socket.prototype as unknown as Methods;
  const reinitialize = Object.getOwnPropertySymbols(sockets).find(
    ({ description }) => description === 'kReinitializeHandle',
  );
  if (reinitialize !== undefined) {
    undos.push(replaceMember(net.Socket.prototype, reinitialize, sockets[reinitialize]));
  }
  // http's own close() ends with this one, also that of https, whose servers are node's.
  // The primary of a cluster listens with a server of node's: see createServer().
  for (const name of ['close', 'listen']) {
    const { [name]: own } = net.Server.prototype as unknown as Methods;
    const { [name]: nodes } = nodeNet.Server.prototype as unknown as Methods;
    undos.push(replaceMember(net.Server.prototype, name, either(own, nodes)));
  }
  return undos;
}

/**
 * The primary of a cluster makes a server for its handle, on which it accepts connections for its workers. They are
 * handed over as node's handles.
 */
function createServer(options?: unknown, listener?: unknown): unknown {
  const isNodes =
    (options as { name?: unknown } | undefined)?.name === 'fail' &&
    callerOf(createServer)?.file === 'node:internal/cluster/round_robin_handle';
  const create = (isNodes ? nodeNet : net).createServer as (...args: unknown[]) => object;
  const server = create(options, listener);
  // What a program puts on `net.Server.prototype` is called for it, too.
  return isNodes ? Object.assign(server, { listen: listenAsPatched }) : server;
}

function listenAsPatched(this: object, ...args: unknown[]): unknown {
  return (net.Server.prototype as unknown as Methods).listen!.apply(this, args);
}

function firstKey(value: unknown): string | undefined {
  if (typeof value === 'object') for (const key in value) return key;
  return undefined;
}

/** Sessions of http2 work on node's handles; over the ring's sockets they would go through streams. */
function connect(...args: unknown[]): unknown {
  // As http2 asks, and few others: who it is takes longer to find out.
  const mayBeHttp2 = args.length === 1 && http2Loaded() && firstKey(args[0]) === 'port';
  const isNodes = mayBeHttp2 && callerOf(connect)?.file === 'node:internal/http2/core';
  const open = (isNodes ? nodeNet : net).connect as (...args: unknown[]) => unknown;
  return open(...args);
}

/** What `node:net` exports instead of node's own: nothing where node's own net does the work. */
export function netMembers(): object {
  if (net.Socket === nodeNet.Socket) return {};
  const { Server, Socket, Stream } = net;
  return { Server, Socket, Stream, connect, createConnection: connect, createServer };
}

export function prepareSockets(): Undo[] {
  if (net.Socket === nodeNet.Socket) return [];
  return [answerTls(), ...lendMethods(), ...sendOverDuplicates(), lendToChildren()];
}
