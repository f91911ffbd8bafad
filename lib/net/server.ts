/**
 * The Server: node's events and methods over a {@link Listener}; and an async iterable of its connections.
 *
 * @module
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { BlockList } from 'node:net';
import { getDefaultHighWaterMark } from 'node:stream';
import { promisify } from 'node:util';
import { nodeMajor } from '../core/node_version.js';
import { dns } from '../core/seldom.js';
import { ring as threadRing } from '../core/backend.js';
import { AF_UNIX, SO_TYPE, SOCK_STREAM, SOL_SOCKET } from '../core/constants.js';
import type { Family, MaybeAddress } from './address.js';
import { checkedBlockList, isBlocked } from './block_list.js';
import { CallableEmitter } from './callable.js';
import type { Connection } from './connection.js';
import {
  alreadyListening,
  EADDRINUSE,
  EINVAL,
  errnoError,
  invalidArgType,
  listenError,
  notRunning,
} from './errors.js';
import { Incoming, type IncomingOptions } from './incoming.js';
import { closeOnAbort, keyOf, parseListen, targetOf, type ListenOptions, type Place } from './listen.js';
import { Listener, openListening, type ListenerUser } from './listener.js';
import { addMode, removePath } from './node_net.js';
import { Socket } from './socket.js';
import { loadBinding } from '../core/binding.js';

/** Options of {@link createServer}. */
export interface ServerOptions {
  allowHalfOpen?: boolean;
  pauseOnConnect?: boolean;
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  highWaterMark?: number;
  blockList?: BlockList;
}

type ConnectionListener = (socket: Socket) => void;

/** `maxConnections = 0`: no connection is accepted, since node 21. */
const zeroIsNone = nodeMajor >= 21;

const serverChannel = diagnosticsChannel.channel('net.server.socket');
const listenChannel = diagnosticsChannel.tracingChannel('net.server.listen');

/** A TCP server, or one on a Unix socket. Use it as node's: see node's documentation. */
export class Server extends CallableEmitter implements ListenerUser {
  /** Node's name for what works below the server; null when it does not listen. */
  _handle: Listener | null = null;
  _connections = 0;
  _unref = false;
  _pipeName: string | undefined;
  _connectionKey: string | undefined;
  allowHalfOpen: boolean;
  pauseOnConnect: boolean;
  noDelay: boolean;
  keepAlive: boolean;
  /** In seconds. */
  keepAliveInitialDelay: number;
  highWaterMark: number;
  declare maxConnections: number | undefined;
  declare blockList: BlockList | undefined;

  readonly #incoming = new Incoming<Socket>(() => this.#adjust());
  /** Makes the outcome of an earlier listen() void. */
  #listening = 0;
  #watchesListeners = false;

  constructor(options?: ServerOptions | ConnectionListener | null, listener?: ConnectionListener) {
    super();
    if (typeof options === 'function') {
      this.on('connection', options);
      options = {};
    } else if (options == null || typeof options === 'object') {
      if (typeof listener === 'function') this.on('connection', listener);
    } else {
      throw invalidArgType('options', 'of type object', options);
    }
    const given = options ?? {};
    for (const name of ['keepAliveInitialDelay', 'highWaterMark'] as const) {
      if (given[name] !== undefined && typeof given[name] !== 'number') {
        throw invalidArgType(`options.${name}`, 'of type number', given[name]);
      }
    }
    const blockList = checkedBlockList(given.blockList);
    if (blockList !== undefined) this.blockList = blockList;
    this.allowHalfOpen = given.allowHalfOpen || false;
    this.pauseOnConnect = Boolean(given.pauseOnConnect);
    this.noDelay = Boolean(given.noDelay);
    this.keepAlive = Boolean(given.keepAlive);
    this.keepAliveInitialDelay = ~~(Math.max(given.keepAliveInitialDelay ?? 0, 0) / 1000);
    const { highWaterMark = -1 } = given;
    this.highWaterMark = highWaterMark < 0 ? getDefaultHighWaterMark(false) : highWaterMark;
  }

  // --- listening

