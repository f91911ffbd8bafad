/**
 * A listening descriptor and its accept: multishot, or a poll for each connection where the socket may be shared.
 *
 *     idle --> waiting --> armed --> idle          waiting: the operation table is full, or there is no descriptor left
 *                            \        ^
 *                             v       |
 *                          stopping --'            cancelled, the terminal completion is on its way
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks';
import { TERMINAL, type CompletionHandler, type Waiter } from '../core/completion.js';
import { AF_UNIX, POLLIN, SO_REUSEPORT, SOCK_CLOEXEC, SOL_SOCKET } from '../core/constants.js';
import type { Ring } from '../core/ring.js';
import { domainOf, encode, localAddress, socketDomain, type Endpoint } from './address.js';
import { Connection } from './connection.js';
import {
  bindSocket,
  closeNow,
  duplicate,
  onDescriptorClosed,
  openSocket,
  own as ownDescriptor,
} from './descriptors.js';
import {
  EACCES,
  EAGAIN,
  ECANCELED,
  ECONNABORTED,
  EINTR,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOENT,
  ENOMEM,
  EPROTO,
} from './errors.js';
import { isExiting } from '../core/exiting.js';
import type { NativeHandle, ServerHandle } from './native_handle.js';
import { removePath } from './node_net.js';
import { loadBinding, OWNED } from '../core/binding.js';
import { clearTimeout, setTimeout } from '../core/unmocked.js';

/** How a listening socket is made. */
export interface ListenFlags {
  ipv6Only: boolean;
  /** Several sockets share the port; the kernel spreads connections among them. */
  reusePort: boolean;
}

/** On what this process has bound. */
const endedAtExit = new Set<Listener>();

/**
 * The kernel lets go of a ring's operations some milliseconds after its process has ended, and of the listening socket
 * with them. Whoever starts the program again may come sooner.
 */
function endAtExit(listener: Listener): void {
  if (endedAtExit.size === 0) process.on('exit', endAll);
  endedAtExit.add(listener);
}

function endAll(): void {
  if (!isExiting()) return;
  for (const listener of endedAtExit) listener.letGo();
}

/** Another process gets this descriptor: see {@link Listener.share}. */
export function shareDescriptor(fd: number): void {
  for (const listener of endedAtExit) if (listener.fd === fd) listener.share();
}

/** Opens and binds a listening socket, as libuv does. Its descriptor, or -errno. */
export function openListening(ring: Ring, endpoint: Endpoint, { ipv6Only, reusePort }: ListenFlags): number {
  const sockaddr = encode(endpoint);
  if (typeof sockaddr === 'number') return sockaddr;
  const domain = domainOf(endpoint);
  const fd = openSocket(ring, domain);
  if (fd < 0) return fd;
  let result = 0;
  if (reusePort && domain !== AF_UNIX) result = loadBinding().setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (result >= 0) result = bindSocket(fd, domain, sockaddr, ipv6Only);
  if (result >= 0) return fd;
  closeNow(ring, fd);
  // As libuv, for the sake of programs that are at home on Windows.
  return domain === AF_UNIX && result === ENOENT ? EACCES : result;
}

/** These concern one connection only, which is gone. */
const passing = [ECONNABORTED, EPROTO, EAGAIN, EINTR];
/** These end when something is freed. */
const shortage = [EMFILE, ENFILE, ENOBUFS, ENOENT, ENOMEM];
/** How long a shortage is waited out before the next attempt, if no socket of ours is closed before. */
const shortageMs = 100;

/** A listening descriptor. It has the names of node's handles that servers use. */
export class Listener implements ServerHandle, CompletionHandler, Waiter {
  readonly runsUserCode = true;
  readonly ring: Ring;
  /** -1 when it is closed. */
  fd: number;
  /** AF_UNIX, AF_INET or AF_INET6. */
  readonly domain: number;
  /** Connections are reported in the async context that listen() was called in. */
  readonly scope: AsyncResource;
  /** The server that listens with it. */
  owner: unknown;
  onconnection: NonNullable<ServerHandle['onconnection']> = (_errno, client) => client?.close();
  declare getsockname?: (out: object) => number;

