/**
 * RINGCORE_TRACE=FILE: everything that this process's rings do, for ui.perfetto.dev.
 *
 * The native side writes records into memory that both sides see; here they become text, whenever that memory is full and
 * ten times a second. Without the variable nothing of this exists but one look at a byte, at each place that would write.
 *
 * @module
 */
import { basename } from 'node:path';
import { readStats } from './diagnostics.js';
import type { Ring } from './ring.js';
import { workerThreads } from './seldom.js';
import { traceFile, type TraceFile, type TraceSource } from './trace_file.js';
import { RecordReader, recordWords } from './trace_records.js';

/** 64 bytes each. */
const capacity = 8192;
/** More rings than this in one thread would share a row with the next thread's. */
const rowsPerThread = 1000;

let ringsOfThread = 0;

class RingTrace implements TraceSource {
  readonly #ring: Ring;
  readonly #file: TraceFile;
  readonly #words = new Uint32Array(capacity * recordWords + 2);
  readonly #reader: RecordReader;
  readonly #row: { pid: number; tid: number };

  constructor(ring: Ring, file: TraceFile) {
    this.#ring = ring;
    this.#file = file;
    const number = ringsOfThread++;
    const { pid } = process;
    const { isMainThread, threadId } = workerThreads();
    // Spans of one row must nest, and those of two rings of one thread do not.
    const tid = (isMainThread ? 0 : threadId * rowsPerThread) + number;
    this.#row = { pid, tid };
    this.#reader = new RecordReader(this.#words, { pid, tid, kinds: ring.native.operationNames });
    const thread = isMainThread ? 'main thread' : `worker ${threadId}`;
    const name = number === 0 ? thread : `${thread}, ring ${number + 1}`;
    this.#add({ ph: 'M', name: 'process_name', args: { name: basename(process.argv[1] ?? process.argv0) } });
    this.#add({ ph: 'M', name: 'thread_name', args: { name } });
    ring.native.startTrace(this.#words, () => this.drain());
  }

  drain(): void {
    const words = this.#words;
    const counts = capacity * recordWords;
    const add = (event: string): void => this.#file.add(event);
    for (let index = 0; index < words[counts]!; index++) this.#reader.read(index, add);
    words[counts] = 0;
    const lost = words[counts + 1]!;
    words[counts + 1] = 0;
    if (lost > 0) this.#add({ ph: 'i', s: 't', name: 'records lost', ts: now(), args: { count: lost } });
  }

  end(): void {
    this.#ring.native.finishTrace();
    this.drain();
    if (this.#ring.closed) return;
    const args = readStats(this.#ring.native, this.#ring.waiting);
    this.#add({ ph: 'i', s: 't', name: 'stats', ts: now(), args });
  }

  #add(event: object): void {
    this.#file.add(JSON.stringify({ ...event, ...this.#row }));
  }
}

/** In microseconds, on the clock of the records. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1000;
}

/** @internal Traces a ring that was just opened, if RINGCORE_TRACE says so. */
export function traceRing(ring: Ring): void {
  const file = traceFile();
  if (file !== null) file.sources.push(new RingTrace(ring, file));
}
