/**
 * What a socket knows and can be told at any time: its connection, addresses, counters, options and timeout.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks';
import type * as nodeTypes from 'node:net';
import { validateFunction, validateInt32 } from '../core/validate.js';
import type { MaybeAddress } from './address.js';
import { CallableDuplex } from './callable.js';
import type { ChunkIterator } from './chunk_iterator.js';
import type { Connection } from './connection.js';
import { EBADF, errnoError, invalidArgType } from './errors.js';
import { IdleTimer } from './idle_timer.js';
import type { UserBuffer } from './receiver.js';
import {
  keepAliveOf,
  timerDuration,
  type KeepAlive,
  type KeepAliveArguments,
  type SocketOptions,
} from './socket_options.js';
import { SocketUser, userBufferOf } from './socket_user.js';

type Callback = (...args: unknown[]) => void;

const noKeepAlive: KeepAlive = { enable: false, delay: 0 };

/** The state of a socket. What moves bytes is in {@link WritingSocket} and {@link Socket}, which extend it. */
export abstract class SocketBase extends CallableDuplex {
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

  /** @internal A loop that takes what is received, past the stream. */
  declare _reader: ChunkIterator | undefined;

  /** Memory that data is received into: the `onread` option. */
  protected readonly _userBuffer: UserBuffer | undefined;
  /** Made when a timeout is first set: most sockets have none. */
  #idle: IdleTimer | undefined;
  #timeoutScope: AsyncResource | undefined;
  #noDelay: boolean;
  #keepAlive: KeepAlive = noKeepAlive;
  #typeOfService: number | undefined;
  #localAddress: MaybeAddress | undefined;
  #remoteAddress: MaybeAddress | undefined;
  #bytesRead = 0;
  #bytesWritten = 0;

