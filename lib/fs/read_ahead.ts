/**
 * Reading ahead of a ReadStream: several reads of a regular file in flight, delivered in order.
 *
 * How much is bounded: never more than {@link maxAhead} chunks are in flight or wait for the stream to ask.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks';
import { ownCopy } from '../core/own_copy.js';
import { memoryForContent } from './memory.js';
import { startRead } from './transfer.js';
import { setImmediate } from '../core/unmocked.js';

/** The most chunks in flight. */
const maxAhead = 4;
/** With large chunks fewer: the kernel needs no more to be kept busy. */
const aheadBytes = 512 * 1024;

/** For the read that finds the end of the file: it seldom brings anything, and must not allocate memory for that. */
export const probeBytes = 64 * 1024;
const probes: Buffer[] = [];
const probesKept = 8;

/** One read. */
interface Chunk {
  readonly buffer: Buffer;
  readonly isProbe: boolean;
  readonly bytes: number;
  readonly position: number;
  /** undefined: in flight. */
  result: number | undefined;
}

/** What becomes of the reads. */
export interface Sink {
  /** The next bytes of the file. */
  push(chunk: Buffer): void;
  /** There is nothing more. */
  end(): void;
  /** A read failed; `position` is where. */
  fail(position: number): void;
}

export class ReadAhead {
  readonly #fd: number;
  readonly #sink: Sink;
  readonly #size: number;
  readonly #scope = new AsyncResource('FSREQCALLBACK');
  /** In the order of the file. */
  #chunks: Chunk[] = [];
  #next: number;
  /** The last byte wanted. */
  readonly #last: number;
  #inFlight = 0;
  #wanted = false;
  #scheduled = false;
  #ended = false;
  #whenIdle: (() => void) | undefined;

  /**
   * Reads the bytes `next` to `last` of a file that has `size` bytes now. It may grow: nothing is read ahead beyond
   * `size`, but the end is where a read says so.
   */
  constructor(fd: number, next: number, last: number, size: number, sink: Sink) {
    this.#fd = fd;
    this.#next = next;
    this.#last = last;
    this.#size = size;
    this.#sink = sink;
  }

  /** The stream wants one chunk, of up to `bytes`. */
  read(bytes: number): void {
    this.#wanted = true;
    this.#fill(bytes);
    const chunk = this.#chunks[0];
    if (chunk === undefined) this.#end();
    else if (chunk.result !== undefined) this.#deliverSoon();
  }

  /** Reads no more; calls back when the kernel has let go of everything. */
  stop(whenIdle: () => void): void {
    this.#ended = true;
    if (this.#inFlight === 0) whenIdle();
    else this.#whenIdle = whenIdle;
  }

  #fill(bytes: number): void {
    const limit = Math.max(1, Math.min(maxAhead, Math.floor(aheadBytes / bytes)));
    while (!this.#ended && this.#chunks.length < limit) {
      // The first one that finds the end of the file is never sent ahead.
      if (this.#chunks.length > 0 && this.#next >= this.#size) return;
      const left = this.#last - this.#next + 1;
      if (left <= 0) return;
      const known = this.#size - this.#next;
      this.#start(Math.min(bytes, left, known > 0 ? known : probeBytes), known <= 0);
    }
  }

  #start(bytes: number, isProbe: boolean): void {
    const buffer = isProbe ? (probes.pop() ?? Buffer.allocUnsafeSlow(probeBytes)) : memoryForContent(bytes);
    const chunk: Chunk = { buffer, isProbe, bytes, position: this.#next, result: undefined };
    this.#chunks.push(chunk);
    this.#next += bytes;
    this.#inFlight++;
    startRead(this.#fd, buffer, 0, bytes, chunk.position, (res) => this.#completed(chunk, res), true);
  }

  #completed(chunk: Chunk, res: number): void {
    chunk.result = res;
    this.#inFlight--;
    if (this.#whenIdle !== undefined) {
      if (this.#inFlight === 0) this.#scope.runInAsyncScope(this.#whenIdle);
    } else if (chunk === this.#chunks[0] && this.#wanted) {
      this.#scope.runInAsyncScope(() => this.#deliver());
    }
  }

  /** Not at once: a stream that is given something while it asks for it makes one chunk of what it has. */
  #deliverSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#scope.runInAsyncScope(() => this.#deliver());
    });
  }

  /** Gives the stream what comes next, if it's there and wanted. */
  #deliver(): void {
    const chunk = this.#chunks[0];
    if (!this.#wanted || this.#ended || chunk?.result === undefined) return;
    const { result, position } = chunk;
    this.#wanted = false;
    this.#chunks.shift();
    const data = result > 0 ? dataOf(chunk, result) : undefined;
    if (chunk.isProbe && probes.length < probesKept) probes.push(chunk.buffer);
    if (result < 0) {
      this.#ended = true;
      this.#sink.fail(position);
    } else if (data === undefined) {
      this.#end();
    } else {
      if (result < chunk.bytes) {
        // Shorter than the file was: what has been read behind the gap is of no use.
        this.#chunks = [];
        this.#next = position + result;
      }
      this.#sink.push(data);
    }
  }

  #end(): void {
    this.#wanted = false;
    this.#ended = true;
    this.#sink.end();
  }
}

/**
 * What a chunk has brought, in an ArrayBuffer of its own, and no larger than that, as node's. A probe's memory serves
 * again.
 */
function dataOf({ buffer, isProbe }: Chunk, bytes: number): Buffer {
  return bytes === buffer.length && !isProbe ? buffer : ownCopy(buffer.subarray(0, bytes));
}
