/**
 * The Server: node's events and methods over a {@link Listener}; and an async iterable of its connections.
 *
 * @module
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { BlockList } from 'node:net';
import { getDefaultHighWaterMark } from 'node:stream';
import { promisify } from '../core/node_util.js';
import { nodeMajor } from '../core/node_version.js';
import { ring as threadRing } from '../core/backend.js';
import type { MaybeAddress } from './address.js';
import { checkedBlockList, isBlocked } from './block_list.js';
import { CallableEmitter } from './callable.js';
import { askPrimary } from './cluster_worker.js';
import { Connection } from './connection.js';
import {
  alreadyListening,
  errnoError,
  hostPortError,
  invalidArgType,
  listenError,
  notRunning,
} from './errors.js';
import { Incoming, type IncomingOptions } from './incoming.js';
import {
  adoptedBy,
  closeOnAbort,
  lookUpOne,
  parseListen,
  targetOf,
  type Adopted,
  type ListenOptions,
} from './listen.js';
import { Listener } from './listener.js';
import {
  isNativeHandle,
  setOwner,
  takeConnection,
  type NativeHandle,
  type ServerHandle,
} from './native_handle.js';
import { addMode, isClusterWorker } from './node_net.js';
import { nameOf, openWanted, type PlaceName, type Wanted } from './place.js';
import { SentSockets, type SocketList } from './sent_sockets.js';
import { Socket } from './socket.js';

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
export class Server extends CallableEmitter {
  /** Node's name for what works below the server; null when it does not listen. */
  _handle: ServerHandle | null = null;
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

  /** @internal Node's name for the processes that have sockets of this server. */
  readonly _workers: SocketList[] = [];
  readonly #sent = new SentSockets(this._workers);
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
    // Each is read once, and what is inherited does not count, as in node.
    const given = { ...options };
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
    const adopted = adoptedBy(request);
    if (adopted !== undefined) {
      this.#adopt(adopted, +request.backlog | 0);
      return this;
    }
    closeOnAbort(this, options.signal);
    const target = targetOf(request, args);
    // Whatever it is: coerced as by node's C++.
    const backlog = +request.backlog | 0;
    if ('fd' in target) this.#listenOn({ place: null, fd: target.fd, backlog }, false);
    else if ('port' in target) this.#listenOnPort(target.port, options, backlog);
    else this.#listenOnPath(target.path, options, backlog);
    return this;
  }

  /** Takes over what somebody else has bound, or already listens with. It is closed with this server. */
  #adopt({ handle, path }: Adopted, backlog: number): void {
    if (path !== undefined) this._pipeName = path;
    const listener = isNativeHandle(handle) ? Listener.over(threadRing(), handle) : handle;
    if (typeof listener === 'number') this.#listenFailed(listener, null);
    else this.#begin(listener, { key: '-1:null:-1', address: null, port: -1 }, backlog);
  }

  #listenOnPort(port: number, options: ListenOptions, backlog: number): void {
    const { host, ipv6Only = false, reusePort = false } = options;
    const exclusive = Boolean(options.exclusive) || reusePort === true;
    const flags = { ipv6Only: ipv6Only === true, reusePort: reusePort === true };
    if (!host) {
      this.#listenOn({ place: { port }, flags, backlog }, exclusive);
      return;
    }
    const listening = this.#listening;
    lookUpOne(host, (error, address, family) => {
      if (listening !== this.#listening) return;
      if (error) this.emit('error', error);
      else this.#listenOn({ place: { address, port, family }, flags, backlog }, exclusive);
    });
  }

  #listenOnPath(path: string, options: ListenOptions, backlog: number): void {
    const { readableAll, writableAll, exclusive } = options;
    this._pipeName = path;
    this.#listenOn({ place: { path }, backlog, readableAll, writableAll }, Boolean(exclusive));
    if (this._handle !== null && (readableAll || writableAll)) {
      addMode(path, (readableAll ? 0o444 : 0) | (writableAll ? 0o222 : 0));
    }
  }

  /** A worker of a cluster that does not want the place for itself asks the primary. */
  #listenOn(wanted: Wanted, exclusive: boolean): void {
    if (exclusive || !isClusterWorker()) {
      this.#listenHere(wanted);
      return;
    }
    const listening = this.#listening;
    askPrimary(this, wanted, (errno, handle) => {
      if (listening !== this.#listening) {
        handle?.close();
        return;
      }
      const name = nameOf(wanted);
      if (errno < 0) {
        this.emit('error', hostPortError(errno, 'bind', name.address!, name.port!));
        return;
      }
      this._handle?.close();
      this.#begin(handle!, name, wanted.backlog);
    });
  }

  #listenHere(wanted: Wanted): void {
    const opened = openWanted(wanted);
    if (opened.fd < 0) {
      this.#listenFailed(opened.fd, opened);
      return;
    }
    this.#begin(new Listener(threadRing(), opened.fd, opened.endpoint), opened, wanted.backlog);
  }

  #begin(handle: ServerHandle, name: PlaceName, backlog: number): void {
    this._handle = handle;
    handle.onconnection = (errno, client) => this.#onConnection(errno, client);
    if (handle instanceof Listener) handle.owner = this;
    else setOwner(handle, this);
    const result = handle.listen(backlog);
    if (result < 0) {
      this._handle = null;
      handle.close();
      this.#listenFailed(result, name);
      return;
    }
    this._connectionKey = name.key;
    if (this._unref) handle.unref();
    this.#incoming.open();
    this.#adjust();
    listenChannel.asyncEnd.publish({ server: this });
    const listening = (): void =>
      process.nextTick(() => {
        if (this._handle === handle) this.emit('listening');
      });
    if (handle instanceof Listener) handle.scope.runInAsyncScope(listening);
    else listening();
  }

  #listenFailed(errno: number, name: PlaceName | null): void {
    const error = listenError(errno, name?.address ?? null, name?.port ?? null);
    listenChannel.error.publish({ server: this, error });
    process.nextTick(() => this.emit('error', error));
  }

  get listening(): boolean {
    return Boolean(this._handle);
  }

  address(): MaybeAddress | string | null {
    if (this._handle?.getsockname) {
      const out = {};
      const errno = this._handle.getsockname(out);
      if (errno !== 0) throw errnoError(errno, 'address');
      return out;
    }
    // Also when it is closed: as node.
    return this._pipeName ?? null;
  }

  // --- connections

  /** Begins or stops accepting, as there is demand for connections or not. */
  #adjust(): void {
    const listener = this._handle;
    // A cluster's primary hands connections out as they come. Another server may have taken the listener over.
    if (!(listener instanceof Listener) || listener.owner !== this) return;
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
    const adjust = (): void => {
      this.#watchesListeners = false;
      this.off('removeListener', unwatched);
      this.off('newListener', watch);
      // It is not counted yet.
      process.nextTick(() => this.#adjust());
    };
    const watch = (event: string | symbol): void => {
      if (event === 'connection') adjust();
    };
    // By removeAllListeners().
    const unwatched = (_event: string | symbol, listener: unknown): void => {
      if (listener === watch) adjust();
    };
    this.on('newListener', watch);
    this.on('removeListener', unwatched);
  }

  #onConnection(errno: number, client?: Connection | NativeHandle): void {
    if (errno < 0) {
      this.emit('error', errnoError(errno, 'accept'));
      return;
    }
    const connection = client instanceof Connection ? client : takeConnection(client!);
    // No descriptor is left: libuv drops connections then, too.
    if (typeof connection === 'number') return;
    if (this.#isFull()) {
      this.#drop(connection);
      return;
    }
    if (this.blockList !== undefined && isBlocked(this.blockList, connection.remote().address)) {
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
    this.#adjust();
    this.#incoming.deliver(socket, () => this.emit('connection', socket));
    if (serverChannel.hasSubscribers) serverChannel.publish({ socket });
  }

  #isFull(): boolean {
    const { maxConnections } = this;
    // None at all, or as many as there are: node has changed its mind.
    if (maxConnections === 0) return zeroIsNone;
    return maxConnections != null && this._connections >= maxConnections;
  }

  #drop(connection: Connection): void {
    const local = connection.local();
    const remote = connection.remote();
    connection.close();
    if (connection.isUnix) {
      this.emit('drop');
      return;
    }
    this.emit('drop', {
      localAddress: local.address,
      localPort: local.port,
      localFamily: local.family,
      remoteAddress: remote.address,
      remotePort: remote.port,
      remoteFamily: remote.family,
    });
  }

  /** Iterates over the connections; see {@link IncomingOptions}. `break` leaves the server open. */
  [Symbol.asyncIterator](options?: IncomingOptions): AsyncIterableIterator<Socket, undefined> {
    return this.#incoming.iterate(options);
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    this.#sent.count(this._connections, callback);
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
    const handle = this._handle;
    if (typeof callback === 'function') {
      this.once('close', handle === null ? () => callback(notRunning()) : callback);
    }
    if (handle !== null) {
      this._handle = null;
      handle.close();
    }
    this.#incoming.close();
    // One more, until all of those that were sent away have ended.
    this._connections++;
    const ended = (): void => {
      this._connections--;
      this._emitCloseIfDrained();
    };
    if (!this.#sent.close(ended)) ended();
    return this;
  }

  /** @internal Sockets of this server were sent to another process. */
  _setupWorker(list: SocketList): void {
    this.#sent.add(list);
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
