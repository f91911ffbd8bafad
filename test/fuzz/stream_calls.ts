// Calls of what gives a stream, an iterator or a watcher: it is used to its end, and what it told on the way compared.
import type { Readable, Writable } from 'node:stream';
import type * as nodeFs from 'node:fs';
import { argumentsOf } from './arguments.js';
import { facts, firstOf, outcomeOf, record, turns } from './outcome.js';
import type { Target } from './target.js';
import { oddValue, openFlags, openName, valid, type Draw, type Held } from './values.js';

type Options = Record<string, unknown>;
type Call = (...args: unknown[]) => unknown;

const streamOptions: Record<string, (draw: Draw, held: Held) => unknown> = {
  flags: valid.flags,
  encoding: () => 'latin1',
  mode: valid.mode,
  fd: valid.fd,
  autoClose: (draw) => draw(2) === 0,
  emitClose: (draw) => draw(2) === 0,
  start: (draw) => draw(20),
  end: (draw) => draw(20),
  highWaterMark: (draw) => 1 + draw(8),
  flush: (draw) => draw(2) === 0,
  signal: () => new AbortController().signal,
  fs: () => ({}),
};

/** Options of a stream: some as they should be, one or none odd. */
function optionsOf(
  draw: Draw,
  held: Held,
  without: readonly string[] = [],
): { options: unknown; faults: number } {
  if (draw(6) === 0) return { options: oddValue(draw), faults: 1 };
  const keys = Object.keys(streamOptions).filter((key) => !without.includes(key));
  const options: Options = {};
  for (let i = draw(4); i > 0; i--) {
    const key = keys[draw(keys.length)]!;
    options[key] = streamOptions[key]!(draw, held);
  }
  if (draw(2) === 0) return { options, faults: 0 };
  const key = keys[draw(keys.length)]!;
  const value = oddValue(draw);
  // Of a symbol node 20 aborts; so much memory is asked for at once.
  const isSpared =
    (key === 'fd' && typeof value === 'symbol') ||
    (key === 'highWaterMark' && Math.abs(typeof value === 'number' ? value : 0) > 1e6);
  if (!isSpared) options[key] = value;
  return { options, faults: 1 };
}

/** To its end, whichever that is; then it is destroyed. */
async function consumed(stream: Readable): Promise<unknown> {
  const events = record(stream, ['open', 'ready', 'end', 'error', 'close']);
  let text = '';
  stream.on('data', (chunk: Buffer | string) => (text += chunk.toString('latin1' as never)));
  const ending = await firstOf(stream, ['end', 'error', 'close']);
  await closed(stream);
  return { ending, events, text };
}

async function written(stream: Writable): Promise<unknown> {
  const events = record(stream, ['open', 'ready', 'finish', 'error', 'close']);
  stream.write('some');
  stream.write(Buffer.from('more'));
  stream.end('last');
  const ending = await firstOf(stream, ['finish', 'error', 'close']);
  await closed(stream);
  return { ending, events, bytesWritten: (stream as nodeFs.WriteStream).bytesWritten };
}

/** By itself, or since it is destroyed; without emitClose there is no event. */
async function closed(stream: Readable | Writable): Promise<void> {
  await turns(2);
  stream.destroy();
  const end = performance.now() + 5000;
  while (!stream.closed && performance.now() < end) await turns(1);
  await turns(1);
}

/** A handle is closed when its stream was; node leaves one whose stream could not be made to the garbage collector. */
async function closedHandle(handle: nodeFs.promises.FileHandle, outcome: unknown): Promise<unknown> {
  const closing = await outcomeOf(() => handle.close());
  const failed = outcome instanceof Object && ('thrown' in outcome || 'rejected' in outcome);
  return failed ? undefined : closing;
}

async function outcomeOfStream(make: () => unknown, writes: boolean): Promise<unknown> {
  let stream;
  try {
    stream = make();
  } catch (error) {
    return { thrown: facts(error) };
  }
  return writes ? written(stream as Writable) : consumed(stream as Readable);
}

/** `createReadStream` and its like, by path. */
const byPath =
  (name: string, isClass: boolean): Target['call'] =>
  async ({ fs }, draw) => {
    const { args, faults: pathFaults, held } = argumentsOf(['path'], draw);
    const { options, faults } = optionsOf(draw, held);
    const make = (fs as unknown as Record<string, Call & (new (...args: unknown[]) => unknown)>)[name]!;
    // node's classes are called without `new` by old programs.
    const isNew = isClass && draw(2) === 0;
    const outcome = await outcomeOfStream(
      () => (isNew ? new make(args[0], options) : make(args[0], options)),
      name.includes('Write'),
    );
    await held.release();
    return { outcome, faults: faults + pathFaults };
  };

const ofHandle =
  (name: 'createReadStream' | 'createWriteStream'): Target['call'] =>
  async ({ fs }, draw) => {
    const handle = await fs.promises.open(openName, openFlags);
    const { held } = argumentsOf([], draw);
    const { options, faults } = optionsOf(draw, held, ['fd', 'fs']);
    const outcome = await outcomeOfStream(() => handle[name](options as never), name.includes('Write'));
    await held.release();
    const closing = await closedHandle(handle, outcome);
    return { outcome: { outcome, closing }, faults };
  };

