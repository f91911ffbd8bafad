/**
 * What a socket knows and can be told at any time: its connection, addresses, counters, options and timeout.
 *
 * @module
 */
import type * as nodeTypes from 'node:net';
import { validateFunction } from '../core/validate.js';
import type { MaybeAddress } from './address.js';
import { CallableDuplex } from './callable.js';
import { byteLength, type Piece } from './chunks.js';
import type { Connection } from './connection.js';
import { IdleTimer } from './idle_timer.js';
import type { UserBuffer } from './receiver.js';
import { timerDuration, type SocketOptions } from './socket_options.js';
import { SocketUser, userBufferOf } from './socket_user.js';

type Callback = (...args: unknown[]) => void;

/** The state of a socket. What moves bytes is in {@link Socket}, which extends it. */
export class SocketBase extends CallableDuplex {
  connecting = false;
  /** Node's name for what works below the socket; null when there is nothing. */
  _handle: Connection | null = null;
  _hadError = false;
  _parent: SocketBase | null = null;
  _host: string | null = null;
  server: unknown = null;
  _server: { _connections: number; _emitCloseIfDrained(): void } | null = null;
  timeout: number | undefined;
  /** `address:port` of each attempt of a connect that tries several. */
  autoSelectFamilyAttemptedAddresses: string[] | undefined;

  /** Memory that data is received into: the `onread` option. */
  protected readonly _userBuffer: UserBuffer | undefined;
  /** Bytes of a write that waits for the connection. */
  protected _pendingBytes = 0;

  readonly #user: SocketUser;
  /** Made when a timeout is first set: most sockets have none. */
  #idle: IdleTimer | undefined;
  #referenced = true;
  #noDelay: boolean;
  #keepAlive: boolean;
  #keepAliveSeconds: number;
  #localAddress: MaybeAddress | undefined;
  #remoteAddress: MaybeAddress | undefined;
  #bytesRead = 0;
  #bytesWritten = 0;

  constructor(options: SocketOptions) {
    // A signal that is aborted already would destroy the socket before it is made: the subclass adds it last.
    super({
      ...options,
      signal: undefined,
      allowHalfOpen: Boolean(options.allowHalfOpen),
      emitClose: false,
      autoDestroy: true,
      decodeStrings: false,
    });
    this.#user = new SocketUser(this);
    this.#noDelay = Boolean(options.noDelay);
    this.#keepAlive = Boolean(options.keepAlive);
    this.#keepAliveSeconds = ~~((options.keepAliveInitialDelay ?? 0) / 1000);
    this._userBuffer = userBufferOf(this, options.onread);
  }

  // --- the connection

