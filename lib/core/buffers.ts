/**
 * Memory that the kernel knows beforehand: buffers registered once (no pinning at each read), and rings of provided
 * buffers, from which the kernel takes one when data has arrived (no memory lies waiting in idle connections).
 *
 * @module
 */
import { alignedBuffer } from './aligned_buffer.js';
import { kernelAtLeast } from './availability.js';
import { ring as threadRing } from './backend.js';
import { F_BUF_MORE } from './completion.js';
import { invalidArgType, invalidState, outOfRange } from './errors.js';
import type { MultishotOptions } from './multishot.js';
import { ownCopy } from './own_copy.js';
import { checkRegister, type Ring } from './ring.js';
import { validateBoolean, validateInteger } from './validate.js';

const EINVAL = -22;
const EBUSY = -16;

/** Options of a {@link BufferRing}. */
export interface BufferRingOptions {
  /** Default: this thread's. */
  ring?: Ring;
  /** How many buffers: a power of two, at most 32768. Default 16. */
  entries?: number;
  /** Size of each buffer in bytes. Default 64 KiB. */
  bufferBytes?: number;
  /**
   * Consume buffers piece by piece (IOU_PBUF_RING_INC, since 6.12): then one holds many chunks. Default: where the kernel
   * has it. Otherwise each chunk uses a buffer up.
   */
  incremental?: boolean;
}

/** Provided buffers (IORING_REGISTER_PBUF_RING) for multishot recv and read. */
export class BufferRing {
  /** The ring that it belongs to. */
  readonly ring: Ring;
  /** The kernel's number for it. */
  readonly group: number;
  /** How many buffers. */
  readonly entries: number;
  /** Size of each. */
  readonly bufferBytes: number;
  /** Whether buffers are consumed piece by piece. */
  readonly incremental: boolean;
  /** How many buffers have been given back to the kernel since the beginning. */
  returns = 0;

  /**
   * By buffer id: what the kernel writes to. Held here until the kernel is done with it, and nobody else sees it before:
   * who has a view may detach the ArrayBuffer, which frees the memory under the kernel's hands.
   */
  readonly #slabs: Buffer[] = [];
  #onReturn: (() => void)[] = [];
  #closed = false;
  #users = 0;

