/**
 * The sending side of a connection: one SEND or SENDMSG at a time, repeated until everything has gone.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks';
import { loadBinding } from '../core/binding.js';
import { TERMINAL, type CompletionHandler, type Waiter } from '../core/completion.js';
import { MSG_NOSIGNAL, MSG_WAITALL, POLLOUT } from '../core/constants.js';
import { invalidState } from '../core/errors.js';
import type { Ring } from '../core/ring.js';
import type { Part } from './chunks.js';
import type { Connection } from './connection.js';
import { EAGAIN, ECANCELED, ECONNRESET, EFAULT, EINTR, EPIPE } from './errors.js';
import { atExit } from '../core/exiting.js';
import { nextTick } from '../core/unmocked.js';

/** What a stream wants called when a write is done. */
export type WriteCallback = (error?: Error | null) => void;

/** Some views, one after the other, and of each as many bytes as `lengths` says; `bytes` is their sum. */
export interface Outgoing {
  readonly views: readonly Uint8Array[];
  readonly lengths: readonly number[];
  readonly bytes: number;
  /** It is memory of the program's, which may use it for something else at once: see {@link WritingSocket}. */
  readonly mayChange: boolean;
}

/** What has gone of a stream's buffer: whole pieces, their bytes and those before, and whether the next one is begun. */
export interface Flushed {
  pieces: number;
  bytes: number;
  begun: boolean;
}

/**
 * At most so much goes to the kernel in one operation. It copies at once what fits the socket's buffer, and that time is
 * the event loop's; and a slow peer's progress must be seen, or its writes would look like inactivity.
 */
const mostBytes = 1024 * 1024;
/** Up to here a copy is cheaper than a system call. */
export const mostCopied = 4096;
/** IOV_MAX. */
const mostVectors = 1024;

/** What is being sent by a sender that sends nothing. */
const nothing: never[] = [];

const sendFlags = MSG_WAITALL | MSG_NOSIGNAL;

const flushed = new WeakSet<Ring>();

/** As libuv's sockets, those of this ring have handed over what was written when the process ends. */
function flushAtExit(ring: Ring): void {
  if (flushed.has(ring)) return;
  flushed.add(ring);
  atExit(() => {
    for (const handler of ring.handlers) if (handler instanceof Sender) handler.flushAll();
  });
}

/** Sends for a {@link Connection}. */
export class Sender implements CompletionHandler, Waiter {
  /** How many bytes were given to it. */
  bytes = 0;

  readonly #connection: Connection;
  #slot = -1;
  #waiting = false;
  #closed = false;
  /** How many bytes, when `advances()` was asked last. */
  #arrived = -1;
  /** The descriptor is non-blocking (somebody else made it): the next operation is a poll, or the one in flight is. */
  #poll: 'no' | 'next' | 'now' = 'no';

  /** How many bytes behind those that have been reported are sent already: see `flush`. */
  #ahead = 0;
  /** The kernel had no room for a flush, and has reported nothing since. */
  full = false;
  /** What a flush has failed with. */
  #failure = 0;

