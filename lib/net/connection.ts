/**
 * One descriptor of a stream socket on a ring: what goes in, what comes out, and its end.
 *
 * The order of the end is what matters here. Closing cancels what is in flight and waits for the terminal completions;
 * only then is the descriptor closed: until then the kernel's requests hold the file, and neither would the peer get
 * its FIN, nor might the number be used for another file that an old operation could hit.
 *
 * @module
 */
import { AsyncResource, asyncWrapProviders } from 'node:async_hooks';
import { TERMINAL, type CompletionHandler, type Waiter } from '../core/completion.js';
import {
  AF_INET6,
  AF_UNIX,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  SHUT_WR,
  SO_KEEPALIVE,
  SO_LINGER,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
} from '../core/constants.js';
import type { Ring } from '../core/ring.js';
import {
  addressBy,
  domainOf,
  localAddress,
  remoteAddress,
  socketDomain,
  type Endpoint,
  type MaybeAddress,
} from './address.js';
import { closeNow, descriptorClosed, openSocket, own } from './descriptors.js';
import { Receiver } from './receiver.js';
import { Sender, type WriteCallback } from './sender.js';
import { loadBinding } from '../core/binding.js';
import { setImmediate } from '../core/unmocked.js';

/** ip(7), ipv6(7); not among the constants that users of the core need. */
const IPPROTO_IP = 0;
const IP_TOS = 1;
const IPV6_TCLASS = 67;

/** Who a connection works for: a socket. */
export interface ConnectionUser {
  /** A chunk has come. False: no more for now. */
  received(chunk: Buffer): boolean;
  /** The peer's FIN has come. */
  ended(): void;
  /** Receiving has failed. */
  receiveFailed(errno: number): void;
  /** The connection cannot be used any more: the ring was closed. */
  failed(error: Error): void;
  /** A write has ended; `errno` is 0 or negative. */
  sent(errno: number, callback: WriteCallback, error?: Error): void;
  /** Something moved. */
  active(): void;
  /** Nothing will be waited for: what is written is to go as far as there is room. */
  flush(): void;
}

/** Another operation on the descriptor, that the end must wait for: a connect. */
export interface OtherOperation {
  readonly busy: boolean;
  close(): void;
}

/** A stream socket's descriptor, its two directions and its end. */
export class Connection {
  readonly ring: Ring;
  /** Who gets what comes; set by who takes the connection. */
  user!: ConnectionUser;
  /** -1 until the socket is opened, and when it is closed. */
  fd: number;
  /** AF_UNIX, AF_INET or AF_INET6; before the socket is opened, what it is expected to be. */
  domain: number;
  readonly receiver: Receiver;
  readonly sender: Sender;
  /** Completions run in the async context that the connection was made in, or given by `asyncReset`. */
  scope: AsyncResource;
  /** A connect in flight. */
  other: OtherOperation | undefined;
  /** Whether receiving keeps the event loop alive. What is being sent, and a connect, do so in any case, as with node. */
  referenced = true;

  /** Libuv remembers that it was asked for probes before there was a socket, and then begins after a minute. */
  #keepAliveEarly = false;
  #closed: (() => void) | undefined;
  #closing = false;
  #descriptorGone = false;

  /** `fd`: who has opened it has seen to its owner; -1 for a socket that is yet to be opened. */
  constructor(ring: Ring, fd: number, domain: number) {
    this.ring = ring;
    this.fd = fd;
    this.domain = domain;
    this.receiver = new Receiver(this);
    this.sender = new Sender(this);
    this.scope = this.#newScope();
  }

  #newScope(): AsyncResource {
    // Destroyed by hand: registering each with the garbage collector costs more than a message.
    return new AsyncResource(this.#provider, { requireManualDestroy: true });
  }

