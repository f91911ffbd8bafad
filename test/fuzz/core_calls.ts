// Calls of core's functions, which node does not have: whatever they are given, they throw an Error, or settle.
import { closeSync } from 'node:fs';
import * as core from 'ringcore/core';
import { helpers, operations, optionsOf } from './core_functions.js';
import { hung, turns, withLimit } from './outcome.js';
import type { Target } from './target.js';
import { Held, oddValue, type Draw, type Make } from './values.js';

type Call = (...args: unknown[]) => unknown;

/** Those that give descriptors. */
const opening = /^(openat2?|socket|accept|fixedFdInstall|pipe)$/;
/** As long as they are told to. */
const waiting = /^(sleep|interval|timeout|timeoutMultishot|linkTimeout|timeoutUpdate)$/;
/** As much memory as they are told to. */
const allocating = /^(alignedBuffer|BufferRing|RegisteredBuffer|Ring\.open)$/;

/** Until something comes that does not, or for a while: what drains makes all that is submitted later wait as long. */
const mayWait =
  /^(accept|connect|futexWait|poll|read|readFixed|readv|recv|recvmsg|sleep|splice|tee|timeout|waitid)$/;

function isSpared(name: string, value: unknown): boolean {
  // `fallocate` takes its length from the options.
  if (!waiting.test(name) && !allocating.test(name) && name !== 'fallocate') return false;
  if (value instanceof Object && 'length' in value) return true;
  return (typeof value === 'number' || typeof value === 'bigint') && value > 1e4;
}

/** Those of `makes` and options, one or two of them odd. */
function argumentsOf(name: string, makes: readonly Make[], draw: Draw, held: Held): unknown[] {
  const args = makes.map((make) => make(draw, held));
  if (name in operations && draw(2) === 0) {
    const options = optionsOf(draw, held);
    if (mayWait.test(name) && (options['flags'] as { drain?: true } | undefined)?.drain)
      delete options['flags'];
    const keys = Object.keys(options);
    const value = oddValue(draw);
    if (keys.length > 0 && draw(2) === 0 && !isSpared(name, value)) options[keys[draw(keys.length)]!] = value;
    args.push(options);
  }
  for (let faults = draw(3); faults > 0; faults--) {
    const value = oddValue(draw);
    if (!isSpared(name, value)) args[draw(makes.length + 1)] = value;
  }
  return args;
}

function closeAll(values: readonly unknown[]): void {
  for (const value of values) {
    if (typeof value === 'number') closeSync(value);
    else if (value instanceof core.DirectDescriptor) value.close().catch(() => {});
  }
}

