/**
 * Memory for what is read: of its own where a program gets it, shared or used again where it does not.
 *
 * @module
 */
import { loadBinding } from '../core/binding.js';

/** From here on, page faults of fresh memory cost as much as the reading. */
const largeBytes = 128 * 1024;
/** malloc maps such memory by itself, and unmaps it when it's freed. */
const hugeBytes = 32 * 1024 * 1024;

let keepsMemory = false;

/** What the garbage collector frees is to be used again, not returned to the system and faulted in anew. */
function keepMemory(): void {
  if (keepsMemory) return;
  keepsMemory = true;
  loadBinding().keepFreedMemory();
}

/** A Buffer with an ArrayBuffer of its own, for a file's whole content. */
export function memoryForContent(bytes: number): Buffer {
  if (bytes >= largeBytes) keepMemory();
  const buffer = Buffer.allocUnsafeSlow(bytes);
  // Only advice: without huge pages it's slower.
  if (bytes >= hugeBytes) loadBinding().useHugePages(buffer);
  return buffer;
}

/** V8 wants typed arrays of up to 8 byte elements to be possible on the piece. */
const alignBytes = 8;

/** One slab of {@link ScratchSlabs}, and how many of its pieces are in use. */
interface Scratch {
  readonly memory: ArrayBuffer;
  used: number;
  pieces: number;
}

/** A piece of memory that is given back. */
export interface Loan {
  readonly view: Buffer;
  readonly slab: Scratch;
}

/** Memory for what nobody gets to see, since a string is made of it: the slabs serve again and again. */
export class ScratchSlabs {
  readonly #slabBytes: number;
  readonly #keep: number;
  readonly #free: Scratch[] = [];
  #current: Scratch | undefined;

  /** Up to `keep` slabs are kept for later. */
  constructor(slabBytes: number, keep: number) {
    this.#slabBytes = slabBytes;
    this.#keep = keep;
  }

  lend(bytes: number): Loan {
    let slab = this.#current;
    if (slab === undefined || slab.used + bytes > this.#slabBytes) {
      slab = this.#free.pop() ?? {
        memory: Buffer.allocUnsafeSlow(this.#slabBytes).buffer,
        used: 0,
        pieces: 0,
      };
      this.#current = slab;
    }
    const view = Buffer.from(slab.memory, slab.used, bytes);
    slab.used += Math.ceil(bytes / alignBytes) * alignBytes;
    slab.pieces++;
    return { view, slab };
  }

  /** Takes a piece back: only when the kernel has let go of it. */
  giveBack({ slab }: Loan): void {
    if (--slab.pieces > 0) return;
    slab.used = 0;
    if (slab !== this.#current && this.#free.length < this.#keep) this.#free.push(slab);
  }
}

/** Files up to this size, of which a string is wanted, are read into scratch memory. */
export const largestScratchBytes = 8 * 1024;
/** Of what readFile returns as strings. */
export const scratchSlabs = new ScratchSlabs(64 * 1024, 16);

/** The size of the memory in {@link blocks}: few trips to the kernel, and two of them stay in a processor's cache. */
export const blockBytes = 256 * 1024;

/** Memory of one size that nobody gets to see, and that serves again and again. */
class BlockPool {
  readonly #keep: number;
  readonly #free: Buffer[] = [];

  /** Up to `keep` blocks are kept for later. */
  constructor(keep: number) {
    this.#keep = keep;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
  }

  /** Takes a block back: only when the kernel has let go of it. */
  giveBack(block: Buffer): void {
    if (this.#free.length < this.#keep) this.#free.push(block);
  }
}

/** What goes from one file to another. */
export const blocks = new BlockPool(8);