const lines: Target['call'] = async ({ fs }, draw) => {
  const handle = await fs.promises.open(openName, openFlags);
  const { held } = argumentsOf([], draw);
  const { options, faults } = optionsOf(draw, held, ['fd', 'fs', 'signal', 'autoClose', 'emitClose']);
  const outcome = await outcomeOf(async () => {
    const read: string[] = [];
    for await (const line of handle.readLines(options as never)) read.push(line);
    return read;
  });
  await held.release();
  const closing = await closedHandle(handle, outcome);
  return { outcome: { outcome, closing }, faults };
};

const webStream: Target['call'] = async ({ fs }, draw) => {
  const handle = await fs.promises.open(openName, openFlags);
  const options = draw(2) === 0 ? undefined : draw(2) === 0 ? { type: 'bytes' } : oddValue(draw);
  const outcome = await outcomeOf(async () => {
    let text = '';
    for await (const chunk of handle.readableWebStream(
      options as never,
    ) as unknown as AsyncIterable<ArrayBuffer>)
      text += Buffer.from(chunk).toString();
    return text;
  });
  const closing = await closedHandle(handle, outcome);
  return { outcome: { outcome, closing }, faults: 1 };
};

const directory =
  (name: string): Target['call'] =>
  async ({ fs }, draw) => {
    const folder = fs.opendirSync('folder');
    const { args, faults, held } = argumentsOf(['listener'], draw);
    // read and close take a callback or none.
    const takes = typeof args[0] === 'function' || args[0] === undefined ? [] : args;
    const outcome = await outcomeOf(async () => {
      const result = (folder as unknown as Record<string, Call>)[name]!(...takes);
      if (name !== 'entries') return result;
      const read = [];
      for await (const entry of result as AsyncIterable<unknown>) read.push(entry);
      return read;
    });
    await Promise.resolve(folder.close()).catch(() => {});
    await held.release();
    return { outcome, faults };
  };

const watched: Target['call'] = async ({ fs }, draw) => {
  const { args, faults, held } = argumentsOf(['path', 'options', 'listener'], draw);
  const outcome = await outcomeOf(() => {
    const watcher = (fs.watch as Call)(...args) as nodeFs.FSWatcher;
    watcher.on('error', () => {});
    watcher.close();
    return 'watched';
  });
  await held.release();
  return { outcome, faults };
};

const watchedFile: Target['call'] = async ({ fs }, draw) => {
  const { args, faults, held } = argumentsOf(['path', 'options'], draw);
  const listener = draw(8) === 0 ? oddValue(draw) : (): void => {};
  const outcome = await outcomeOf(() => {
    (fs.watchFile as Call)(...args, listener);
    return 'watched';
  });
  if (outcome instanceof Object && 'returned' in outcome) (fs.unwatchFile as Call)(args[0]);
  await held.release();
  return { outcome, faults };
};

/** The iterator is begun only where a signal ends it. */
const watchedPromise: Target['call'] = async ({ fs }, draw) => {
  const { args, faults, held } = argumentsOf(['path'], draw);
  const controller = new AbortController();
  const odd = draw(2) === 0 ? oddValue(draw) : undefined;
  const outcome = await outcomeOf(async () => {
    const iterator = (fs.promises.watch as Call)(
      args[0],
      odd ?? { signal: controller.signal },
    ) as AsyncGenerator<unknown>;
    if (odd !== undefined) return 'made';
    const next = iterator.next();
    setImmediate(() => controller.abort());
    return next;
  });
  await held.release();
  return { outcome, faults };
};

/** Classes that hold values only. */
const constructed =
  (name: 'Stats' | 'Dirent' | 'Dir', count: number): Target['call'] =>
  async ({ fs }, draw) => {
    const args = Array.from({ length: count }, () => oddValue(draw));
    const outcome = await outcomeOf(() => {
      const made = new (fs[name] as unknown as new (...args: unknown[]) => object)(...args);
      return Object.keys(made).join();
    });
    return { outcome, faults: 1 };
  };

const blob: Target['call'] = async ({ fs }, draw) => {
  const { args, faults, held } = argumentsOf(['path', 'options'], draw);
  const outcome = await outcomeOf(async () => ((await (fs.openAsBlob as Call)(...args)) as Blob).text());
  await held.release();
  return { outcome, faults };
};

const pathStreams = ['createReadStream', 'createWriteStream'];
const classes = ['ReadStream', 'WriteStream', 'FileReadStream', 'FileWriteStream'];

export const streamTargets: Target[] = [
  ...pathStreams.map((name) => ({ name: `fs.${name}`, call: byPath(name, false) })),
  ...classes.map((name) => ({ name: `fs.${name}`, call: byPath(name, true) })),
  { name: 'FileHandle.createReadStream', call: ofHandle('createReadStream') },
  { name: 'FileHandle.createWriteStream', call: ofHandle('createWriteStream') },
  { name: 'FileHandle.readLines', call: lines },
  { name: 'FileHandle.readableWebStream', call: webStream },
];

export const otherTargets: Target[] = [
  ...['read', 'readSync', 'close', 'closeSync', 'entries'].map((name) => ({
    name: `Dir.${name}`,
    call: directory(name),
  })),
  { name: 'fs.watch', call: watched },
  { name: 'fs.watchFile', call: watchedFile },
  { name: 'fs.promises.watch', call: watchedPromise },
  { name: 'fs.openAsBlob', call: blob },
  { name: 'fs.Stats', call: constructed('Stats', 18) },
  { name: 'fs.Dirent', call: constructed('Dirent', 3) },
  { name: 'fs.Dir', call: constructed('Dir', 3) },
];
