/**
 * From the records that the native side writes (native/executor/trace.h) to events of the trace format.
 *
 * @module
 */

import { describeErrno } from './errors.js';

/** 32-bit words of a record. */
export const recordWords = 16;
/** Where its text begins, in bytes. */
const textAt = 36;

/** As `enum class TraceEvent`, in this order. */
const [SUBMITTED, STEP, RESULT, COMPLETED, AT_ONCE, ENTER, REAP, BATCH, PREPARE, POLL, CHECK, SPIN] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
] as const;

/** As `enum class AtOnce`. */
const atOnceNames = ['stat', 'fstat', 'read', 'writeFile'];

/** What the events of one ring have in common. */
export interface TraceContext {
  pid: number;
  /** The row that its spans stand in. */
  tid: number;
  /** The kinds of operations, by their numbers. */
  kinds: readonly string[];
}

type Fields = Record<string, unknown>;

/** Makes events of records; counts what is in flight meanwhile. */
export class RecordReader {
  readonly #words: Uint32Array;
  readonly #ints: Int32Array;
  readonly #bytes: Buffer;
  readonly #context: TraceContext;
  #inFlight = 0;

  constructor(words: Uint32Array, context: TraceContext) {
    this.#words = words;
    this.#ints = new Int32Array(words.buffer, words.byteOffset, words.length);
    this.#bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
    this.#context = context;
  }

  /** Hands the events of record `index` to `add`, each as JSON. */
  read(index: number, add: (event: string) => void): void {
    const at = index * recordWords;
    const [first, result] = [this.#words[at + 4]!, this.#ints[at + 7]!];
    const event = this.#bytes[at * 4 + 32]!;
    const emit = (fields: Fields): void => add(this.#json(at, fields));
    const span = (name: string, args?: Fields): void =>
      emit({
        ph: 'X',
        cat: 'ring',
        name,
        dur: (this.#nanoseconds(at + 2) - this.#nanoseconds(at)) / 1000,
        args,
      });
    switch (event) {
      case SUBMITTED:
        this.#inFlight++;
        return emit({ ph: 'b', ...this.#operation(at), args: this.#subject(at) });
      case STEP:
        return emit({ ph: 'n', ...this.#operation(at), args: {} });
      case RESULT:
        return emit({ ph: 'n', ...this.#operation(at), name: 'result', args: this.#outcome(result) });
      case COMPLETED:
        this.#inFlight--;
        return emit({ ph: 'e', ...this.#operation(at), args: this.#outcome(result) });
      case AT_ONCE:
        return span(`${atOnceNames[first]} at once`, this.#outcome(result));
      case ENTER:
        span('enter', { submitted: first, completions: this.#words[at + 5]!, ...this.#outcome(result) });
        return add(this.#counter(at + 2));
      case REAP:
        return span('reap', { completions: first });
      case BATCH:
        span('batch', { completions: first });
        return add(this.#counter(at + 2));
      case PREPARE:
        return span('prepare');
      case POLL:
        return span('poll');
      case CHECK:
        return span('check');
      case SPIN:
        return span('spin', { hit: result === 1 });
      default:
        throw new Error(`no such trace event: ${event}`);
    }
  }

  /** CLOCK_MONOTONIC; exact for the first 104 days that a machine is up, then to 2 ns. */
  #nanoseconds(word: number): number {
    return this.#words[word + 1]! * 2 ** 32 + this.#words[word]!;
  }

  #json(at: number, fields: Fields): string {
    const { pid, tid } = this.#context;
    return JSON.stringify({ ...fields, pid, tid, ts: this.#nanoseconds(at) / 1000 });
  }

  #operation(at: number): Fields {
    const [slot, generation] = [this.#words[at + 4]!, this.#words[at + 5]!];
    const kind = this.#bytes[at * 4 + 33]!;
    const id = `${this.#context.tid}.${slot}.${generation}`;
    return { cat: 'operation', id, name: this.#context.kinds[kind] };
  }

  #subject(at: number): Fields {
    const [fd, start] = [this.#ints[at + 6]!, at * 4 + textAt];
    const [bytes, cut] = [this.#bytes[at * 4 + 34]!, this.#bytes[at * 4 + 35]!];
    const text =
      bytes > 0 ? (cut ? '…' : '') + this.#bytes.toString('utf8', start, start + bytes) : undefined;
    return { fd: fd >= 0 ? fd : undefined, path: text };
  }

  #outcome(result: number): Fields {
    return result < 0 ? { result, error: describeErrno(result)[0] } : { result };
  }

  #counter(end: number): string {
    const { pid, tid } = this.#context;
    const name = tid === 0 ? 'in flight' : `in flight ${tid}`;
    const ts = this.#nanoseconds(end) / 1000;
    return JSON.stringify({ ph: 'C', name, pid, tid, ts, args: { operations: this.#inFlight } });
  }
}
