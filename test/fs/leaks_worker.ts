// The process of leaks.test.ts: does the operations, and tells what is left of them.
import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { ring, stats } from 'ringcore/core';
import fs from 'ringcore/fs';
import fsPromises from 'ringcore/fs/promises';
import { descriptors } from './helpers.js';

const dir = process.argv[2]!;
const inDir = (name: string): string => join(dir, name);
const [small, large, fifo] = [inDir('small'), inDir('large'), inDir('fifo')];
const outcomes: Record<string, number> = {};
/** Lives as long as the process: a listener that stays on it is a leak. */
const lasting = new AbortController();
let operations = 0;

const count = (outcome: string): void => {
  operations++;
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
};

const kindOf = ({ name, code }: NodeJS.ErrnoException): string =>
  name === 'AbortError' || name === 'TimeoutError' ? name : (code ?? name);

const settled = (promise: Promise<unknown>): Promise<void> =>
  promise.then(
    () => count('good'),
    (error: NodeJS.ErrnoException) => count(kindOf(error)),
  );

type Done = (error: Error | null, ...results: unknown[]) => void;

/** A callback form as a promise. */
const called = (call: (done: Done) => void): Promise<unknown> =>
  new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))));

/** Aborts sooner or later: before the kernel sees it, while it works, afterwards. */
function aborted(index: number, call: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
  const controller = new AbortController();
  const running = call(controller.signal);
  if (index % 3 === 0) controller.abort();
  else if (index % 3 === 1) setImmediate(() => controller.abort());
  else setTimeout(() => controller.abort(), 1);
  return running;
}

async function onHandle(index: number): Promise<void> {
  const handle = await fsPromises.open(small, index % 2 ? 'r' : 'r+');
  const all = [
    settled(handle.read(Buffer.allocUnsafe(100), 0, 100, 0)),
    settled(
      handle.read(Buffer.allocUnsafe(100), {
        signal: lasting.signal,
        timeout: index % 8 ? undefined : 60_000,
      }),
    ),
    settled(handle.write('x', 0)),
    settled(handle.readv([Buffer.allocUnsafe(10), Buffer.allocUnsafe(10)], 0)),
    settled(aborted(index, (signal) => handle.read(Buffer.allocUnsafe(100), 0, 100, 50, { signal }))),
    settled(handle.stat()),
  ];
  // In flight, all of them.
  all.push(settled(handle.close()));
  await Promise.all(all);
  await settled(handle.read(Buffer.allocUnsafe(1)));
}

async function onDescriptor(index: number): Promise<void> {
  const fd = (await called((done) => fs.open(small, 'r', done))) as number;
  count('good');
  await Promise.all([
    settled(called((done) => fs.read(fd, Buffer.allocUnsafe(10), 0, 10, 0, done))),
    settled(called((done) => fs.read(fd, { buffer: Buffer.allocUnsafe(10) }, done))),
    settled(called((done) => fs.write(fd, 'x', done))),
    settled(called((done) => fs.readFile(fd, { signal: lasting.signal } as object, done))),
    settled(called((done) => fs.readFile(index % 2 ? small : inDir('absent'), 'utf8', done))),
    settled(called((done) => fs.stat(index % 2 ? small : inDir('absent'), done))),
  ]);
  await settled(called((done) => fs.close(fd, done)));
}

async function onPaths(index: number): Promise<void> {
  const written = inDir(`written${index % 50}`);
  await Promise.all([
    settled(fsPromises.readFile(small)),
    settled(fsPromises.readFile(small, { encoding: 'utf8', signal: lasting.signal })),
    settled(fsPromises.readFile(inDir('sub'))),
    settled(aborted(index, (signal) => fsPromises.readFile(index % 20 ? small : large, { signal }))),
    settled(fsPromises.writeFile(written, 'text')),
    settled(aborted(index, (signal) => fsPromises.writeFile(written, 'text', { signal }))),
    settled(fsPromises.rename(inDir('absent'), inDir('other'))),
    settled((async () => fsPromises.readFile({} as never))()),
    settled(fsPromises.fadvise(0, 0)),
    settled(fsPromises.getxattr(small, 'user.none')),
  ]);
}

async function waiting(index: number): Promise<void> {
  await Promise.all([
    settled(fsPromises.readFile(fifo, { timeout: 2 } as object)),
    settled(
      aborted(index, (signal) =>
        fsPromises.open(fifo, 'r', undefined, { signal }).then((handle) => handle.close()),
      ),
    ),
    settled(aborted(index, (signal) => fsPromises.readFile(fifo, { signal }))),
  ]);
}

/** A stream that is destroyed half way, and a loop that is left. */
async function halfWay(index: number): Promise<void> {
  await settled(
    new Promise<void>((resolve, reject) => {
      const stream = fs.createReadStream(large, { highWaterMark: 16_384 });
      stream.once('data', () => (index % 2 ? stream.destroy() : stream.destroy(new Error('enough'))));
      stream.once('error', () => {});
      stream.once('close', () => resolve());
      stream.once('end', () => reject(new Error('the end')));
    }),
  );
  const out = fs.createWriteStream(inDir(`stream${index % 10}`));
  out.write('some text');
  out.on('error', () => {});
  const closed = new Promise<void>((resolve) => out.once('close', resolve));
  if (index % 2) out.destroy();
  else out.end();
  await settled(closed);
  await settled(
    (async () => {
      const names = [small, inDir('absent'), ...Array.from({ length: 20 }, () => small), fifo];
      let left = index % 10;
      for await (const { error } of fsPromises.readFiles(names, { signal: lasting.signal, concurrency: 8 })) {
        count(error?.code ?? 'good');
        if (left-- === 0) break;
      }
    })(),
  );
}

const running: Promise<void>[] = [];

async function someRounds(rounds: number): Promise<void> {
  for (let index = 0; index < rounds; index++) {
    const all = [onHandle(index), onDescriptor(index), onPaths(index), onPaths(index + 1)];
    if (index % 4 === 0) all.push(waiting(index));
    if (index % 16 === 0) all.push(halfWay(index));
    // Several at once, but not thousands.
    if (index % 4 === 3) await Promise.all(all);
    else running.push(...all);
    if (running.length > 64) await Promise.all(running.splice(0));
  }
  await Promise.all(running.splice(0));
}

/** When the kernel has let go of everything. */
async function idle(): Promise<void> {
  for (let round = 0; round < 1000 && stats().inFlight > 0; round++) await wait(5);
  // Closes that nobody waits for.
  await wait(20);
}

async function memory(): Promise<NodeJS.MemoryUsage> {
  await idle();
  for (let round = 0; round < 5; round++) {
    globalThis.gc!();
    await turn();
  }
  return process.memoryUsage();
}

// Code, caches, pools: there before the count begins.
await someRounds(400);
const [before, openBefore] = [await memory(), descriptors()];
operations = 0;
while (operations < 100_000) await someRounds(400);
const after = await memory();
const { inFlight, waiting: queued } = stats();
const report = {
  operations,
  outcomes,
  descriptors: [openBefore, descriptors()],
  inFlight,
  waiting: queued,
  handlers: ring().handlers.filter((handler) => handler !== undefined && handler !== null).length,
  listeners: getEventListeners(lasting.signal, 'abort').length,
  heapBytesPerOperation: Math.round((after.heapUsed - before.heapUsed) / operations),
  externalGrowth: after.arrayBuffers - before.arrayBuffers,
  rssGrowth: after.rss - before.rss,
};
process.stdout.write(JSON.stringify(report));
