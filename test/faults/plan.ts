// The plan that the fault layer follows (plan.h): a file of 32-bit words, which this process writes and the layer maps.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

const words = 160;

/** How many of a thousand; see fault_layer.cc for what each means. */
export interface Rates {
  fail: number;
  shorten: number;
  worker: number;
  delay: number;
  reorder: number;
  duplicate: number;
  enter: number;
}

/** The n-th operation of a kind fails. */
export interface Once {
  opcode: number;
  after: number;
  errno: number;
  /** And all that follow it. */
  andAfter?: boolean;
}

const none: Rates = { fail: 0, shorten: 0, worker: 0, delay: 0, reorder: 0, duplicate: 0, enter: 0 };
const counters = [
  'failed',
  'shortened',
  'toWorker',
  'delayed',
  'reordered',
  'duplicated',
  'refused',
] as const;
const firstCounter = 16;
const firstSpared = 32;
const firstSeen = 96;

export type Counts = Record<(typeof counters)[number], number>;

/** Must stand in RINGCORE_FAULTS, and have room for the plan, before the addon is loaded. `setup`: which call of a ring's
 * set-up fails (plan.h), and how. */
export function createPlan(path: string, setup = { call: 0, errno: 0 }): void {
  const fd = openSync(path, 'w');
  const plan = new Uint32Array(words);
  plan.set([setup.call, setup.errno], 14);
  writeSync(fd, plan);
  closeSync(fd);
}

export class Plan {
  readonly #fd: number;
  #epoch = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'r+');
  }

  /** Begins with the seed's first fault. `spared`: opcodes that do not fail. */
  begin(
    seed: number,
    rates: Partial<Rates>,
    { spared = [], once }: { spared?: number[]; once?: Once } = {},
  ): void {
    const { fail, shorten, worker, delay, reorder, duplicate, enter } = { ...none, ...rates };
    const one =
      once === undefined ? [0, 0, 0, 0] : [once.opcode + 1, once.after, once.errno, once.andAfter ? 1 : 0];
    const flags = Uint32Array.from({ length: 64 }, (_, opcode) => (spared.includes(opcode) ? 1 : 0));
    writeSync(this.#fd, flags, 0, flags.byteLength, firstSpared * 4);
    const head = [1, seed, ++this.#epoch, fail, shorten, worker, delay, reorder, duplicate, enter, ...one];
    this.#write(head, 0);
  }

  end(): void {
    this.#write([0], 0);
  }

  #write(values: number[], at: number): void {
    const view = Uint32Array.from(values);
    writeSync(this.#fd, view, 0, view.byteLength, at * 4);
  }

  /** What was done since the process began. */
  counts(): Counts {
    const read = this.#read();
    return Object.fromEntries(counters.map((name, i) => [name, read[firstCounter + i]!])) as Counts;
  }

  /** How many operations of a kind were submitted while a plan was followed. */
  seen(opcode: number): number {
    return this.#read()[firstSeen + opcode]!;
  }

  #read(): Uint32Array {
    const view = new Uint32Array(words);
    readSync(this.#fd, view, 0, view.byteLength, 0);
    return view;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** A generator of numbers below `limit`, the same for the same seed (mulberry32). */
export function random(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}
