/**
 * One attempt to connect a connection's descriptor: IORING_OP_CONNECT, bounded by a link timeout where another address
 * is to be tried after it.
 *
 * @module
 */
import { TERMINAL, TIMED_OUT, type CompletionHandler, type Waiter } from '../core/completion.js';
import { encode, type Endpoint } from './address.js';
import type { Connection, OtherOperation } from './connection.js';
import { bindSocket } from './descriptors.js';
import { ECANCELED, EINTR, ETIMEDOUT } from './errors.js';

/** How an attempt has ended: 0, or -errno. */
export type AttemptCallback = (errno: number, timedOut: boolean) => void;

/** Gives the connection's own end an address. 0, or -errno. */
export function bindConnection(connection: Connection, endpoint: Endpoint): number {
  const sockaddr = encode(endpoint);
  return typeof sockaddr === 'number' ? sockaddr : bindSocket(connection.fd, connection.domain, sockaddr);
}

/** A connect in flight. It begins when made, and calls back once unless its connection is closed before. */
export class ConnectAttempt implements CompletionHandler, Waiter, OtherOperation {
  readonly runsUserCode = true;
  readonly #connection: Connection;
  readonly #sockaddr: Uint8Array;
  readonly #timeoutMs: number;
  #callback: AttemptCallback | undefined;
  #slot = -1;

  /** `timeoutMs` 0: as long as the kernel tries. */
  constructor(connection: Connection, sockaddr: Uint8Array, timeoutMs: number, callback: AttemptCallback) {
    this.#connection = connection;
    this.#sockaddr = sockaddr;
    this.#timeoutMs = timeoutMs;
    this.#callback = callback;
    connection.other = this;
    connection.ring.admit(this);
  }

  get busy(): boolean {
    return this.#slot >= 0;
  }

  close(): void {
    this.#callback = undefined;
    const { ring } = this.#connection;
    if (this.#slot < 0) ring.withdraw(this);
    else if (!ring.closed) ring.native.cancel(this.#slot);
  }

  /** @internal */
  admit(): boolean {
    const { ring, fd } = this.#connection;
    const slot = ring.native.connect(0, this.#timeoutMs, fd, this.#sockaddr);
    if (!ring.start(this, slot)) return false;
    this.#slot = slot;
    return true;
  }

  /** @internal */
  refuse(): void {
    this.#connection.other = undefined;
    this.#end(ECANCELED, false);
  }

  /** @internal */
  complete(res: number, flags: number): void {
    if ((flags & TERMINAL) === 0) return;
    this.#connection.scope.runInAsyncScope(this.#completed, this, res, (flags & TIMED_OUT) !== 0);
  }

  #completed(res: number, fired: boolean): void {
    this.#slot = -1;
    const timedOut = fired && (res === ECANCELED || res === EINTR);
    // Interrupted, and not by us: nothing has happened yet.
    if (res === EINTR && !timedOut && this.#callback !== undefined) return this.#connection.ring.admit(this);
    this.#connection.other = undefined;
    if (res === 0) this.#connection.connected();
    if (this.#callback === undefined) this.#connection.settled();
    else this.#end(timedOut ? ETIMEDOUT : res, timedOut);
  }

  #end(errno: number, timedOut: boolean): void {
    const callback = this.#callback;
    this.#callback = undefined;
    callback?.(errno, timedOut);
  }
}