  constructor(options: BufferRingOptions = {}) {
    const { entries = 16, bufferBytes = 65536 } = options;
    validateInteger(entries, 'options.entries', 1, 32768);
    if ((entries & (entries - 1)) !== 0) throw outOfRange('options.entries', 'a power of two', entries);
    validateInteger(bufferBytes, 'options.bufferBytes', 1, 2 ** 30);
    if (options.incremental !== undefined) validateBoolean(options.incremental, 'options.incremental');
    this.ring = options.ring ?? threadRing();
    this.entries = entries;
    this.bufferBytes = bufferBytes;

    const { native } = this.ring;
    let incremental = options.incremental ?? kernelAtLeast('6.12');
    let group = native.createBufferRing(entries, incremental);
    if (group === EINVAL && incremental && options.incremental === undefined) {
      incremental = false;
      group = native.createBufferRing(entries, false);
    }
    this.group = checkRegister(group);
    this.incremental = incremental;
    try {
      for (let id = 0; id < entries; id++) this.#provide(id, Buffer.allocUnsafeSlow(bufferBytes));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * The chunk that a completion brought: `bufferId` and `flags` are the completion's, `offset` is its aux, `length` its
   * result. Call it exactly once for each completion with F_BUFFER: it also gives the kernel new memory.
   *
   * The chunk has an ArrayBuffer of its own: the whole buffer where it fills that, otherwise a copy.
   */
  take(bufferId: number, offset: number, length: number, flags: number): Buffer {
    const slab = this.#slabs[bufferId]!;
    // Nothing of it taken, a piecewise buffer stays with the kernel: before 7.0 the flag says otherwise.
    const usedUp = !this.incremental || ((flags & F_BUF_MORE) === 0 && length > 0);
    const whole = usedUp && length === this.bufferBytes;
    let next = slab;
    try {
      if (!whole) return ownCopy(slab.subarray(offset, offset + length));
      if (!this.#closed) next = Buffer.allocUnsafeSlow(this.bufferBytes);
      return slab;
    } finally {
      // Without memory (a RangeError) the chunk is lost, and the buffer is not.
      if (usedUp && !this.#closed) {
        this.#provide(bufferId, next);
        this.#returned();
      }
    }
  }

  /**
   * @internal Calls back, once, when a buffer has been given back since there were `returns`. False: one has been, or none
   * can be, since the kernel has them all (and gave ENOBUFS all the same).
   */
  awaitReturn(returns: number, callback: () => void): boolean {
    if (this.returns !== returns || this.ring.native.buffersOut(this.group) === 0) return false;
    this.onReturn(callback);
    return true;
  }

  /** Calls back, once, when the next buffer has been given back. */
  onReturn(callback: () => void): void {
    this.#onReturn.push(callback);
  }

  /** @internal An operation that takes its buffers from here is in flight, */
  use(): void {
    this.#users++;
  }

  /** @internal and is not any more. */
  release(): void {
    this.#users--;
  }

  /**
   * Takes the buffers from the kernel. Throws ERR_INVALID_STATE while operations that use them are in flight: the kernel
   * would let them take from the next ring of this number.
   */
  close(): void {
    if (this.#closed) return;
    if (this.#users > 0 && !this.ring.closed) {
      throw invalidState('operations that use the buffers are in flight');
    }
    this.#closed = true;
    if (!this.ring.closed) checkRegister(this.ring.native.destroyBufferRing(this.group));
    // Of a closed ring, chunks may be on their way.
    if (this.#users === 0) this.#slabs.length = 0;
  }

  /** `close()`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #provide(id: number, slab: Buffer): void {
    this.#slabs[id] = slab;
    this.ring.native.provideBuffer(this.group, id, slab);
  }

  #returned(): void {
    this.returns++;
    if (this.#onReturn.length === 0) return;
    for (const callback of this.#onReturn.splice(0)) callback();
  }
}

const shared = new WeakMap<Ring, BufferRing>();

/** The ring's buffers for multishot operations that bring none of their own; made when first asked for. */
function sharedBuffers(ring: Ring): BufferRing {
  let buffers = shared.get(ring);
  if (buffers === undefined) {
    buffers = new BufferRing({ ring });
    shared.set(ring, buffers);
  }
  return buffers;
}

/** Options of multishot reads and receives. */
export interface ProvidedBufferOptions extends MultishotOptions {
  /** Where the data goes; by default the ring's shared 16 buffers of 64 KiB. */
  buffers?: BufferRing;
}

/** @internal The `buffers` option, checked. */
export function validatedBuffers(options: ProvidedBufferOptions): (ring: Ring) => BufferRing {
  const { buffers } = options;
  if (buffers === undefined) return sharedBuffers;
  if (!(buffers instanceof BufferRing)) {
    throw invalidArgType('options.buffers', 'an instance of BufferRing', buffers);
  }
  return () => buffers;
}

/** By ring, what is registered, by index. It also keeps the memory reachable. */
const tables = new WeakMap<Ring, (RegisteredBuffer | undefined)[]>();

/**
 * Page-aligned memory, registered with the ring (IORING_REGISTER_BUFFERS_UPDATE) for `readFixed` and `writeFixed`.
 * Aligned so that it also serves O_DIRECT. Its pages count as locked memory (RLIMIT_MEMLOCK) without CAP_IPC_LOCK.
 */
export class RegisteredBuffer {
  /** The ring that it is registered with. */
  readonly ring: Ring;
  /** Its index in the ring's table of registered buffers. */
  readonly index: number;
  /** The memory, aligned for O_DIRECT. */
  readonly buffer: Buffer;
  #registered = true;

  constructor(bytes: number, options: { ring?: Ring } = {}) {
    validateInteger(bytes, 'bytes', 1, 2 ** 30);
    this.ring = options.ring ?? threadRing();
    let table = tables.get(this.ring);
    if (table === undefined) {
      table = new Array<RegisteredBuffer | undefined>(this.ring.registeredBuffers).fill(undefined);
      tables.set(this.ring, table);
    }
    this.buffer = alignedBuffer(bytes);
    let index = -1;
    let result: number;
    do {
      index = table.indexOf(undefined, index + 1);
      if (index < 0) throw invalidState(`all ${table.length} registered buffers of the ring are in use`);
      result = this.ring.native.updateBuffer(index, this.buffer);
      // Operations in flight use the one that was unregistered there.
    } while (result === EBUSY);
    checkRegister(result);
    this.index = index;
    table[index] = this;
  }

  /** Whether it still is. */
  get registered(): boolean {
    return this.#registered && !this.ring.closed;
  }

  /**
   * No other operation can use it. Those in flight, submitted or behind others in a chain, keep the index and the kernel's
   * hold on the pages until they complete.
   */
  unregister(): void {
    if (!this.#registered) return;
    this.#registered = false;
    tables.get(this.ring)![this.index] = undefined;
    if (!this.ring.closed) checkRegister(this.ring.native.updateBuffer(this.index, null));
  }

  /** `unregister()`, for `using`. */
  [Symbol.dispose](): void {
    this.unregister();
  }
}

/** @internal Another buffer may have the index of one that was unregistered meanwhile. */
export function indexOf(buffer: RegisteredBuffer): number {
  if (!buffer.registered) throw invalidState('the buffer has been unregistered');
  return buffer.index;
}