  /** Where it was bound to by us. */
  readonly #endpoint: Endpoint | undefined;
  /** Other processes may accept from the same socket. */
  #shared: boolean;
  /** Node's handle that the descriptor is a duplicate of. */
  readonly #native: NativeHandle | undefined;
  #state: 'idle' | 'waiting' | 'armed' | 'stopping' = 'idle';
  #slot = -1;
  /** What is armed is a poll: the connection is still to be accepted. */
  #polls = false;
  #wanted = false;
  #closed = false;
  #descriptorGone = false;
  /** The ring takes no more operations: this has been told, once. */
  #refused = false;
  #referenced = true;
  #endShortage: (() => void) | undefined;
  /** Ends a shortage: then it is what keeps the event loop alive. */
  #timer: NodeJS.Timeout | undefined;

  /**
   * `endpoint`: undefined for a descriptor that the user brought. `native`: is kept open as long as this, since node's
   * own code may look at it, and closed with it.
   */
  constructor(ring: Ring, fd: number, endpoint?: Endpoint, native?: NativeHandle) {
    this.ring = ring;
    this.fd = fd;
    this.domain = endpoint === undefined ? socketDomain(fd) : domainOf(endpoint);
    this.#endpoint = endpoint;
    this.#shared = endpoint === undefined;
    this.#native = native;
    ownDescriptor(ring, fd);
    if (this.domain !== AF_UNIX) this.getsockname = (out) => localAddress(fd, out);
    // libuv may listen on it already: what it accepts from now on comes here, too.
    if (native !== undefined) native.onconnection = (errno, client) => this.onconnection(errno, client);
    if (endpoint !== undefined) endAtExit(this);
    const type = this.domain === AF_UNIX ? 'PIPESERVERWRAP' : 'TCPSERVERWRAP';
    this.scope = new AsyncResource(type, { requireManualDestroy: true });
  }

  /** Node's handle over a duplicate of its descriptor; or -errno. */
  static over(ring: Ring, native: NativeHandle): Listener | number {
    const fd = duplicate(ring, native.fd);
    return fd < 0 ? fd : new Listener(ring, fd, undefined, native);
  }

  listen(backlog: number): number {
    // Libuv keeps an error of bind(2) to itself; without it, this would listen on any port.
    const unbound = this.#native?.getsockname?.({}) ?? 0;
    return unbound < 0 ? unbound : loadBinding().listen(this.fd, backlog);
  }

  /** Takes connections, until `stop()`. Meanwhile they wait in the kernel's backlog. */
  start(): void {
    this.#wanted = true;
    this.#arm();
  }