  listen(...args: unknown[]): this {
    const request = parseListen(args);
    if (this._handle !== null) throw alreadyListening();
    const { options, callback } = request;
    if (listenChannel.asyncStart.hasSubscribers) listenChannel.asyncStart.publish({ server: this, options });
    if (callback !== null) this.once('listening', callback);
    this.#listening++;
    closeOnAbort(this, options.signal);
    const target = targetOf(request, args);
    // Whatever it is: coerced as by node's C++.
    const backlog = +request.backlog | 0;
    if ('fd' in target) this.#listenOnDescriptor(target.fd, backlog);
    else if ('port' in target) this.#listenOnPort(target.port, options, backlog);
    else this.#listenOnPath(target.path, options, backlog);
    return this;
  }

  #listenOnPort(port: number, { host, ipv6Only = false }: ListenOptions, backlog: number): void {
    if (host) {
      const listening = this.#listening;
      dns().lookup(host, (error, address, family) => {
        if (listening !== this.#listening) return;
        if (error) this.emit('error', error);
        else this.#open({ endpoint: { address, port, family: family as Family }, ipv6Only }, backlog);
      });
      return;
    }
    // Both families where there is IPv6. A port in use is in use for both.
    const endpoint = { address: '::', port, family: 6 as Family };
    const fd = openListening(endpoint, ipv6Only);
    if (fd < 0 && fd !== EADDRINUSE) {
      this.#open({ endpoint: { address: '0.0.0.0', port, family: 4 }, ipv6Only }, backlog);
    } else {
      this.#begin(fd, { endpoint, ipv6Only }, backlog);
    }
  }