  get #provider(): 'PIPEWRAP' | 'TCPWRAP' {
    return this.isUnix ? 'PIPEWRAP' : 'TCPWRAP';
  }

  /** On a descriptor that somebody else has opened: from now on it is the connection's. */
  static on(ring: Ring, fd: number): Connection {
    own(ring, fd);
    return new Connection(ring, fd, socketDomain(fd));
  }

  /** Opens the socket that an endpoint needs, to be connected to it. 0, or -errno. */
  open(endpoint: Endpoint): number {
    this.domain = domainOf(endpoint);
    // A Unix server without room for one more is an EAGAIN: else a kernel worker would wait until there is some.
    const fd = openSocket(this.ring, this.domain, this.isUnix ? SOCK_NONBLOCK : 0);
    if (fd < 0) return fd;
    this.fd = fd;
    if (this.#keepAliveEarly) this.setKeepAlive(true, 60);
    return 0;
  }

  /** The socket is connected: from now on it is for the ring to wait. */
  connected(): void {
    if (this.isUnix) loadBinding().setBlocking(this.fd);
  }

  /** Whether it has no socket, and may get one. */
  get isUnopened(): boolean {
    return this.fd < 0 && !this.#closing;
  }

  get isUnix(): boolean {
    return this.domain === AF_UNIX;
  }

  // What http and others know of node's handles: its names, and 0 or -errno as results.

  get reading(): boolean {
    return this.receiver.reading;
  }

  /** http sets it beside its calls of readStart() and readStop(), which say the same. */
  set reading(_reading: boolean) {}

  readStart(): number {
    this.receiver.start();
    return 0;
  }

  readStop(): number {
    this.receiver.stop();
    return 0;
  }

  getAsyncId(): number {
    return this.scope.asyncId();
  }

  /** Node's number for what it would be. */
  getProviderType(): number {
    return asyncWrapProviders[this.#provider];
  }

  /** A pool hands it on to whoever calls: completions run in the caller's async context from now on. */
  asyncReset(): void {
    this.scope.emitDestroy();
    this.scope = this.#newScope();
  }

  get bytesRead(): number {
    return this.receiver.bytes;
  }

  get bytesWritten(): number {
    return this.sender.bytes;
  }

  /** What was written and is not yet sent. */
  get writeQueueSize(): number {
    return this.sender.pendingBytes;
  }

  getsockname(out: object): number {
    return localAddress(this.fd, out);
  }

  getpeername(out: object): number {
    return remoteAddress(this.fd, out);
  }

  local(): MaybeAddress {
    return addressBy((out) => this.getsockname(out));
  }

  remote(): MaybeAddress {
    return addressBy((out) => this.getpeername(out));
  }

  reference(referenced: boolean): void {
    if (this.referenced === referenced || this.#closing) return;
    this.referenced = referenced;
    this.receiver.reference(referenced);
  }

  ref(): void {
    this.reference(true);
  }

  unref(): void {
    this.reference(false);
  }

  hasRef(): boolean {
    return this.referenced;
  }

  setNoDelay(enable: boolean): number {
    if (this.isUnix) return 0;
    return loadBinding().setsockopt(this.fd, IPPROTO_TCP, TCP_NODELAY, enable ? 1 : 0);
  }

  /** The values besides the delay are libuv's where none are given: a probe every second, ten before it gives up. */
  setKeepAlive(enable: boolean, delaySeconds: number, intervalSeconds = 1, count = 10): number {
    if (this.isUnix) return 0;
    if (this.fd < 0) this.#keepAliveEarly = enable;
    const binding = loadBinding();
    const errno = binding.setsockopt(this.fd, SOL_SOCKET, SO_KEEPALIVE, enable ? 1 : 0);
    if (errno < 0 || !enable || delaySeconds < 1 || intervalSeconds < 1 || count < 1) return errno;
    binding.setsockopt(this.fd, IPPROTO_TCP, TCP_KEEPIDLE, delaySeconds);
    binding.setsockopt(this.fd, IPPROTO_TCP, TCP_KEEPINTVL, intervalSeconds);
    return binding.setsockopt(this.fd, IPPROTO_TCP, TCP_KEEPCNT, count);
  }

  setTypeOfService(value: number): number {
    if (this.isUnix) return 0;
    return loadBinding().setsockopt(this.fd, ...this.#typeOfService(), value);
  }

  getTypeOfService(): number {
    return this.isUnix ? 0 : loadBinding().getsockopt(this.fd, ...this.#typeOfService());
  }

  #typeOfService(): [level: number, name: number] {
    return this.domain === AF_INET6 ? [IPPROTO_IPV6, IPV6_TCLASS] : [IPPROTO_IP, IP_TOS];
  }

  /** Whether it has ended without the peer's FIN: the kernel tells one operation of a reset, and others that it is the end. */
  wasReset(): boolean {
    return !this.isUnix && loadBinding().wasReset(this.fd, this.receiver.bytes);
  }

  /** Ends the sending side; 0 or -errno. Everything has been sent. */
  shutdown(): number {
    return loadBinding().shutdown(this.fd, SHUT_WR);
  }

  /** The peer gets a RST instead of a FIN: lingering for no time discards what is unsent. */
  closeWithReset(): void {
    loadBinding().setsockopt(this.fd, SOL_SOCKET, SO_LINGER, new Uint8Array(new Int32Array([1, 0]).buffer));
  }

  /** Ends everything; `closed` is called when the descriptor is. False, and it is not called: that has begun before. */
  close(closed?: () => void): boolean {
    if (this.#closing) return false;
    this.#closing = true;
    this.#closed = closed;
    this.receiver.close();
    this.sender.close();
    this.other?.close();
    this.settled();
    return true;
  }

  /** @internal An operation has ended. */
  settled(): void {
    if (!this.#closing || this.receiver.busy || this.sender.busy || this.other?.busy) return;
    if (this.#descriptorGone) return;
    this.#descriptorGone = true;
    const done = (): void => {
      this.scope.runInAsyncScope(this.#closedNow, this);
      this.scope.emitDestroy();
    };
    // As of node's handle without a descriptor, the loop turns before it is closed.
    if (this.fd < 0) {
      setImmediate(done);
      return;
    }
    const { fd } = this;
    // Whoever has kept this must not reach the file that gets the number.
    this.fd = -1;
    new DescriptorClose(this.ring, fd, done);
  }

  #closedNow(): void {
    const closed = this.#closed;
    this.#closed = undefined;
    closed?.();
  }
}

/** Closes a descriptor on which nothing is in flight. */
class DescriptorClose implements CompletionHandler, Waiter {
  readonly runsUserCode = true;
  readonly #ring: Ring;
  readonly #fd: number;
  readonly #done: () => void;

  constructor(ring: Ring, fd: number, done: () => void) {
    this.#ring = ring;
    this.#fd = fd;
    this.#done = done;
    if (ring.closed) this.refuse();
    else ring.admit(this);
  }

  admit(): boolean {
    return this.#ring.start(this, this.#ring.native.close(0, 0, this.#fd));
  }

  refuse(): void {
    closeNow(this.#ring, this.#fd);
    process.nextTick(() => this.complete(0, TERMINAL));
  }

  complete(_res: number, flags: number): void {
    if ((flags & TERMINAL) === 0) return;
    descriptorClosed();
    this.#done();
  }
}
