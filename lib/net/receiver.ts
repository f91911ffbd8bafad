/**
 * The receiving side of a connection: one multishot receive, which completes whenever data has come.
 *
 *     idle --> waiting --> armed --> idle          waiting: the operation table is full
 *                            \        ^
 *                             v       |
 *                          stopping --'            cancelled, the terminal completion is on its way
 *
 * Data that arrives while it is stopping was taken by the kernel before: it is delivered, in order. The kernel may end
 * a multishot whenever it likes (no F_MORE); it is armed again as long as data is wanted.
 *
 * @module
 */
import type { BufferRing } from '../core/buffers.js';
import { F_BUFFER, TERMINAL, type CompletionHandler, type Waiter } from '../core/completion.js';
import { POLLIN, POLLRDHUP } from '../core/constants.js';
import { hasFault, lostEnd } from '../core/kernel_faults.js';
import { ownCopy } from '../core/own_copy.js';
import type { Ring } from '../core/ring.js';
import { setImmediate } from '../core/unmocked.js';
import type { Connection } from './connection.js';
import { EAGAIN, ECANCELED, ECONNRESET, EINTR, ENOBUFS } from './errors.js';
import { firstLimit, raisedLimit, receiveBuffers } from './receive_buffers.js';

/** Memory of the user's own, that data is received into instead of shared buffers: the `onread` option. */
export interface UserBuffer {
  /** The memory for the next receive. */
  buffer(): Uint8Array;
  /** So many bytes have come into `buffer`. False: no more for now. */
  received(bytes: number, buffer: Uint8Array): boolean;
}

/** Then a Unix socket receives once at a time: a receive that begins finds the end. */
const unixEndIsLost = hasFault(lostEnd);

const ownBytes = 65536;
/** Below, a chunk is copied out of such memory: what is held is at most four times the data. */
const leastViewBytes = ownBytes / 4;

/** Receives for a {@link Connection}. */
export class Receiver implements CompletionHandler, Waiter {
  /** How many bytes have been received. */
  bytes = 0;
  /** Where data goes if not to the shared buffers. */
  userBuffer: UserBuffer | undefined;