  constructor(options: SocketOptions) {
    super(options);
    this.#noDelay = Boolean(options.noDelay);
    if (options.keepAlive || options.keepAliveInitialDelay) {
      this.#keepAlive = {
        enable: Boolean(options.keepAlive),
        delay: ~~((options.keepAliveInitialDelay ?? 0) / 1000),
      };
    }
    this.#typeOfService = options.typeOfService;
    this._userBuffer = userBufferOf(this, options.onread);
  }

  // --- the connection

  /** @internal Works on this connection from now on. One that was tried before is closed. */
  _adopt(connection: Connection): void {
    this._handle?.close();
    this.#localAddress = undefined;
    this._handle = connection;
    connection.user = new SocketUser(this);
    connection.receiver.userBuffer = this._userBuffer;
  }

  /** The connection is there: gives it the options that were set before. */
  protected _becomeConnected(connection: Connection): void {
    this.connecting = false;
    this.#localAddress = undefined;
    this._unrefTimer();
    if (this.#noDelay) connection.setNoDelay(true);
    const { enable, delay, interval, count } = this.#keepAlive;
    if (enable) connection.setKeepAlive(true, delay, interval, count);
    if (this.#typeOfService === undefined) return;
    const errno = connection.setTypeOfService(this.#typeOfService);
    if (errno < 0 && errno !== EBADF) this.emit('error', errnoError(errno, 'setTypeOfService'));
  }

  /** Has no connection any more. What it was is remembered as far as node does; it was given so many bytes past the sender. */
  protected _letGo(bytesAhead: number): Connection | null {
    this.#idle?.stop();
    this.#timeoutScope?.emitDestroy();
    this.#timeoutScope = undefined;
    const connection = this._handle;
    if (connection === null) return null;
    this.#bytesRead = connection.bytesRead;
    this.#bytesWritten = connection.bytesWritten + bytesAhead;
    this.#localAddress = undefined;
    this._handle = null;
    return connection;
  }

  /** @internal What was written goes to the kernel now. */
  abstract _flush(): unknown;

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
    this.#timeoutScope?.emitDestroy();
    this.#timeoutScope = undefined;
    if (timeoutMs > 0) {
      // 'timeout' comes in the async context of this call.
      this.#timeoutScope = new AsyncResource('Timeout', { requireManualDestroy: true });
      this.#idle ??= new IdleTimer(() => this.#timedOut());
    }
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
    this.#timeoutScope?.runInAsyncScope(() => this._onTimeout());
  }

  /** @internal */
  _onTimeout(): void {
    // A peer that takes what is written to it slowly is not idle.
    if (this._handle?.sender.advances()) this._unrefTimer();
    else this.emit('timeout');
  }

  setNoDelay(enable?: boolean): this {
    const wanted = enable === undefined ? true : Boolean(enable);
    const changed = wanted !== this.#noDelay;
    this.#noDelay = wanted;
    if (changed) this._handle?.setNoDelay(wanted);
    return this;
  }

  setKeepAlive(...args: KeepAliveArguments): this {
    const before = this.#keepAlive;
    const wanted = keepAliveOf(args);
    const { enable, delay, interval, count } = wanted;
    const same = delay === before.delay && interval === before.interval && count === before.count;
    // What is turned off has no delay that could change.
    if (this._handle !== null && enable === before.enable && (!enable || same)) return this;
    this.#keepAlive = wanted;
    this._handle?.setKeepAlive(enable, delay, interval, count);
    return this;
  }

  setTypeOfService(value: number): this {
    if (Number.isNaN(value)) throw invalidArgType('tos', 'of type number', value);
    validateInt32(value, 'tos', 0, 255);
    const changed = value !== this.#typeOfService;
    this.#typeOfService = value;
    const errno = this._handle !== null && changed ? this._handle.setTypeOfService(value) : 0;
    if (errno < 0) throw errnoError(errno, 'setTypeOfService');
    return this;
  }

  getTypeOfService(): number {
    if (this._handle === null || this._handle.isUnix) return this.#typeOfService ?? 0;
    const value = this._handle.getTypeOfService();
    if (value < 0) throw errnoError(value, 'getTypeOfService');
    return value;
  }

  /** @internal The server has these set already. */
  _inherit(noDelay: boolean, keepAlive: boolean, keepAliveSeconds: number): void {
    if (noDelay) this.setNoDelay(true);
    if (keepAlive) this.setKeepAlive(true, keepAliveSeconds * 1000);
  }

  // While there is no connection they wait for one, as with node: connecting keeps the loop alive in any case.

  ref(): this {
    if (!this._handle) this.once('connect', () => this.ref());
    else this._handle.ref();
    return this;
  }

  unref(): this {
    if (!this._handle) this.once('connect', () => this.unref());
    else this._handle.unref();
    return this;
  }

  // --- fields. Of the prototype, which has no connection and nothing private, they can be asked too.

  address(): MaybeAddress {
    return this._getsockname();
  }

  /** @internal */
  _getsockname(): MaybeAddress {
    if (!this._handle) return {};
    return (this.#localAddress ??= this._handle.local());
  }

  /** @internal */
  _getpeername(): MaybeAddress {
    if (!this._handle || this.connecting) return (#remoteAddress in this && this.#remoteAddress) || {};
    if (this.#remoteAddress === undefined) {
      const out = {};
      if (this._handle.getpeername(out) < 0) return out;
      this.#remoteAddress = out;
    }
    return this.#remoteAddress;
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

  get bytesRead(): number | undefined {
    return this._handle?.bytesRead ?? (#bytesRead in this ? this.#bytesRead : undefined);
  }

  /** @internal */
  get _bytesDispatched(): number | undefined {
    return this._handle?.bytesWritten ?? (#bytesWritten in this ? this.#bytesWritten : undefined);
  }

  get bufferSize(): number | undefined {
    return this._handle === null && !this.connecting ? undefined : this.writableLength;
  }

  get pending(): boolean {
    return !this._handle || this.connecting;
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
