// The runner of the table: makes each call on node's module and on ringcore's, each in a directory of its own that
// looks the same, and compares all that a program can see of it.
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { inspect } from 'node:util';
import ringFs from 'ringcore/fs';
import ringPromises from 'ringcore/fs/promises';
import t from 'tap';
import { factsOf, treeOf } from './facts.js';
import { Made, World, type Side } from './world.js';

const sides: Record<'ring' | 'node', Side> = {
  ring: { fs: ringFs, promises: ringPromises },
  node: { fs: nodeFs, promises: nodePromises },
};

const nodeMajor = Number.parseInt(process.versions.node, 10);

/** How a function is called. */
export type Form = 'callback' | 'promise' | 'sync' | 'stream';

/** Calls of one function. */
export interface Calls {
  method: string;
  /** Arguments that are all right, the callback left out. */
  good: unknown[];
  /** For each argument, what is put in its place, the others being good. */
  each?: (unknown[] | undefined)[];
  /** Whole lists of arguments besides. */
  also?: unknown[][];
  forms?: Form[];
  /** The FileHandle of which this is a method. */
  of?: Made;
  /** The result is a descriptor, or has a handle: it is closed. */
  opens?: boolean;
  /** Done before each call, in the fresh directory. */
  before?: (world: World) => void;
  /**
   * What is passed for a callback and is none; arguments behind the callback are tried too, unless this is false. By
   * default all kinds, and no callback at all.
   */
  callbacks?: false | unknown[];
  /** Where node is wrong and ringcore is not: the rows whose name has this in it, and why they differ, in detail. */
  differs?: { [part: string]: string };
  /** Rows that newer versions of node treat in another way, from a major version on: there they are left out. */
  until?: { [part: string]: [major: number, reason: string] };
  /**
   * Where node cannot be asked, since it ends the process, or loses the error: the code that ringcore's error has (or
   * `undefined`), and the arguments.
   */
  ringOnly?: [code: string | undefined, ...args: unknown[]][];
  /** Two faults at once are not tried: node looks at one of them only. */
  pairs?: false;
}

interface Row {
  name: string;
  calls: Calls;
  form: Form;
  args: unknown[];
  /** In place of a callback that is called: this, or with `none` nothing at all. */
  callback?: unknown;
}

const none = Symbol('no callback');
const behind = Symbol('something behind the callback');

function label(value: unknown): string {
  if (value instanceof Made) return value.label;
  const shown = inspect(value, { breakLength: Infinity, depth: 1 });
  return shown.length > 60 ? `${shown.slice(0, 57)}… (${shown.length})` : shown;
}

function replaced(args: unknown[], ...places: [number, unknown][]): unknown[] {
  const copy = [...args];
  for (const [index, value] of places) copy[index] = value;
  return copy;
}

/** Every list of arguments: single faults, two faults at once (which is complained of?), too few. */
function listsOf({ good, each = [], also = [], pairs }: Calls): unknown[][] {
  const lists = [good, ...also];
  each.forEach((values = [], index) => {
    for (const value of values) lists.push(replaced(good, [index, value]));
  });
  // What is never right, for two at a time.
  const faults = [{ fault: 1 }, 'fa\0ult', true, -1.5];
  for (let first = 0; first < good.length; first++) {
    for (let second = first + 1; second < good.length; second++) {
      for (const fault of pairs === false ? [] : faults)
        lists.push(replaced(good, [first, fault], [second, fault]));
    }
    lists.push(good.slice(0, first));
  }
  return lists;
}

function rowsOf(calls: Calls): Row[] {
  const { method, of } = calls;
  const forms: Form[] = calls.forms ?? (of ? ['promise'] : ['callback', 'promise', 'sync']);
  const rows: Row[] = [];
  for (const form of forms) {
    const owner = form === 'promise' ? nodePromises : nodeFs;
    const name = form === 'sync' ? `${method}Sync` : method;
    if (of === undefined && !(name in owner)) continue;
    const row = (args: unknown[], ...[callback, what = '']: [] | [unknown, string]): void => {
      const shown = `${of ? `${of.label}.` : ''}${name}(${args.map(label).join(', ')})${what}, ${form}`;
      rows.push({ name: shown, calls, form, args, ...(what === '' ? {} : { callback }) });
    };
    for (const args of listsOf(calls)) row(args);
    if (form === 'callback' && calls.callbacks !== false) {
      for (const callback of calls.callbacks ?? [none, undefined, null, 5, 'x', {}, true]) {
        row(calls.good, callback, ` with ${label(callback)} for a callback`);
        row([{}], callback, ` with ${label(callback)} for a callback`);
      }
      row(calls.good, behind, ' with something behind the callback');
    } else if (form === 'promise') {
      for (const extra of [5, 'x', null, {}]) row([...calls.good, extra, 0, []]);
    }
  }
  return rows;
}

/** How a call ended, and what it gave. */
interface Ended {
  outcome: unknown;
  given: unknown[];
}

/** How often, when, with what a callback is called. */
async function calledBack(begin: (callback: (...given: unknown[]) => void) => unknown): Promise<Ended> {
  let times = 0;
  let returned: unknown = 'nothing yet';
  const first = await new Promise<Ended>((resolve) => {
    const overdue = setTimeout(() => resolve({ outcome: 'never called', given: [] }), 10_000);
    try {
      returned = begin((...given) => {
        times++;
        clearTimeout(overdue);
        resolve({ outcome: ['called when this had returned', returned], given });
      });
    } catch (error) {
      clearTimeout(overdue);
      resolve({ outcome: 'thrown', given: [error] });
    }
  });
  if (first.outcome === 'thrown') return first;
  // A second call would come by then.
  await new Promise((resolve) => setImmediate(resolve));
  return { outcome: [first.outcome, times], given: first.given };
}