  // What is being sent. Held until the terminal completion: the kernel reads it.
  #views: readonly Uint8Array[] = nothing;
  /** How long each was when it was written. It may be detached or resized at any time. */
  #lengths: readonly number[] = nothing;
  /** The first view that is not sent whole, and how much of it is. */
  #index = 0;
  #offset = 0;
  /** The operation has them copied. */
  #copies = false;
  #callback: WriteCallback | undefined;
  /** All of it has gone, as a flush has found; the kernel may have yet to report. */
  #gone = false;
  /** The async context of the write: it is called back in there, as node does. */
  #scope: AsyncResource | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    flushAtExit(connection.ring);
  }

  get runsUserCode(): boolean {
    return true;
  }

  get #ring(): Ring {
    return this.#connection.ring;
  }

  /** How many bytes are not known to be sent. */
  get pendingBytes(): number {
    if (this.#callback === undefined) return 0;
    let bytes = -this.#offset;
    for (let i = this.#index; i < this.#views.length; i++) bytes += this.#lengths[i]!;
    return bytes;
  }

  get busy(): boolean {
    return this.#slot >= 0;
  }

  /**
   * Whether it may have been told of a reset, which the receiving side then is not. It says so later; or never, if a part of
   * the bytes had gone: then the operation is a short one.
   */
  get mayHideReset(): boolean {
    return this.#callback !== undefined || this.#failure < 0;
  }

  /**
   * Whether a write goes on: what has arrived is more than when this was asked last. The kernel reports an operation when
   * all of it has gone, which takes a slow peer long; of a Unix socket no more than that is known.
   */
  advances(): boolean {
    if (this.#callback === undefined) return false;
    const { fd, isUnix } = this.#connection;
    const before = this.#arrived;
    this.#arrived = isUnix ? this.bytes - this.pendingBytes : loadBinding().acknowledged(fd);
    return this.#arrived !== before;
  }

  /** Nothing else may be on its way. */
  send({ views, lengths, bytes, mayChange }: Outgoing, callback: WriteCallback): void {
    this.bytes += bytes;
    if (bytes === 0) {
      callback();
      return;
    }
    this.#views = views;
    this.#lengths = lengths;
    this.#callback = callback;
    this.#scope = new AsyncResource('WRITEWRAP', { requireManualDestroy: true });
    this.#copies = mayChange && bytes <= mostCopied && views.length === 1;
    this.#submit();
    if (this.#slot < 0) {
      if (mayChange && this.#waiting) this.flush(nothing);
    } else if (mayChange && !this.#copies) {
      // Whatever else has been submitted in this turn.
      const sent = this.#ring.native.resultNow(this.#slot);
      // One operation does not take all of it, and the kernel may have room for more.
      if (sent !== undefined && sent >= 0 && sent < bytes) this.flush(nothing);
    } else {
      // The peer's turn can begin while the rest of our JavaScript runs.
      this.#ring.native.eagerSubmit();
    }
  }

  /** @internal With what the stream has, too. */
  flushAll(): void {
    this.#connection.user.flush();
  }

  /**
   * Gives the kernel at once, and in order, what it has room for: what is left of this write, and of `following`, which the
   * stream has not handed over yet, behind `bytesBefore` of it that have gone. libuv writes at once what can be, and programs
   * count on it, for their memory (see {@link WritingSocket}), and when they end by destroy() or process.exit().
   */
  flush(following: Iterable<Part>, bytesBefore = 0): Flushed {
    const flushed = { pieces: 0, bytes: bytesBefore, begun: false };
    this.full = !this.#sendNow(following, flushed);
    return flushed;
  }

  /** Whether all of it has gone. */
  #sendNow(following: Iterable<Part>, flushed: Flushed): boolean {
    const { ring, fd } = this.#connection;
    let offset = this.#offset + this.#ahead;
    if (this.#slot >= 0) {
      const sent = this.#poll === 'now' || ring.closed ? undefined : ring.native.resultNow(this.#slot);
      // There is no room.
      if (sent === undefined || sent < 0) return false;
      offset += sent;
    }
    /** Skips what has gone of it. */
    const sendAll = (view: Uint8Array, length: number): boolean => {
      while (offset < length) {
        const sent = loadBinding().sendNow(fd, view.subarray(0, length), offset);
        if (sent < 0 && sent !== EAGAIN && this.#failure === 0) this.#failure = sent;
        if (sent <= 0) return false;
        this.#ahead += sent;
        offset += sent;
      }
      offset -= length;
      return true;
    };
    for (let i = this.#index; i < this.#views.length; i++) {
      if (!sendAll(this.#views[i]!, this.#lengths[i]!)) return false;
    }
    this.#gone = this.#callback !== undefined;
    offset -= flushed.bytes;
    for (const { view, pieces } of following) {
      const length = view.byteLength;
      if (!sendAll(view, length)) {
        flushed.begun = offset > 0;
        return false;
      }
      flushed.pieces += pieces;
      flushed.bytes += length;
    }
    return true;
  }

  /** Is not given so many bytes that have gone by a flush. */
  skip(bytes: number): void {
    this.bytes += bytes;
    this.#ahead -= bytes;
  }

  /** For good. The kernel sends at once what it has room for, then the rest is cancelled. */
  close(): void {
    this.#closed = true;
    if (this.#slot >= 0) {
      const { native } = this.#ring;
      if (!this.#ring.closed) native.cancel(this.#slot);
      if (this.#gone) nextTick(() => this.#finishGone());
    } else if (this.#waiting) {
      this.#waiting = false;
      this.#ring.withdraw(this);
      this.#finish(this.#gone ? 0 : ECANCELED);
    }
  }

  /** As with node, who destroys a socket with an error hears of what has gone before that. */
  #finishGone(): void {
    if (this.#callback !== undefined) this.#scope!.runInAsyncScope(this.#finish, this, 0);
  }

  #submit(): void {
    this.#waiting = true;
    this.#ring.admit(this);
  }

  /** @internal */
  admit(): boolean {
    if (this.#ahead > 0 && this.#isAhead()) {
      this.#waiting = false;
      nextTick(() => this.#scope!.runInAsyncScope(this.#finish, this, 0));
      return true;
    }
    if (this.#views[this.#index]!.byteLength < this.#lengths[this.#index]!) {
      this.#waiting = false;
      this.failShrunk(this.#takeCallback());
      return true;
    }
    const slot = this.#prepare();
    if (slot < 0) return false;
    this.#waiting = false;
    this.#slot = slot;
    this.#ring.start(this, slot);
    return true;
  }

  #prepare(): number {
    const { native } = this.#ring;
    const { fd } = this.#connection;
    if (this.#poll === 'next') {
      const slot = native.poll(0, 0, fd, POLLOUT);
      if (slot >= 0) this.#poll = 'now';
      return slot;
    }
    const first = this.#views[this.#index]!;
    const left = this.#lengths[this.#index]! - this.#offset;
    if (this.#index === this.#views.length - 1 || left >= mostBytes) {
      return native.send(0, 0, fd, first, this.#offset, Math.min(left, mostBytes), sendFlags, this.#copies);
    }
    return native.sendmsg(0, 0, fd, this.#nextVectors(), null, sendFlags);
  }

  #nextVectors(): Uint8Array[] {
    const vectors: Uint8Array[] = [];
    let bytes = 0;
    for (let i = this.#index; i < this.#views.length && vectors.length < mostVectors; i++) {
      const view = this.#views[i]!;
      const length = this.#lengths[i]!;
      // It fails when its turn comes, behind the bytes of those before it.
      if (view.byteLength < length) break;
      const from = i === this.#index ? this.#offset : 0;
      const take = Math.min(length - from, mostBytes - bytes);
      vectors.push(take === view.byteLength ? view : view.subarray(from, from + take));
      bytes += take;
      if (bytes === mostBytes) break;
    }
    return vectors;
  }

  /** @internal */
  refuse(error: Error): void {
    // Closed while the ring refused others before it.
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#finish(0, error);
  }

  /** @internal */
  complete(res: number, flags: number): void {
    if ((flags & TERMINAL) === 0) return;
    this.full = false;
    if (this.#scope === undefined) this.#completed(res);
    else this.#scope.runInAsyncScope(this.#completed, this, res);
  }

  #completed(res: number): void {
    this.#slot = -1;
    try {
      if (this.#callback !== undefined) this.#handle(res);
    } finally {
      if (this.#closed) this.#connection.settled();
    }
  }

  #handle(res: number): void {
    if (this.#poll === 'now') {
      this.#poll = 'no';
      if (res >= 0) res = 0;
    } else if (res === EAGAIN) {
      this.#poll = 'next';
      res = 0;
    }
    if (res === EINTR) res = 0;
    // The kernel may notice that the memory is gone before we do.
    if (res === EFAULT && !this.#closed) return this.failShrunk(this.#takeCallback());
    if (res < 0) return this.#finish(res);
    this.#advance(res);
    if (this.#index === this.#views.length) return this.#finish(0);
    if (this.#closed) return this.#finish(this.#isAhead() ? 0 : ECANCELED);
    if (res > 0) this.#connection.user.active();
    this.#submit();
  }

  /** Skips what has been sent ahead. Whether that is all. */
  #isAhead(): boolean {
    let left = -this.#offset;
    for (let i = this.#index; i < this.#views.length; i++) left += this.#lengths[i]!;
    const skipped = Math.min(this.#ahead, left);
    this.#ahead -= skipped;
    this.#advance(skipped);
    return this.#index === this.#views.length;
  }

  #advance(bytes: number): void {
    this.#offset += bytes;
    while (this.#index < this.#views.length && this.#offset >= this.#lengths[this.#index]!) {
      this.#offset -= this.#lengths[this.#index++]!;
    }
  }

  /**
   * Ends a write of which bytes are gone. What the peer has got is not the whole, and must not look like it: it gets a
   * reset where a FIN would say that this was all.
   */
  failShrunk(callback: WriteCallback): void {
    this.#connection.closeWithReset();
    const error = invalidState('a buffer was detached or made shorter before all of it was sent');
    this.#connection.user.sent(0, callback, error);
  }

  #finish(errno: number, error?: Error): void {
    if (errno === EPIPE) errno = this.#whyBroken();
    this.#connection.user.sent(errno, this.#takeCallback(), error);
  }

  /** Behind the operation that the kernel told of the error there is only EPIPE. */
  #whyBroken(): number {
    if (this.#failure < 0) return this.#failure;
    return !this.#closed && this.#connection.wasReset() ? ECONNRESET : EPIPE;
  }

  #takeCallback(): WriteCallback {
    const callback = this.#callback!;
    this.#callback = undefined;
    this.#gone = false;
    this.#scope!.emitDestroy();
    this.#scope = undefined;
    this.#views = nothing;
    this.#lengths = nothing;
    this.#index = 0;
    this.#offset = 0;
    return callback;
  }
}
