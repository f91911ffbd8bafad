// The order in which programs are told what: events of streams and FileHandles, callbacks, and what is queued between
// them. Each scenario runs on node's modules and on ringcore's; the logs are equal.
import nodeFs from 'node:fs';
import { once } from 'node:events';
import nodePromises, { type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import fs from 'ringcore/fs';
import fsPromises from 'ringcore/fs/promises';
import t from 'tap';
import { factsOf } from './facts.js';
import type { Side } from './world.js';

type Log = (...what: unknown[]) => void;
/** What either stream has. */
interface Watched extends NodeJS.EventEmitter {
  destroyed: boolean;
  pending: boolean;
  closed: boolean;
  bytesRead?: number;
  bytesWritten?: number;
  fd?: number | null;
}
type Scenario = (side: Side, dir: string, log: Log) => Promise<unknown> | void;

const events = [
  'open',
  'ready',
  'data',
  'pause',
  'resume',
  'end',
  'drain',
  'pipe',
  'finish',
  'error',
  'close',
];

/** Notes all that a stream emits, and resolves when it has closed, or with `last`. */
async function watch(
  watched: nodeFs.ReadStream | nodeFs.WriteStream,
  log: Log,
  last = 'close',
): Promise<void> {
  const stream = watched as unknown as Watched;
  for (const event of events) {
    // Someone who listens for data makes it flow.
    if (event === 'data' && 'write' in stream) continue;
    stream.on(event, (value: unknown) => {
      const { destroyed, pending, bytesRead, bytesWritten } = stream;
      const count = bytesRead ?? bytesWritten;
      log(event, event === 'open' ? typeof value : value, { destroyed, pending, count });
    });
  }
  await new Promise<void>((resolve) => stream.once(last, () => resolve()));
  // What comes too late to be expected.
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  log('left', stream.destroyed, stream.closed);
}

/** Notes when a handle emits 'close'. */
function heard(handle: FileHandle, log: Log): void {
  (handle as unknown as NodeJS.EventEmitter).on('close', () => log('handle closed', handle.fd === -1));
}

const reads = (options?: object | string, name = 'file'): Scenario => {
  return ({ fs }, dir, log) => watch(fs.createReadStream(join(dir, name), options as object), log);
};

function writes(options: object | string | undefined, ...chunks: (string | Buffer)[]): Scenario {
  return async ({ fs }, dir, log) => {
    const stream = fs.createWriteStream(join(dir, 'out'), options as object);
    const closed = watch(stream, log);
    for (const chunk of chunks) log(stream.write(chunk, (error) => log('written', chunk.length, error)));
    stream.end((error?: Error | null) => log('end called', error));
    await closed;
    log(nodeFs.readFileSync(join(dir, 'out'), 'latin1'));
  };
}

const scenarios: Record<string, Scenario> = {
  'reads a file': reads(),
  'reads text': reads('utf8'),
  'reads nothing': reads({}, 'empty'),
  'reads a part': reads({ start: 2, end: 6 }),
  'reads from behind the end': reads({ start: 100 }),
  'reads in pieces': reads({ highWaterMark: 3 }),
  'reads a part in pieces': reads({ start: 1, end: 7, highWaterMark: 4, encoding: 'latin1' }),
  'reads what is not there': reads({}, 'nowhere'),
  'reads a directory': reads({}, 'dir'),
  'reads through a symlink loop': reads({}, 'loop'),
  'reads without emitClose': async ({ fs }, dir, log) => {
    const stream = fs.createReadStream(join(dir, 'file'), { emitClose: false });
    for (const event of events) stream.on(event as 'data', (value) => log(event, event === 'open' || value));
    while (!stream.closed) await new Promise((resolve) => setImmediate(resolve));
    log(stream.destroyed);
  },
  'reads without autoClose': async ({ fs }, dir, log) => {
    const stream = fs.createReadStream(join(dir, 'file'), { autoClose: false });
    await watch(stream, log, 'end');
    stream.destroy();
    await once(stream, 'close');
  },
  'reads a descriptor': async ({ fs }, dir, log) => {
    await watch(fs.createReadStream('', { fd: nodeFs.openSync(join(dir, 'file'), 'r') }), log);
  },
  'reads a descriptor that is closed': ({ fs }, _dir, log) =>
    watch(fs.createReadStream('', { fd: 999_999 }), log),
  'reads to a file': async ({ fs }, dir, log) => {
    const [source, target] = [fs.createReadStream(join(dir, 'file')), fs.createWriteStream(join(dir, 'out'))];
    // Which of the two is open first, nobody knows.
    const read: unknown[] = [];
    const written: unknown[] = [];
    const both = [
      watch(source, (...what) => read.push(what)),
      watch(target, (...what) => written.push(what)),
    ];
    await pipeline(source, target);
    await Promise.all(both);
    log(...read);
    log(...written);
  },
  'reads until a break': async ({ fs }, dir, log) => {
    const stream = fs.createReadStream(join(dir, 'file'), { highWaterMark: 2 });
    stream.on('close', () => log('close'));
    for await (const chunk of stream) {
      log(chunk);
      break;
    }
    log('behind the loop', stream.destroyed);
  },
  'is destroyed at once': async ({ fs }, dir, log) => {
    const stream = fs.createReadStream(join(dir, 'file'));
    const closed = watch(stream, log);
    stream.destroy();
    await closed;
  },
  'is destroyed with an error when open': async ({ fs }, dir, log) => {
    const stream = fs.createReadStream(join(dir, 'file'));
    const closed = watch(stream, log);
    stream.once('open', () => stream.destroy(new RangeError('enough')));
    await closed;
  },
  'is destroyed in the middle': async ({ fs }, dir, log) => {
    const stream = fs.createReadStream(join(dir, 'file'), { highWaterMark: 2 });
    const closed = watch(stream, log);
    stream.once('data', () => stream.destroy());
    await closed;
  },
  'is closed by hand, twice': async ({ fs }, dir, log) => {
    const stream = fs.createReadStream(join(dir, 'file'));
    const closed = watch(stream, log);
    stream.close((error) => log('first', error));
    stream.close((error) => log('second', error));
    await closed;
  },
  'is aborted': async ({ fs }, dir, log) => {
    const abort = new AbortController();
    const stream = fs.createReadStream(join(dir, 'file'), { signal: abort.signal });
    const closed = watch(stream, log);
    abort.abort();
    await closed;
  },
  // It has closed before the file is open.
  'is aborted from the beginning': ({ fs }, dir, log) =>
    watch(fs.createReadStream(join(dir, 'file'), { signal: AbortSignal.abort() }), log, 'ready'),
  'writes nothing': writes(undefined),
  'writes text': writes('latin1', 'é', 'x'),
  'writes bytes': writes({}, Buffer.from('abc'), 'def', Buffer.alloc(3, 'x')),
  'writes more than fits': writes({ highWaterMark: 4 }, 'abcdef', 'ghijkl', 'mnopqr'),
  'writes and flushes': writes({ flush: true }, 'abc'),
  'writes at a position': writes({ start: 3, flags: 'w' }, 'abc', 'def'),
  'writes at the end': writes({ flags: 'a' }, 'abc', 'def'),
  'writes over what is there': async ({ fs }, dir, log) => {
    await watch(fs.createWriteStream(join(dir, 'file'), { flags: 'wx' }), log);
  },
  'writes to what is open for reading': async ({ fs }, dir, log) => {
    const stream = fs.createWriteStream(join(dir, 'file'), { flags: 'r' });
    const closed = watch(stream, log);
    stream.write('abc', (error) => log('written', error));
    await closed;
  },
  'writes to a directory': async ({ fs }, dir, log) => watch(fs.createWriteStream(join(dir, 'dir')), log),
  'destroys what it writes': async ({ fs }, dir, log) => {
    const stream = fs.createWriteStream(join(dir, 'out'));
    const closed = watch(stream, log);
    stream.write('abc', (error) => log('written', error));
    stream.destroy();
    await closed;
  },
  'writes behind the end': async ({ fs }, dir, log) => {
    const stream = fs.createWriteStream(join(dir, 'out'));
    const closed = watch(stream, log);
    stream.end('abc');
    stream.write('late', (error) => log('written', error));
    await closed;
  },
  'closes a handle': async ({ promises }, dir, log) => {
    const handle = await promises.open(join(dir, 'file'));
    heard(handle, log);
    const closed = handle.close().then(() => log('resolved', handle.fd));
    log('called', handle.fd === -1);
    await closed;
    await handle.close().then(() => log('again'));
  },
  'closes a handle that is in use': async ({ promises }, dir, log) => {
    const handle = await promises.open(join(dir, 'file'));
    heard(handle, log);
    const read = handle.readFile('utf8').then((text) => log(text));
    await Promise.all([handle.close().then(() => log('closed')), read]);
  },
  'reads a handle': async ({ promises }, dir, log) => {
    const handle = await promises.open(join(dir, 'file'));
    heard(handle, log);
    await watch(handle.createReadStream({ encoding: 'utf8' }), log);
    log(handle.fd);
  },
  'reads a handle, and does not close it': async ({ promises }, dir, log) => {
    const handle = await promises.open(join(dir, 'file'));
    heard(handle, log);
    const stream = handle.createReadStream({ autoClose: false });
    await watch(stream, log, 'end');
    await Promise.all([handle.close(), once(stream, 'close')]);
  },
  'writes to a handle': async ({ promises }, dir, log) => {
    const handle = await promises.open(join(dir, 'out'), 'w');
    heard(handle, log);
    const stream = handle.createWriteStream();
    const closed = watch(stream, log);
    stream.end('abc');
    await closed;
  },
  'closes a handle under its stream': async ({ promises }, dir, log) => {
    const handle = await promises.open(join(dir, 'file'));
    const stream = handle.createReadStream();
    const closed = watch(stream, log);
    // Node's stream is told before the descriptor is closed, ringcore's when it is: which comes first is not noted.
    await Promise.all([handle.close(), closed]);
  },
  'reads lines': async ({ promises }, dir, log) => {
    const handle = await promises.open(join(dir, 'lines'));
    heard(handle, log);
    for await (const line of handle.readLines()) log(line);
  },
  'reads a web stream': async ({ promises }, dir, log) => {
    const handle = await promises.open(join(dir, 'file'));
    for await (const chunk of handle.readableWebStream()) log((chunk as ArrayBuffer).byteLength);
    log(handle.fd >= 0);
    await handle.close();
  },
  'runs what a callback has queued before the next turn': ({ fs }, dir, log) =>
    new Promise((resolve) => {
      fs.readFile(join(dir, 'file'), () => {
        setImmediate(() => log('immediate'));
        setImmediate(resolve);
        process.nextTick(() => log('tick'));
        void Promise.resolve().then(() => log('microtask'));
        queueMicrotask(() => log('second microtask'));
        log('callback');
      });
      process.nextTick(() => log('tick of the call'));
      void Promise.resolve().then(() => log('microtask of the call'));
      log('called');
    }),
  'calls back in turn': ({ fs }, dir, log) =>
    new Promise((resolve) => {
      fs.open(join(dir, 'file'), 'r', (error, fd) => {
        log('open', error);
        fs.read(fd, Buffer.alloc(2), 0, 2, 0, (error, count) => {
          log('read', error, count);
          process.nextTick(() => log('tick'));
          fs.close(fd, (error) => {
            log('close', error);
            resolve(undefined);
          });
          log('close called');
        });
        log('read called');
      });
      log('open called');
    }),
  'refuses what is not there after the call': ({ fs }, dir, log) =>
    new Promise((resolve) => {
      fs.readFile(join(dir, 'nowhere'), (error) => resolve(log('called back', error)));
      process.nextTick(() => log('tick'));
      log('returned');
    }),
  'settles promises after the call': async ({ promises }, dir, log) => {
    const settled = promises.readFile(join(dir, 'file'), 'utf8').then(log);
    process.nextTick(() => log('tick'));
    queueMicrotask(() => log('microtask'));
    await settled;
  },
  'aborts before it begins': async ({ fs, promises }, dir, log) => {
    const signal = AbortSignal.abort(new RangeError('because'));
    const refused = promises.readFile(join(dir, 'file'), { signal }).catch(log);
    queueMicrotask(() => log('microtask'));
    await refused;
    fs.readFile(join(dir, 'file'), { signal }, (error) => log('callback', error));
    log('returned');
    await new Promise((resolve) => setImmediate(resolve));
  },
};

const sides: [name: string, side: Side][] = [
  ['node', { fs: nodeFs, promises: nodePromises }],
  ['ring', { fs, promises: fsPromises }],
];

for (const [name, scenario] of Object.entries(scenarios)) {
  t.test(name, async (t) => {
    const logs: unknown[][] = [];
    for (const [, side] of sides) {
      const dir = t.testdir({
        file: '0123456789',
        empty: '',
        lines: 'one\ntwo\n\nthree',
        dir: {},
        loop: t.fixture('symlink', 'loop'),
      });
      const log: unknown[] = [];
      await scenario(side, dir, (...what) => log.push(what.map((value) => factsOf(value, dir))));
      logs.push(log);
    }
    const [expected, actual] = logs;
    t.ok(expected!.length > 0, 'something happens');
    t.strictSame(actual, expected);
  });
}