/** What a stream says of itself, before it is destroyed. */
async function streamFacts(stream: Readable & { path?: unknown }): Promise<object> {
  const { path, flags, start, end, pos, autoClose, flush, fd, mode, destroyed } = stream as Record<
    string,
    unknown
  > &
    Readable;
  const marks = [stream.readableHighWaterMark, (stream as unknown as Writable).writableHighWaterMark];
  let failure: unknown;
  stream.on('error', (error) => (failure ??= error));
  stream.destroy();
  await new Promise((resolve) => stream.once('close', resolve));
  return { path, flags, start, end, pos, autoClose, flush, fd, mode, destroyed, marks, failure };
}

/** Calls, and waits for what becomes of it. */
async function call(row: Row, self: object, args: unknown[]): Promise<Ended> {
  const name = row.form === 'sync' ? `${row.calls.method}Sync` : row.calls.method;
  // Like a program does: as a method, since FileHandles have methods.
  const run = (...all: unknown[]): unknown =>
    (self as { [key: string]: (...args: unknown[]) => unknown })[name]!(...all);
  try {
    if (row.form !== 'callback') {
      const returned = run(...args);
      if (row.form === 'sync') return { outcome: 'returned', given: [returned] };
      if (row.form === 'stream')
        return { outcome: 'returned', given: [await streamFacts(returned as Readable)] };
      const resolved = returned instanceof Promise ? 'resolved' : 'returned, no promise';
      try {
        return { outcome: resolved, given: [await returned] };
      } catch (error) {
        return { outcome: 'rejected', given: [error] };
      }
    }
    if (row.callback === none) {
      return { outcome: 'returned', given: [run(...args)] };
    }
    if ('callback' in row && row.callback !== behind) {
      return { outcome: 'returned', given: [run(...args, row.callback)] };
    }
    return await calledBack((callback) =>
      run(...args, callback, ...(row.callback === behind ? [5, {}] : [])),
    );
  } catch (error) {
    return { outcome: 'thrown', given: [error] };
  }
}

/** Closes what a call has opened, and says what it was. */
async function closed(value: unknown): Promise<unknown> {
  if (typeof value === 'number') {
    nodeFs.closeSync(value);
    return 'a descriptor';
  }
  const opened = value as { close?: () => Promise<void> } | null | undefined;
  if (typeof opened === 'object') await opened?.close?.();
  return value;
}

interface Facts {
  outcome: unknown;
  results: unknown[];
}

async function perform(row: Row, world: World): Promise<Facts> {
  // Some calls end the process, in one version of node or another: this tells which.
  if (process.env.PARITY_NAMES) nodeFs.writeSync(2, `ROW ${Math.round(performance.now())} ${row.name}\n`);
  const { dir, side } = world;
  process.chdir(dir);
  row.calls.before?.(world);
  const args: unknown[] = [];
  for (const arg of row.args) args.push(arg instanceof Made ? await arg.make(world) : arg);
  const of = row.calls.of && ((await row.calls.of.make(world)) as object);
  const { outcome, given } = await call(row, of ?? (row.form === 'promise' ? side.promises : side.fs), args);
  const results: unknown[] = [];
  for (const value of given) {
    results.push(factsOf(row.calls.opens === true ? await closed(value) : value, dir));
  }
  // Memory that was read into, options that must stay as they are.
  const after = args.map((arg) => factsOf(arg, dir));
  const left = await world.leave();
  process.chdir('/');
  const tree = treeOf(dir);
  world.tidy(tree);
  const facts = { outcome, results, after, left, tree };
  return facts;
}

/** What must be the same even so: how a call ended, and whether with an error of which class. */
function gist({ outcome, results }: Facts): unknown {
  const how = typeof outcome === 'string' ? outcome : 'called back';
  return [how, results.map((result) => (result as { class?: string } | null)?.class)];
}

/** Compares all rows of these calls, as one test a function. */
export async function compare(...table: Calls[]): Promise<void> {
  const root = t.testdir({});
  process.umask(0o022);
  const worlds = (['node', 'ring'] as const).map((name) => new World(join(root, name), sides[name]));
  for (const calls of table) {
    const title = `${calls.of ? `${calls.of.label}: ` : ''}${calls.method}(${calls.good.map(label).join(', ')})`;
    await t.test(title, async (t) => {
      const left = ([part, [major]]: [string, [number, string]], name: string): boolean =>
        nodeMajor >= major && name.includes(part);
      for (const row of rowsOf(calls)) {
        if (Object.entries(calls.until ?? {}).some((entry) => left(entry, row.name))) continue;
        const reason = Object.entries(calls.differs ?? {}).find(([part]) => row.name.includes(part))?.[1];
        const [expected, actual] = [await perform(row, worlds[0]!), await perform(row, worlds[1]!)];
        if (reason === undefined) t.strictSame(actual, expected, row.name);
        else t.strictSame(gist(actual), gist(expected), `${row.name}; in detail it differs: ${reason}`);
      }
      for (const [code, ...args] of calls.ringOnly ?? []) {
        const form = calls.of ? 'promise' : 'callback';
        const name = `${calls.method}(${args.map(label).join(', ')}), on the ring`;
        const { results } = await perform({ name, calls, form, args }, worlds[1]!);
        t.equal((results[0] as { code?: string } | null)?.code, code, name);
      }
    });
  }
}
