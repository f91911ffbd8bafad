/**
 * The Socket: a Duplex stream over a {@link Connection}, with node's events, fields and order of things.
 *
 * @module
 */
import { addAbortSignal, type Duplex } from 'node:stream';
import type { BlockList } from 'node:net';
import { normalizeArguments } from './arguments.js';
import { checkedBlockList } from './block_list.js';
import { ChunkIterator } from './chunk_iterator.js';
import { announceConnecting, beginConnect, type ConnectOptions } from './connect.js';
import { endedByPeer, ENOTCONN, errnoError, invalidHandleType, socketClosed } from './errors.js';
import { nodeNet } from './node_net.js';
import type { WriteCallback } from './sender.js';
import {
  adoptedConnection,
  checkedOptions,
  isForNode,
  openDescriptor,
  type SocketOptions,
} from './socket_options.js';
import { WritingSocket } from './writing_socket.js';

/** A TCP connection or a local (Unix) one. Use it as node's: see node's documentation. */
export class Socket extends WritingSocket {
  resetAndClosing = false;
  declare blockList: BlockList | undefined;
  /** @internal TLS goes through it: what ends it is TLS, which may have words left behind the peer's end. */
  declare _carriesTls?: true;

  /** So many connections that it had are yet to be closed. */
  #leaving = 0;
  #whenLeft: (() => void) | undefined;

  constructor(options?: SocketOptions | number) {
    const given = checkedOptions(options);
    if (isForNode(given)) return new nodeNet.Socket(given) as unknown as Socket;
    const { signal } = given;
    // One that is aborted already would destroy the socket before it is made: it is added last.
    given.signal = undefined;
    super(given);
    if (given.handle) this._adopt(adoptedConnection(given.handle));
    else if (given.fd !== undefined) this._adopt(openDescriptor(given.fd));
    this.on('end', onEnd);

    // Data flows into the stream's buffer from now on, whoever listens.
    if (this._handle !== null && given.readable !== false) {
      if (given.pauseOnCreate) this.pause();
      else if (!given.manualStart) this.read(0);
    }
    if (signal) addAbortSignal(signal, this);
    const blockList = checkedBlockList(given.blockList);
    if (blockList !== undefined) this.blockList = blockList;
  }

  /** @internal A connect has succeeded. */
  _connected(): void {
    this._becomeConnected(this._handle!);
    this.emit('connect');
    this.emit('ready');
    // Begins to read, unless the user has paused it meanwhile. Nothing is consumed.
    if (!this.isPaused()) this.read(0);
  }

  connect(...args: unknown[]): this {
    const [options, callback] = normalizeArguments<ConnectOptions>(args);
    announceConnecting(this);
    if (callback !== null) this.once('connect', callback);
    if (this._parent?.connecting) return this;
    beginConnect(this, options);
    return this;
  }

  // --- receiving

  override _read(): void {
    if (this.connecting || this._handle === null) this.once('connect', () => this._read());
    else this.#startReading();
  }

  #startReading(): void {
    // Nothing else is asked of it: programs put handles of their own into sockets.
    const connection = this._handle!;
    if (!connection.reading) connection.readStart();
  }

  /** With a buffer of the user's own, data does not go through the stream: reading begins and ends here. */
  #readsIntoUserBuffer(): boolean {
    return this._userBuffer !== undefined && !this.connecting && this._handle !== null;
  }

  override pause(): this {
    if (this.#readsIntoUserBuffer()) this._handle!.receiver.stop();
    return super.pause();
  }

  override resume(): this {
    if (this.#readsIntoUserBuffer()) this.#startReading();
    return super.resume();
  }

  override read(size?: number): unknown {
    if (this.#readsIntoUserBuffer()) this.#startReading();
    return super.read(size) as unknown;
  }

  /** The chunks that come, as `for await` asks for them; see node's `readable[Symbol.asyncIterator]()`. */
  override [Symbol.asyncIterator](): AsyncIterableIterator<Buffer, undefined> {
    return new ChunkIterator(this) as unknown as AsyncIterableIterator<Buffer, undefined>;
  }

  // --- the end

  override _final(callback: WriteCallback): void {
    if (this.connecting || (this._handle === null && waitsForConnect())) {
      this.once('connect', () => this._final(callback));
      return;
    }
    // Every write has completed: the FIN goes behind their bytes.
    const errno = this._handle === null ? ENOTCONN : this._handle.shutdown();
    if (errno === 0) process.nextTick(callback);
    else if (errno === ENOTCONN) callback();
    else callback(errnoError(errno, 'shutdown'));
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Closes with a RST. */
  resetAndDestroy(): this {
    if (this._handle?.isUnix) throw invalidHandleType();
    if (this.connecting) this.once('connect', () => this._reset());
    else if (this._handle === null) this.destroy(socketClosed());
    else this._reset();
    return this;
  }

  /** @internal */
  _reset(): this {
    this.resetAndClosing = true;
    return this.destroy();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const connection = this._letGoBehindWrites();
    this.connecting = false;
    const hadError = error !== null && error !== undefined;
    const close = (): void => {
      try {
        this.emit('close', hadError);
      } finally {
        this.#left();
      }
    };
    if (connection !== null) {
      if (this.resetAndClosing) connection.closeWithReset();
      this.resetAndClosing = false;
      // A handle of the program's own does not say.
      if (connection.close(close) === true) this.#leaving++;
      callback(error);
    } else {
      callback(error);
      process.nextTick(() => this.emit('close'));
    }
    if (this._server) {
      this._server._connections--;
      this._server._emitCloseIfDrained();
    }
  }

  #left(): void {
    if (this.#leaving === 0 || --this.#leaving > 0) return;
    const next = this.#whenLeft;
    this.#whenLeft = undefined;
    next?.();
  }

  /**
   * @internal Calls back when 'close' has been emitted of every connection that this had before: at once, as a rule. Who
   * destroys a socket and connects it in the same turn hears of the end first, as with node.
   */
  _whenLeft(callback: () => void): void {
    if (this.#leaving === 0) callback();
    else this.#whenLeft = callback;
  }
}

let waits: boolean | undefined;

/** Whether an end before connect() waits for the connection, which depends on node's version. */
function waitsForConnect(): boolean {
  if (waits === undefined) {
    waits = true;
    const socket = { pending: true, connecting: false, _handle: null, once: () => {} };
    nodeNet.Socket.prototype._final.call(socket as unknown as Duplex, () => (waits = false));
  }
  return waits;
}

/** After the peer's end, a socket that is not half-open refuses to write with an error that says why. */
function onEnd(this: Socket): void {
  if (this._carriesTls) this.allowHalfOpen = true;
  if (!this.allowHalfOpen) this.write = writeAfterEnd;
}

function writeAfterEnd(this: Socket, chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
  if (!this.writableEnded) {
    return WritingSocket.prototype.write.call(
      this,
      chunk,
      encoding as BufferEncoding,
      callback as WriteCallback,
    );
  }
  const done = typeof encoding === 'function' ? encoding : callback;
  const error = endedByPeer();
  if (typeof done === 'function') process.nextTick(done, error);
  this.destroy(error);
  return false;
}
