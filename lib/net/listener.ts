/**
 * A listening descriptor and its multishot accept.
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
import {
  AF_INET6,
  AF_UNIX,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SHUT_RDWR,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../core/constants.js';
import type { Ring } from '../core/ring.js';
import {
  domainOf,
  encode,
  localAddressOf,
  socketDomain,
  type Endpoint,
  type MaybeAddress,
} from './address.js';
import { Connection } from './connection.js';
import { onDescriptorClosed, own as ownDescriptor } from './descriptors.js';
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
import { loadBinding, OWNED } from '../core/binding.js';

const endedAtExit = new Set<Listener>();

/**
 * The kernel lets go of a ring's operations some milliseconds after its process has ended, and of the listening socket
 * with them. Whoever starts the program again may come sooner.
 */
function endAtExit(listener: Listener): void {
  if (endedAtExit.size === 0) process.once('exit', endAll);
  endedAtExit.add(listener);
}

function endAll(): void {
  for (const { fd } of endedAtExit) loadBinding().shutdown(fd, SHUT_RDWR);
}

/** Opens and binds a listening socket, as libuv does. Its descriptor, or -errno. */
export function openListening(endpoint: Endpoint, ipv6Only: boolean): number {
  const sockaddr = encode(endpoint);
  if (typeof sockaddr === 'number') return sockaddr;
  const domain = domainOf(endpoint);
  const binding = loadBinding();
  const fd = binding.socket(domain, SOCK_STREAM, 0);
  if (fd < 0) return fd;
  // A port whose last connections are still in TIME_WAIT can be used.
  if (domain !== AF_UNIX) binding.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (domain === AF_INET6) binding.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, ipv6Only ? 1 : 0);
  const result = binding.bind(fd, sockaddr);
  if (result >= 0) return fd;
  binding.closeDescriptor(fd);
  // As libuv, for the sake of programs that are at home on Windows.
  return domain === AF_UNIX && result === ENOENT ? EACCES : result;
}

/** Who a listener works for: a server. */
export interface ListenerUser {
  /** A connection has been accepted, and is the user's now. */
  accepted(connection: Connection): void;
  /** Accepting has failed for good. */
  failed(errno: number): void;
}

/** These concern one connection only, which is gone. */
const passing = [ECONNABORTED, EPROTO, EAGAIN, EINTR];
/** These end when something is freed. */
const shortage = [EMFILE, ENFILE, ENOBUFS, ENOENT, ENOMEM];
/** How long a shortage is waited out before the next attempt, if no socket of ours is closed before. */
const shortageMs = 100;

/** A listening descriptor. */
export class Listener implements CompletionHandler, Waiter {
  readonly runsUserCode = true;
  readonly ring: Ring;
  readonly fd: number;
  /** AF_UNIX, AF_INET or AF_INET6. */
  readonly domain: number;
  /** Connections are reported in the async context that listen() was called in. */
  readonly scope: AsyncResource;

  readonly #user: ListenerUser;
  /** Where it was bound to by us: only then the socket is surely this process's alone. */
  readonly #endpoint: Endpoint | undefined;
  #state: 'idle' | 'waiting' | 'armed' | 'stopping' = 'idle';
  #slot = -1;
  #wanted = false;
  #closed = false;
  /** The ring takes no more operations: this has been told, once. */
  #refused = false;
  #referenced = true;
  #endShortage: (() => void) | undefined;

  /** `endpoint`: undefined for a descriptor that the user brought. */
  constructor(ring: Ring, fd: number, endpoint: Endpoint | undefined, user: ListenerUser) {
    this.ring = ring;
    this.fd = fd;
    this.domain = endpoint === undefined ? socketDomain(fd) : domainOf(endpoint);
    this.#endpoint = endpoint;
    this.#user = user;
    ownDescriptor(ring, fd);
    if (endpoint !== undefined) endAtExit(this);
    const type = this.domain === AF_UNIX ? 'PIPESERVERWRAP' : 'TCPSERVERWRAP';
    this.scope = new AsyncResource(type, { requireManualDestroy: true });
  }

  /** The path that it has made. */
  get path(): string | undefined {
    return this.#endpoint !== undefined && 'path' in this.#endpoint ? this.#endpoint.path : undefined;
  }

  address(): MaybeAddress | undefined {
    return localAddressOf(this.fd);
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

  /** The port is free when this returns. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // The accept holds the file until its terminal completion. This ends the listening now, and refuses who waits in
    // the backlog; not if the socket is another process's too.
    if (this.#endpoint !== undefined) {
      loadBinding().shutdown(this.fd, SHUT_RDWR);
      endedAtExit.delete(this);
      if (endedAtExit.size === 0) process.off('exit', endAll);
    }
    if (this.#slot >= 0 && !this.#referenced) this.ring.native.setRef(this.#slot, true);
    this.stop();
    if (this.#slot < 0) this.#closeDescriptor();
  }

  #closeNow(fd: number): void {
    this.ring.native.disown(fd);
    loadBinding().closeDescriptor(fd);
  }

  #closeDescriptor(): void {
    this.#closeNow(this.fd);
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
  }

  #arm(): void {
    if (this.#state !== 'idle' || !this.#wanted || this.#closed || this.#refused) return;
    this.#state = 'waiting';
    this.ring.admit(this);
  }

  /** @internal */
  admit(): boolean {
    const slot = this.ring.native.acceptMultishot(OWNED, 0, this.fd, SOCK_CLOEXEC, false);
    if (!this.ring.start(this, slot)) return false;
    this.#slot = slot;
    this.#state = 'armed';
    if (!this.#referenced) this.ring.native.setRef(slot, false);
    return true;
  }

  /** @internal */
  refuse(): void {
    this.#state = 'idle';
    this.#refused = true;
    if (!this.#wanted || this.#closed) return;
    // Not inside the call or the completion that asked for connections: without a listener, 'error' throws.
    process.nextTick(() => {
      if (!this.#closed) this.scope.runInAsyncScope(() => this.#user.failed(ECANCELED));
    });
  }

  /** @internal */
  complete(res: number, flags: number): void {
    // Made out here: what happens on a connection belongs to no other async context than its own.
    const taken = res >= 0 && !this.#closed && !this.ring.closed;
    const connection = taken ? new Connection(this.ring, res, this.domain) : undefined;
    this.scope.runInAsyncScope(this.#completed, this, res, (flags & TERMINAL) !== 0, connection);
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
        if (this.#closed) this.#closeDescriptor();
        else this.#arm();
      }
    }
  }

  #handle(res: number, stopping: boolean, connection: Connection | undefined): void {
    if (res >= 0) {
      // One that comes while it is being stopped was accepted before: it is delivered, unless nobody is there or
      // nothing could be done on it, the ring being closed.
      if (connection === undefined) this.#closeNow(res);
      else this.#user.accepted(connection);
    } else if (this.#closed || passing.includes(res) || (res === ECANCELED && stopping)) {
      // Nothing is lost.
    } else if (shortage.includes(res)) {
      this.#waitOutShortage();
    } else {
      this.#wanted = false;
      this.#refused = this.ring.closed;
      this.#user.failed(res);
    }
  }

  /** The connection stays in the backlog meanwhile. Accepting again at once would fail again, and again. */
  #waitOutShortage(): void {
    this.#state = 'waiting';
    const timer = setTimeout(() => this.#retry(), shortageMs);
    if (!this.#referenced) timer.unref();
    const forget = onDescriptorClosed(() => this.#retry());
    this.#endShortage = () => {
      clearTimeout(timer);
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