  #listenOnPath(path: string, options: ListenOptions, backlog: number): void {
    const { readableAll, writableAll } = options;
    this._pipeName = path;
    this.#open({ endpoint: { path }, ipv6Only: false }, backlog);
    if (this._handle !== null && (readableAll || writableAll)) {
      addMode(path, (readableAll ? 0o444 : 0) | (writableAll ? 0o222 : 0));
    }
  }

  #listenOnDescriptor(fd: number, backlog: number): void {
    // No fraction: the kernel would take what is before the point.
    const isDescriptor = Number.isInteger(fd) && fd < 2 ** 31;
    const type = isDescriptor ? loadBinding().getsockopt(fd, SOL_SOCKET, SO_TYPE) : EINVAL;
    if (type !== SOCK_STREAM) this.#listenFailed(EINVAL, null);
    else this.#begin(fd, null, backlog);
  }

  #open(place: Place, backlog: number): void {
    this.#begin(openListening(place.endpoint, place.ipv6Only), place, backlog);
  }

  /** `fd`: a bound socket, or -errno. `place` is null for a descriptor that the user brought. */
  #begin(fd: number, place: Place | null, backlog: number): void {
    if (fd < 0) return this.#listenFailed(fd, place);
    const result = loadBinding().listen(fd, backlog);
    if (result < 0) {
      loadBinding().closeDescriptor(fd);
      return this.#listenFailed(result, place);
    }
    const listener = new Listener(threadRing(), fd, place?.endpoint, this);
    this._handle = listener;
    this._connectionKey = keyOf(place);
    if (this._unref) listener.unref();
    this.#incoming.open();
    this.#adjust();
    listenChannel.asyncEnd.publish({ server: this });
    listener.scope.runInAsyncScope(() =>
      process.nextTick(() => {
        if (this._handle === listener) this.emit('listening');
      }),
    );
  }

  #listenFailed(errno: number, place: Place | null): void {
    const [address, port] =
      place === null
        ? [null, null]
        : 'path' in place.endpoint
          ? [place.endpoint.path, -1]
          : [place.endpoint.address, place.endpoint.port];
    const error = listenError(errno, address, port);
    listenChannel.error.publish({ server: this, error });
    process.nextTick(() => this.emit('error', error));
  }

  get listening(): boolean {
    return this._handle !== null;
  }

  address(): MaybeAddress | string | null {
    if (this._handle !== null && this._handle.domain !== AF_UNIX) return this._handle.address() ?? null;
    // Also when it is closed: as node.
    return this._pipeName ?? null;
  }

  // --- connections

  /** Begins or stops accepting, as there is demand for connections or not. */
  #adjust(): void {
    const listener = this._handle;
    if (listener === null) return;
    if (this.#incoming.wanted(this.listenerCount('connection'))) {
      listener.start();
    } else {
      listener.stop();
      this.#watchListeners();
    }
  }

  /** A listener for connections that is added later is a demand as well. */
  #watchListeners(): void {
    if (this.#watchesListeners) return;
    this.#watchesListeners = true;
    const watch = (event: string | symbol): void => {
      if (event !== 'connection') return;
      this.#watchesListeners = false;
      this.off('newListener', watch);
      // It is not counted yet.
      process.nextTick(() => this.#adjust());
    };
    this.on('newListener', watch);
  }

  /** @internal */
  accepted(connection: Connection): void {
    if (this.#isFull()) {
      this.#drop(connection);
      return;
    }
    if (this.blockList !== undefined && isBlocked(this.blockList, connection.remoteAddress()?.address)) {
      connection.close();
      return;
    }
    const socket = new Socket({
      handle: connection,
      allowHalfOpen: this.allowHalfOpen,
      pauseOnCreate: this.pauseOnConnect,
      readableHighWaterMark: this.highWaterMark,
      writableHighWaterMark: this.highWaterMark,
    });
    socket._inherit(this.noDelay, this.keepAlive, this.keepAliveInitialDelay);
    this._connections++;
    socket.server = this;
    socket._server = this;
    this.#incoming.offer(socket, this.listenerCount('connection'));
    this.#adjust();
    this.emit('connection', socket);
    if (serverChannel.hasSubscribers) serverChannel.publish({ socket });
  }

  #isFull(): boolean {
    const { maxConnections } = this;
    // None at all, or as many as there are: node has changed its mind.
    if (maxConnections === 0) return zeroIsNone;
    return maxConnections != null && this._connections >= maxConnections;
  }

  #drop(connection: Connection): void {
    const local = connection.localAddress();
    const remote = connection.remoteAddress();
    connection.close();
    if (connection.isUnix) {
      this.emit('drop');
      return;
    }
    this.emit('drop', {
      localAddress: local?.address,
      localPort: local?.port,
      localFamily: local?.family,
      remoteAddress: remote?.address,
      remotePort: remote?.port,
      remoteFamily: remote?.family,
    });
  }

  /** @internal */
  failed(errno: number): void {
    this.emit('error', errnoError(errno, 'accept'));
  }

  /** Iterates over the connections; see {@link IncomingOptions}. `break` leaves the server open. */
  [Symbol.asyncIterator](options?: IncomingOptions): AsyncIterableIterator<Socket, undefined> {
    return this.#incoming.iterate(options);
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    process.nextTick(callback, null, this._connections);
    return this;
  }

  ref(): this {
    this._unref = false;
    this._handle?.ref();
    return this;
  }

  unref(): this {
    this._unref = true;
    this._handle?.unref();
    return this;
  }

  // --- the end

  /** Stops listening; 'close' comes when the last connection has ended. */
  close(callback?: (error?: Error) => void): this {
    this.#listening++;
    const listener = this._handle;
    if (typeof callback === 'function') {
      this.once('close', listener === null ? () => callback(notRunning()) : callback);
    }
    if (listener !== null) {
      this._handle = null;
      listener.close();
      if (listener.path !== undefined && !listener.path.startsWith('\0')) removePath(listener.path);
    }
    this.#incoming.close();
    this._emitCloseIfDrained();
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this._handle === null) return;
    await promisify((callback: (error?: Error) => void) => this.close(callback))();
  }

  /** @internal */
  _emitCloseIfDrained(): void {
    if (this._handle !== null || this._connections > 0) return;
    process.nextTick(() => this.emit('close'));
  }

  /** An async listener of 'connection' has failed: its connection ends. */
  override [EventEmitter.captureRejectionSymbol](error: Error, event: string, socket?: Socket): void {
    if (event === 'connection') socket?.destroy(error);
    else this.emit('error', error);
  }
}