  stop(): void {
    this.#wanted = false;
    if (this.#state === 'armed') {
      this.#state = 'stopping';
      if (!this.ring.closed) this.ring.native.cancel(this.#slot);
    } else if (this.#state === 'waiting' && (this.#endShortage !== undefined || this.ring.withdraw(this))) {
      this.#endShortage?.();
      this.#state = 'idle';
    }
  }

  /** Another process gets the socket: from now on, connections are for whoever comes first. */
  share(): void {
    if (this.#shared) return;
    this.#shared = true;
    if (this.#state !== 'armed' || this.ring.closed) return;
    // Now: this thread may be busy for long. The poll is armed when it hears of the end of the accept.
    this.#state = 'stopping';
    this.ring.native.cancelNow(this.#slot);
  }

  /** The port is free when this returns. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    endedAtExit.delete(this);
    if (endedAtExit.size === 0) process.off('exit', endAll);
    if (this.#slot >= 0 && !this.#referenced) this.ring.native.setRef(this.#slot, true);
    const waits = this.#slot >= 0;
    this.letGo();
    this.stop();
    if (!waits) this.#ended();
    this.#native?.close();
    const path = this.#endpoint !== undefined && 'path' in this.#endpoint ? this.#endpoint.path : undefined;
    if (path !== undefined && !path.startsWith('\0')) removePath(path);
  }

  /** Closes the descriptor now, if that can be: the accept holds the file. No shutdown(2): others may listen on it, too. */
  letGo(): void {
    if (this.getsockname) {
      // Other handlers of 'exit' may ask for it yet.
      const address = {};
      const errno = this.getsockname(address);
      this.getsockname = (out) => (Object.assign(out, address), errno);
    }
    const released = this.#slot < 0 || (!this.ring.closed && this.ring.native.cancelNow(this.#slot));
    if (released) this.#closeDescriptor();
  }

  #closeDescriptor(): void {
    if (this.#descriptorGone) return;
    this.#descriptorGone = true;
    closeNow(this.ring, this.fd);
    this.fd = -1;
  }

  #ended(): void {
    this.#closeDescriptor();
    this.scope.emitDestroy();
  }

  ref(): void {
    this.#reference(true);
  }

  unref(): void {
    this.#reference(false);
  }

  #reference(referenced: boolean): void {
    this.#referenced = referenced;
    if (this.#slot >= 0 && !this.#closed) this.ring.native.setRef(this.#slot, referenced);
    if (referenced) this.#timer?.ref();
    else this.#timer?.unref();
  }

  #arm(): void {
    if (this.#state !== 'idle' || !this.#wanted || this.#closed || this.#refused) return;
    this.#state = 'waiting';
    this.ring.admit(this);
  }

  /** @internal */
  admit(): boolean {
    const { native } = this.ring;
    // The kernel wakes one of the accepts that wait, the first. A multishot stays at the head of that queue: other
    // processes would get nothing. And the connection of one whose thread is busy would wait for it. A poll wakes all.
    const slot = this.#shared
      ? native.poll(0, 0, this.fd, POLLIN)
      : native.acceptMultishot(OWNED, 0, this.fd, SOCK_CLOEXEC, false);
    if (!this.ring.start(this, slot)) return false;
    this.#slot = slot;
    this.#polls = this.#shared;
    this.#state = 'armed';
    if (!this.#referenced) native.setRef(slot, false);
    return true;
  }

  /** @internal */
  refuse(): void {
    this.#state = 'idle';
    this.#refused = true;
    if (!this.#wanted || this.#closed) return;
    // Not inside the call or the completion that asked for connections: without a listener, 'error' throws.
    process.nextTick(() => {
      if (!this.#closed) this.scope.runInAsyncScope(() => this.onconnection(ECANCELED));
    });
  }

  /** @internal */
  complete(res: number, flags: number): void {
    if (this.#polls && res >= 0) res = this.#acceptNow();
    // Made out here: what happens on a connection belongs to no other async context than its own.
    const taken = res >= 0 && !this.#closed && !this.ring.closed;
    const connection = taken ? new Connection(this.ring, res, this.domain) : undefined;
    this.scope.runInAsyncScope(this.#completed, this, res, (flags & TERMINAL) !== 0, connection);
  }

  /** The connection that a poll has told of, unless another process was faster, or nobody wants it any more. */
  #acceptNow(): number {
    if (!this.#wanted || this.#descriptorGone || this.ring.closed) return EAGAIN;
    return this.ring.native.acceptNow(this.fd) ?? EAGAIN;
  }

  #completed(res: number, terminal: boolean, connection: Connection | undefined): void {
    const stopping = this.#state === 'stopping';
    if (terminal) {
      this.#state = 'idle';
      this.#slot = -1;
    }
    try {
      this.#handle(res, stopping, connection);
    } finally {
      // The kernel ends a multishot on any error, and when the completion queue is full.
      if (terminal) {
        if (this.#closed) this.#ended();
        else this.#arm();
      }
    }
  }

  #handle(res: number, stopping: boolean, connection: Connection | undefined): void {
    if (res >= 0) {
      // One that comes while it is being stopped was accepted before: it is delivered, unless nobody is there or
      // nothing could be done on it, the ring being closed.
      if (connection === undefined) closeNow(this.ring, res);
      else this.onconnection(0, connection);
    } else if (this.#closed || passing.includes(res) || (res === ECANCELED && stopping)) {
      // Nothing is lost.
    } else if (shortage.includes(res)) {
      this.#waitOutShortage();
    } else {
      this.#wanted = false;
      this.#refused = this.ring.closed;
      this.onconnection(res);
    }
  }

  /** The connection stays in the backlog meanwhile. Accepting again at once would fail again, and again. */
  #waitOutShortage(): void {
    this.#state = 'waiting';
    this.#timer = setTimeout(() => this.#retry(), shortageMs);
    if (!this.#referenced) this.#timer.unref();
    const forget = onDescriptorClosed(() => this.#retry());
    this.#endShortage = () => {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      forget();
      this.#endShortage = undefined;
    };
  }

  #retry(): void {
    this.#endShortage?.();
    this.#state = 'idle';
    this.#arm();
  }
}