  readonly #connection: Connection;
  #state: 'idle' | 'waiting' | 'armed' | 'stopping' = 'idle';
  #slot = -1;
  #wanted = false;
  #ended = false;
  #closed = false;
  /** The descriptor is non-blocking (somebody else made it): the next operation is a poll, or the one in flight is. */
  #poll: 'no' | 'next' | 'now' = 'no';
  #pool: BufferRing | null = null;
  /** How many bytes one receive takes; 0: no limit. */
  #limit = firstLimit;
  #returnsAtArming = 0;
  /** The memory of a receive without shared buffers. Held until its completion: the kernel writes here. */
  #own: Uint8Array | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get runsUserCode(): boolean {
    return true;
  }

  get #ring(): Ring {
    return this.#connection.ring;
  }

  /** Whether more data is asked for. */
  get reading(): boolean {
    return this.#wanted;
  }

  /** Whether the kernel has an operation of this side. */
  get busy(): boolean {
    return this.#slot >= 0;
  }

  start(): void {
    this.#wanted = true;
    this.#arm();
  }

  stop(): void {
    this.#wanted = false;
    this.#cancel();
  }

  /** For good. What still comes is dropped. */
  close(): void {
    this.#closed = true;
    if (this.#slot >= 0 && !this.#connection.referenced) this.#ring.native.setRef(this.#slot, true);
    this.stop();
  }

  reference(referenced: boolean): void {
    if (this.#slot >= 0) this.#ring.native.setRef(this.#slot, referenced);
  }

  #arm(): void {
    // The program uses its buffer until this phase of the loop ends, and a write may enter the kernel before that.
    if (this.userBuffer === undefined) this.#armNow();
    else setImmediate(() => this.#armNow());
  }

  #armNow(): void {
    if (this.#state !== 'idle' || this.#ended || this.#closed || !this.#wanted) return;
    // Detached or empty: receiving nothing would look like the peer's end. The error is node's.
    if (this.userBuffer?.buffer().byteLength === 0) return this.#fail(ENOBUFS);
    this.#state = 'waiting';
    this.#ring.admit(this);
  }

  #cancel(): void {
    if (this.#state === 'armed') {
      this.#state = 'stopping';
      if (!this.#ring.closed) this.#ring.native.cancel(this.#slot);
    } else if (this.#state === 'waiting' && this.#ring.withdraw(this)) {
      this.#state = 'idle';
    }
  }

  /** @internal */
  admit(): boolean {
    const slot = this.#submit();
    if (slot < 0) return false;
    this.#slot = slot;
    this.#state = 'armed';
    this.#ring.start(this, slot);
    if (!this.#connection.referenced) this.#ring.native.setRef(slot, false);
    return true;
  }

  #submit(): number {
    const { native } = this.#ring;
    const { fd } = this.#connection;
    if (this.#poll === 'next') {
      const slot = native.poll(0, 0, fd, POLLIN | POLLRDHUP);
      if (slot >= 0) this.#poll = 'now';
      return slot;
    }
    const shared = this.userBuffer === undefined && !(unixEndIsLost && this.#connection.isUnix);
    this.#pool = shared ? receiveBuffers(this.#ring) : null;
    if (this.#pool !== null) {
      this.#returnsAtArming = this.#pool.returns;
      return native.recvMultishot(0, 0, fd, this.#pool.group, 0, this.#limit);
    }
    this.#own = this.userBuffer?.buffer() ?? Buffer.allocUnsafeSlow(ownBytes);
    return native.recv(0, 0, fd, this.#own, 0, this.#own.byteLength, 0);
  }

  /** @internal */
  refuse(error: Error): void {
    this.#state = 'idle';
    // Nothing more can come: it is never armed again.
    this.#ended = true;
    if (!this.#closed) this.#connection.user.failed(error);
  }

  /** @internal */
  complete(res: number, flags: number, aux: number): void {
    this.#connection.scope.runInAsyncScope(this.#completed, this, res, flags, aux);
  }

  #completed(res: number, flags: number, aux: number): void {
    const stopping = this.#state === 'stopping';
    const terminal = (flags & TERMINAL) !== 0;
    if (terminal) {
      this.#state = 'idle';
      this.#slot = -1;
    }
    // An exception out of the user's code must not leave this side unarmed, or the descriptor open.
    try {
      this.#handle(res, flags, aux, stopping);
    } finally {
      if (terminal) {
        if (this.#closed) this.#connection.settled();
        else this.#arm();
      }
    }
  }

  #handle(res: number, flags: number, aux: number, stopping: boolean): void {
    if (this.#poll === 'now') {
      this.#poll = 'no';
      if (res < 0 && !stopping && res !== EINTR) this.#fail(res);
      return;
    }
    const chunk =
      (flags & F_BUFFER) !== 0 ? this.#pool!.take(flags >>> 16, aux, Math.max(res, 0), flags) : undefined;
    if (res > 0) {
      this.bytes += res;
      if (!this.#closed) this.#pass(chunk, res, (flags & TERMINAL) !== 0);
    } else if (res === 0) {
      this.#finish();
    } else if (res === ENOBUFS && this.#pool !== null) {
      this.#waitForBuffer(this.#pool);
    } else if (res === EAGAIN) {
      this.#poll = 'next';
    } else if (res !== EINTR && !(res === ECANCELED && stopping)) {
      this.#fail(res);
    }
  }

  #pass(chunk: Buffer | undefined, bytes: number, terminal: boolean): void {
    if (!this.#deliver(chunk, bytes)) {
      this.#limit = firstLimit;
      this.stop();
    } else if (terminal) {
      this.#limit = raisedLimit(this.#limit);
    }
  }

  #deliver(chunk: Buffer | undefined, bytes: number): boolean {
    const { user } = this.#connection;
    if (chunk !== undefined) return user.received(chunk);
    const own = this.#own!;
    if (this.userBuffer !== undefined) {
      user.active();
      return this.userBuffer.received(bytes, own);
    }
    const view = Buffer.from(own.buffer, own.byteOffset, bytes);
    return user.received(bytes < leastViewBytes ? ownCopy(view) : view);
  }

  #finish(): void {
    this.#ended = true;
    if (this.#closed) return;
    if (this.#connection.sender.mayHideReset && this.#connection.wasReset()) this.#fail(ECONNRESET);
    else this.#connection.user.ended();
  }

  #fail(errno: number): void {
    this.#ended = true;
    if (!this.#closed) this.#connection.user.receiveFailed(errno);
  }

  /**
   * Every buffer is taken. Those that were returned since this was armed are free now; otherwise they are on their way
   * here in completions not yet handled, and handling those returns them.
   */
  #waitForBuffer(pool: BufferRing): void {
    const waits = pool.awaitReturn(this.#returnsAtArming, () => {
      this.#state = 'idle';
      this.#arm();
    });
    if (waits) this.#state = 'waiting';
  }
}