/** Used and ended, whatever it is. Undefined, or what is wrong. */
async function used(name: string, result: unknown): Promise<string | undefined> {
  if (result === null || typeof result !== 'object') return undefined;
  if (Symbol.asyncIterator in result) {
    const iterator = (result as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    const next = iterator.next();
    next.catch(() => {});
    await turns(2);
    const end = await withLimit(Promise.resolve(iterator.return?.()));
    return end === hung ? hung : undefined;
  }
  if (!('then' in result)) return undefined;
  const promise = Promise.resolve(result as PromiseLike<unknown>);
  promise.catch(() => {});
  if (result instanceof core.Operation) {
    await turns(2);
    result.cancel();
  }
  const outcome = await withLimit(promise);
  if (outcome === hung) return hung;
  if (opening.test(name)) closeAll(Array.isArray(outcome) ? outcome : [outcome]);
  return undefined;
}

/** Undefined, or what is wrong: `outcome` is no comparison's. */
async function checked(name: string, action: () => unknown): Promise<string | undefined> {
  try {
    return await used(name, action());
  } catch (error) {
    return error instanceof Error ? undefined : 'it threw no Error';
  }
}

const called =
  (name: string, makes: readonly Make[]): Target['call'] =>
  async (_modules, draw) => {
    const held = new Held();
    let args: unknown[];
    try {
      args = argumentsOf(name, makes, draw, held);
      const call = (core as unknown as Record<string, Call>)[name]!;
      return { outcome: await checked(name, () => call(...args)), faults: 1 };
    } finally {
      await held.release();
    }
  };

/** `make` gives what is to be closed when the method has been called. */
const constructed =
  (
    name: string,
    keys: readonly string[],
    make: (value: unknown) => { close?(): unknown; unregister?(): unknown },
  ) =>
  async (_modules: unknown, draw: Draw): Promise<{ outcome: unknown; faults: number }> => {
    const value = oddValue(draw);
    if (isSpared(name, value)) return { outcome: undefined, faults: 0 };
    const argument = keys.length === 0 || draw(3) === 0 ? value : { [keys[draw(keys.length)]!]: value };
    const outcome = await checked(name, () => {
      const made = make(argument);
      return made.unregister?.() ?? made.close?.();
    });
    return { outcome, faults: 1 };
  };

const method =
  (
    make: () => object,
    name: string,
    count: number,
    end: (made: never) => unknown = () => {},
  ): Target['call'] =>
  async (_modules, draw) => {
    const made = make();
    const args = Array.from({ length: draw(count + 1) }, () => oddValue(draw));
    const outcome = await checked(name, () => (made as Record<string, Call>)[name]!(...args));
    await checked(name, () => end(made as never));
    return { outcome, faults: 1 };
  };

const ringKeys = [
  'entries',
  'cqEntries',
  'operations',
  'sqpoll',
  'iopoll',
  'spinMicroseconds',
  'wait',
  'workers',
];
const bufferKeys = ['ring', 'entries', 'bufferBytes', 'incremental'];

/** How many arguments each method takes. */
const methods: {
  of: string;
  make: () => object;
  end?: (made: never) => unknown;
  counts: Record<string, number>;
}[] = [
  {
    of: 'Operation',
    make: () => core.nop(),
    end: (made: core.Operation<void>) => made,
    counts: { submit: 0, then: 2, catch: 1, finally: 1, callback: 1, cancel: 1, ref: 0, unref: 0, limit: 1 },
  },
  {
    of: 'MultishotOperation',
    make: () => core.timeoutMultishot(1, { repeats: 2 }),
    end: (made: AsyncIterableIterator<number>) => made,
    counts: { ref: 0, unref: 0 },
  },
  {
    of: 'Ring',
    make: () => core.Ring.open({ entries: 8, operations: 16 }),
    end: (made: core.Ring) => made.close(),
    counts: { stats: 0, probe: 0, messages: 1, enter: 0, close: 0 },
  },
  {
    of: 'BufferRing',
    make: () => new core.BufferRing({ entries: 2, bufferBytes: 4096 }),
    end: (made: core.BufferRing) => made.close(),
    counts: { onReturn: 1, close: 0 },
  },
  {
    of: 'RegisteredBuffer',
    make: () => new core.RegisteredBuffer(4096),
    end: (made: core.RegisteredBuffer) => made.unregister(),
    counts: { unregister: 0 },
  },
  { of: 'DirectDescriptor', make: () => new core.DirectDescriptor(1), counts: { close: 1 } },
];

export const coreTargets: Target[] = [
  ...Object.entries({ ...operations, ...helpers }).map(([name, makes]) => ({
    name: `core.${name}`,
    alone: true,
    call: called(name, makes),
  })),
  ...methods.flatMap(({ of, make, end, counts }) =>
    Object.entries(counts).map(([name, count]) => ({
      name: `core.${of}.${name}`,
      alone: true,
      call: method(make, name, count, end),
    })),
  ),
  {
    name: 'core.Ring',
    alone: true,
    call: constructed('Ring.open', ringKeys, (options) => core.Ring.open(options as core.RingOptions)),
  },
  {
    name: 'core.BufferRing',
    alone: true,
    call: constructed(
      'BufferRing',
      bufferKeys,
      (options) => new core.BufferRing(options as core.BufferRingOptions),
    ),
  },
  {
    name: 'core.RegisteredBuffer',
    alone: true,
    call: constructed('RegisteredBuffer', [], (bytes) => new core.RegisteredBuffer(bytes as number)),
  },
  {
    name: 'core.DirectDescriptor',
    alone: true,
    call: constructed('DirectDescriptor', [], (index) => (new core.DirectDescriptor(index as number), {})),
  },
  ...(['AbortError', 'TimeoutError', 'ChainError', 'Operation', 'MultishotOperation'] as const).map(
    (name) => ({
      name: `core.${name}`,
      alone: true,
      call: constructed(
        name,
        [],
        (value) => (new (core[name] as new (...args: unknown[]) => unknown)(value), {}),
      ),
    }),
  ),
];
