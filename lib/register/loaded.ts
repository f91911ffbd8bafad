/**
 * Node's http and tls derive their classes from what `net.Server` and `net.Socket` are when they are loaded, and call
 * what these are later. Where one is node's and the other the ring's (they were loaded before register(), or
 * unregister() came), both must do.
 *
 * @module
 */
import { alsoOn } from '../net/callable.js';
import net from '../net/index.js';
import { nodeNet } from '../net/node_net.js';
import { either } from './either.js';
import { hasLoaded } from './load_list.js';
import { replaceMember } from './replace.js';

type Classes = Record<string, { prototype: object } | undefined>;
type Closable = [{ close: unknown }, { close: unknown }];
type Descriptor = TypedPropertyDescriptor<unknown>;

/** A module of node's that somebody has loaded; no module is loaded for this. */
function loaded(id: string, loadedAs: string[]): Classes | undefined {
  if (!hasLoaded(loadedAs)) return undefined;
  return process.getBuiltinModule(id) as unknown as Classes;
}

/** A prototype for objects of both: it inherits from node's, and where the ring has a method it looks whose the object is. */
function bridgeBetween(ring: object, nodes: object): object {
  const bridge = Object.create(nodes) as object;
  for (const key of Reflect.ownKeys(ring)) {
    if (key === 'constructor') continue;
    const own: Descriptor = Object.getOwnPropertyDescriptor(ring, key)!;
    const other: Descriptor = Object.getOwnPropertyDescriptor(nodes, key) ?? {};
    const parts: Descriptor = own.value
      ? { value: either(own.value, other.value), writable: true }
      : { get: either(own.get, other.get), set: either(own.set, other.set) };
    Object.defineProperty(bridge, key, { ...parts, configurable: true });
  }
  return bridge;
}

let bridge: object | undefined;

function makeBridge(): object {
  const made = bridgeBetween(net.Server.prototype, nodeNet.Server.prototype);
  alsoOn(net.Server.prototype, made);
  // What http calls by name, for servers of either kind: see sockets.ts.
  const [{ close }, { close: nodesClose }] = [net.Server.prototype, nodeNet.Server.prototype] as Closable;
  replaceMember(nodeNet.Server.prototype, 'close', either(close, nodesClose));
  return made;
}

/** Lets http's servers be the ring's or node's: as they were made, or as `net.Server` is when they are. */
function bridgeServers(http: Classes): void {
  const { prototype } = http.Server!;
  const parent = Object.getPrototypeOf(prototype) as object;
  if (parent !== net.Server.prototype && parent !== nodeNet.Server.prototype) return;
  bridge ??= makeBridge();
  Object.setPrototypeOf(prototype, bridge);
}

/** Node 20's agent keeps the function that it has found. */
function connectAgents(http: Classes, from: unknown, to: unknown): void {
  const agent = http.Agent!.prototype as { createConnection: unknown };
  if (agent.createConnection === from) agent.createConnection = to;
}

/** Classes of tls that were derived from the ring's become node's, before they are called as such. */
function reparentTls(tls: Classes): void {
  for (const name of ['Socket', 'Server'] as const) {
    const { prototype } = tls[name === 'Socket' ? 'TLSSocket' : 'Server']!;
    if (Object.getPrototypeOf(prototype) === net[name].prototype) {
      Object.setPrototypeOf(prototype, nodeNet[name].prototype);
    }
  }
}

/** To be called after register() and unregister() have changed `net.createConnection` from one to the other. */
export function adjustLoaded(from: unknown, to: unknown): void {
  if (net.Socket === nodeNet.Socket) return;
  const http = loaded('node:http', ['_http_server', 'internal/http/server']);
  if (http !== undefined) {
    bridgeServers(http);
    connectAgents(http, from, to);
  }
  const tls = loaded('node:tls', ['_tls_wrap', 'internal/tls/wrap']);
  if (tls !== undefined) reparentTls(tls);
}
