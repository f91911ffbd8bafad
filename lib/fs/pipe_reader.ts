/**
 * Reading for a ReadStream that is piped into a WriteStream, where nobody else sees the chunks: in large blocks, and
 * through memory that is used again and again.
 *
 * The blocks go into the WriteStream by its own `write`: order, errors, backpressure and the end are the streams' own.
 * What it saves is most of the trips to a kernel worker that a write takes, and fresh memory for each chunk.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks';
import { blockBytes, blocks } from './memory.js';
import { probeBytes, type Sink } from './read_ahead.js';
import { startRead } from './transfer.js';

/** One is written while the next one is read. */
const mostBlocks = 2;

/** Whom the reader works for. */
export interface PipeSink extends Pick<Sink, 'end' | 'fail'> {
  /** Whether the blocks may still go past the stream. */
  readonly isPiped: boolean;
  /** The next bytes of the file; calls back when they are written, or never will be. */
  write(block: Buffer, done: (error?: Error | null) => void): void;
  /** No longer: what follows, from `position` on, goes the usual way. */
  goOn(position: number): void;
}

export class PipeReader {
  readonly #fd: number;
  readonly #sink: PipeSink;
  readonly #size: number;
  /** The last byte wanted. */
  readonly #last: number;
  readonly #scope = new AsyncResource('FSREQCALLBACK');
  #next: number;
  #reading = false;
  #writing = 0;
  #atEnd = false;
  #over = false;
  #whenIdle: (() => void) | undefined;

  /** As {@link ReadAhead}'s. */
  constructor(fd: number, next: number, last: number, size: number, sink: PipeSink) {
    this.#fd = fd;
    this.#next = next;
    this.#last = last;
    this.#size = size;
    this.#sink = sink;
  }

  /** The stream wants something, once: nothing is pushed, so it keeps waiting. Later: to look whether to go on. */
  read(): void {
    this.#step();
  }

  /** Reads no more; calls back when the kernel has let go of everything that is read. */
  stop(whenIdle: () => void): void {
    this.#over = true;
    if (this.#reading) this.#whenIdle = whenIdle;
    else whenIdle();
  }

  #step(): void {
    if (this.#over || this.#reading) return;
    if (!this.#sink.isPiped) return this.#goOn();
    if (this.#atEnd) {
      // As if the last chunk had been waited for: what has been written is complete before 'end'.
      if (this.#writing === 0) this.#end();
      return;
    }
    if (this.#writing >= mostBlocks) return;
    const left = this.#last - this.#next + 1;
    const known = this.#size - this.#next;
    const bytes = Math.min(left, known > 0 ? Math.min(known, blockBytes) : probeBytes);
    if (bytes <= 0) {
      this.#atEnd = true;
      return this.#step();
    }
    const block = blocks.take();
    this.#reading = true;
    startRead(this.#fd, block, 0, bytes, this.#next, (res) => this.#completed(block, res), true);
  }

  #completed(block: Buffer, res: number): void {
    this.#reading = false;
    this.#scope.runInAsyncScope(() => {
      if (this.#whenIdle === undefined && this.#sink.isPiped && res > 0) return this.#write(block, res);
      blocks.giveBack(block);
      if (this.#whenIdle !== undefined) this.#whenIdle();
      else if (!this.#sink.isPiped) this.#goOn();
      else if (res < 0) this.#fail();
      else {
        this.#atEnd = true;
        this.#step();
      }
    });
  }

  #write(block: Buffer, bytes: number): void {
    this.#next += bytes;
    this.#writing++;
    this.#sink.write(bytes === block.length ? block : block.subarray(0, bytes), (error) => {
      this.#writing--;
      // After an error nobody knows whether a write is still going on.
      if (error == null) blocks.giveBack(block);
      this.#step();
    });
    this.#step();
  }

  #goOn(): void {
    this.#over = true;
    this.#sink.goOn(this.#next);
  }

  #fail(): void {
    this.#over = true;
    this.#sink.fail(this.#next);
  }

  #end(): void {
    this.#over = true;
    this.#sink.end();
  }
}
