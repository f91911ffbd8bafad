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
const atOnceNames = ['stat', 'fstat', 'read', 'writeFile', 'copyFile'];

/** What the events of one ring have in common. */
export interface TraceContext {
  pid: number;
  /** The row that its spans stand in. */
  tid: number;
  /** The kinds of operations, by their numbers. */
  kinds: readonly string[];
}

/**
 * Makes events of records; counts what is in flight meanwhile. The text is put together by hand: a traced program spends
 * most of what tracing costs here.
 */
export class RecordReader {
  readonly #words: Uint32Array;
  readonly #ints: Int32Array;
  readonly #bytes: Buffer;
  readonly #tid: number;
  readonly #kinds: readonly string[];
  /** What each event ends with: the row that it stands in. */
  readonly #row: string;
  readonly #counterName: string;
  #inFlight = 0;

  constructor(words: Uint32Array, { pid, tid, kinds }: TraceContext) {
    this.#words = words;
    this.#ints = new Int32Array(words.buffer, words.byteOffset, words.length);
    this.#bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
    this.#tid = tid;
    this.#kinds = kinds;
    this.#row = `"pid":${pid},"tid":${tid}}`;
    this.#counterName = tid === 0 ? 'in flight' : `in flight ${tid}`;
  }

  /** Hands the events of record `index` to `add`, each as JSON. */
  read(index: number, add: (event: string) => void): void {
    const at = index * recordWords;
    const [first, result] = [this.#words[at + 4]!, this.#ints[at + 7]!];
    const kind = this.#kinds[this.#bytes[at * 4 + 33]!]!;
    const event = this.#bytes[at * 4 + 32]!;
    switch (event) {
      case SUBMITTED:
        this.#inFlight++;
        return add(this.#operation('b', kind, at, this.#subject(at)));
      case STEP:
        return add(this.#operation('n', kind, at, ''));
      case RESULT:
        return add(this.#operation('n', 'result', at, outcome(result)));
      case COMPLETED:
        this.#inFlight--;
        return add(this.#operation('e', kind, at, outcome(result)));
      case AT_ONCE:
        return add(this.#span(`${atOnceNames[first]} at once`, at, outcome(result)));
      case ENTER:
        add(
          this.#span(
            'enter',
            at,
            `"submitted":${first},"completions":${this.#words[at + 5]},${outcome(result)}`,
          ),
        );
        return add(this.#counter(at + 2));
      case REAP:
        return add(this.#span('reap', at, `"completions":${first}`));
      case BATCH:
        add(this.#span('batch', at, `"completions":${first}`));
        return add(this.#counter(at + 2));
      case PREPARE:
        return add(this.#span('prepare', at, ''));
      case POLL:
        return add(this.#span('poll', at, ''));
      case CHECK:
        return add(this.#span('check', at, ''));
      case SPIN:
        return add(this.#span('spin', at, `"hit":${result === 1}`));
      default:
        throw new Error(`no such trace event: ${event}`);
    }
  }

  /** CLOCK_MONOTONIC; exact for the first 104 days that a machine is up, then to 2 ns. */
  #nanoseconds(word: number): number {
    return this.#words[word + 1]! * 2 ** 32 + this.#words[word]!;
  }

  #operation(phase: 'b' | 'n' | 'e', name: string, at: number, args: string): string {
    const id = `${this.#tid}.${this.#words[at + 4]}.${this.#words[at + 5]}`;
    const ts = this.#nanoseconds(at) / 1000;
    return `{"ph":"${phase}","cat":"operation","name":"${name}","id":"${id}","ts":${ts},"args":{${args}},${this.#row}`;
  }

  #span(name: string, at: number, args: string): string {
    const begin = this.#nanoseconds(at);
    const [ts, dur] = [begin / 1000, (this.#nanoseconds(at + 2) - begin) / 1000];
    return `{"ph":"X","cat":"ring","name":"${name}","ts":${ts},"dur":${dur},"args":{${args}},${this.#row}`;
  }

  #counter(end: number): string {
    const ts = this.#nanoseconds(end) / 1000;
    return `{"ph":"C","name":"${this.#counterName}","ts":${ts},"args":{"operations":${this.#inFlight}},${this.#row}`;
  }

  #subject(at: number): string {
    const fd = this.#ints[at + 6]!;
    const [bytes, cut] = [this.#bytes[at * 4 + 34]!, this.#bytes[at * 4 + 35]!];
    if (bytes === 0) return fd < 0 ? '' : `"fd":${fd}`;
    const start = at * 4 + textAt;
    return `"path":${JSON.stringify((cut ? '…' : '') + this.#bytes.toString('utf8', start, start + bytes))}`;
  }
}

function outcome(result: number): string {
  return result < 0 ? `"result":${result},"error":"${describeErrno(result)[0]}"` : `"result":${result}`;
}