  /** @internal Works on this connection from now on. One that was tried before is closed. */
  _adopt(connection: Connection): void {
    this._handle?.close();
    this.#localAddress = undefined;
    this._handle = connection;
    connection.user = this.#user;
    connection.receiver.userBuffer = this._userBuffer;
    if (!this.#referenced) connection.unref();
  }

  /** The connection is there: gives it the options that were set before. */
  protected _becomeConnected(connection: Connection): void {
    this.connecting = false;
    this.#localAddress = undefined;
    this._unrefTimer();
    if (this.#noDelay) connection.setNoDelay(true);
    if (this.#keepAlive) connection.setKeepAlive(true, this.#keepAliveSeconds);
  }

  /** Has no connection any more. What it was is remembered as far as node does. */
  protected _letGo(): Connection | null {
    this.#idle?.stop();
    const connection = this._handle;
    if (connection === null) return null;
    this.#bytesRead = connection.bytesRead;
    this.#bytesWritten = connection.bytesWritten;
    this.#localAddress = undefined;
    this._handle = null;
    return connection;
  }

  /** @internal A socket that was closed is used again, or a new one: what was done to it before is forgotten. */
  _reuse(): void {
    // Writing after the peer's end may have been forbidden on the object.
    if (Object.hasOwn(this, 'write')) delete (this as { write?: unknown }).write;
    if (this.destroyed) {
      this._handle = null;
      this.#remoteAddress = undefined;
      this.#localAddress = undefined;
    }
    if (this._handle === null && !this.connecting) (this as unknown as { _undestroy(): void })._undestroy();
  }

  // --- options

  setTimeout(msecs: number, callback?: Callback): this {
    if (this.destroyed) return this;
    this.timeout = msecs;
    const timeoutMs = timerDuration(msecs);
    if (timeoutMs > 0) this.#idle ??= new IdleTimer(() => this.#timedOut());
    this.#idle?.set(timeoutMs);
    if (callback !== undefined) {
      validateFunction(callback, 'callback');
      if (timeoutMs === 0) this.removeListener('timeout', callback);
      else this.once('timeout', callback);
    }
    return this;
  }

  /** @internal Something moved: the timeout begins anew. */
  _unrefTimer(): void {
    this.#idle?.active();
    this._parent?._unrefTimer();
  }

  #timedOut(): void {
    const scope = this._handle?.scope;
    if (scope) scope.runInAsyncScope(() => this._onTimeout());
    else this._onTimeout();
  }

  /** @internal */
  _onTimeout(): void {
    this.emit('timeout');
  }

  setNoDelay(enable?: boolean): this {
    const wanted = enable === undefined ? true : Boolean(enable);
    if (this._handle !== null && !this.connecting && wanted !== this.#noDelay)
      this._handle.setNoDelay(wanted);
    this.#noDelay = wanted;
    return this;
  }

  setKeepAlive(enable?: boolean, initialDelayMs = 0): this {
    const wanted = Boolean(enable);
    const seconds = ~~(initialDelayMs / 1000);
    const changed = wanted !== this.#keepAlive || (wanted && seconds !== this.#keepAliveSeconds);
    if (this._handle !== null && !this.connecting && changed) this._handle.setKeepAlive(wanted, seconds);
    this.#keepAlive = wanted;
    this.#keepAliveSeconds = seconds;
    return this;
  }

  /** @internal The server has these set already. */
  _inherit(noDelay: boolean, keepAlive: boolean, keepAliveSeconds: number): void {
    if (noDelay) this.setNoDelay(true);
    if (keepAlive) this.setKeepAlive(true, keepAliveSeconds * 1000);
  }

  ref(): this {
    this.#referenced = true;
    this._handle?.ref();
    return this;
  }

  unref(): this {
    this.#referenced = false;
    this._handle?.unref();
    return this;
  }

  // --- fields

  address(): MaybeAddress {
    return this._getsockname();
  }

  /** @internal */
  _getsockname(): MaybeAddress {
    if (this._handle === null) return {};
    return (this.#localAddress ??= this._handle.localAddress() ?? {});
  }

  /** @internal */
  _getpeername(): MaybeAddress {
    if (this._handle !== null && !this.connecting) this.#remoteAddress ??= this._handle.remoteAddress();
    return this.#remoteAddress ?? {};
  }

  get localAddress(): string | undefined {
    return this._getsockname().address;
  }

  get localPort(): number | undefined {
    return this._getsockname().port;
  }

  get localFamily(): string | undefined {
    return this._getsockname().family;
  }

  get remoteAddress(): string | undefined {
    return this._getpeername().address;
  }

  get remotePort(): number | undefined {
    return this._getpeername().port;
  }

  get remoteFamily(): string | undefined {
    return this._getpeername().family;
  }

  get bytesRead(): number {
    return this._handle?.bytesRead ?? this.#bytesRead;
  }

  /** @internal */
  get _bytesDispatched(): number {
    return this._handle?.bytesWritten ?? this.#bytesWritten;
  }

  /** What was written, sent or not. */
  get bytesWritten(): number | undefined {
    const { writableBuffer } = this as unknown as { writableBuffer?: Piece[] };
    if (!writableBuffer) return undefined;
    let bytes = this._bytesDispatched + this._pendingBytes;
    for (const piece of writableBuffer) bytes += byteLength(piece);
    return bytes;
  }

  get bufferSize(): number | undefined {
    return this._handle === null && !this.connecting ? undefined : this.writableLength;
  }

  get pending(): boolean {
    return this._handle === null || this.connecting;
  }

  get _connecting(): boolean {
    return this.connecting;
  }

  get readyState(): nodeTypes.SocketReadyState {
    if (this.connecting) return 'opening';
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }
}
