// Faults that were found by attacking, each held by a test.
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import {
  BufferRing,
  DirectDescriptor,
  nop,
  openat,
  readv,
  recvMultishot,
  Ring,
  ring,
  stats,
  writev,
} from 'ringcore/core';
import {
  closeQuietly,
  exception,
  listeningSocket,
  makePipe,
  openDescriptors,
  rejection,
  runScript,
  socketPair,
} from './support.js';

t.test('nextTicks that throw, however many, cost no completion', async (t) => {
  const script = `
    import { nop, ring } from 'ringcore/core';
    let caught = 0, second = 'pending', third = false;
    process.on('uncaughtException', () => caught++);
    nop().callback(() => { for (let i = 0; i < 10; i++) process.nextTick(() => { throw new Error('tick'); }); });
    nop().then(() => { second = 'settled'; });
    nop().callback(() => { third = true; });
    setTimeout(() => console.log(JSON.stringify({ caught, second, third, inFlight: ring().stats().inFlight })), 100);
  `;
  const { stdout } = await runScript(script);
  t.strictSame(JSON.parse(stdout), { caught: 10, second: 'settled', third: true, inFlight: 0 });
});

t.test('a batch that holds the whole operation table', async (t) => {
  for (const operations of [1, 4]) {
    const small = Ring.open({ operations });
    for (let i = 0; i < 10; i++) {
      await Promise.all(Array.from({ length: operations }, () => nop({ ring: small })));
    }
    t.equal(small.stats().waiting, 0, `${operations} slots`);
    small.close();
  }
});

t.test('a submission queue of one entry has room for an operation with its timeout', async (t) => {
  const small = Ring.open({ entries: 1 });
  t.teardown(() => small.close());
  await nop({ ring: small, timeout: 1000 });
  t.pass();
});

t.test('vectors that were detached before submission are refused', async (t) => {
  const [reader, writer] = await makePipe(t);
  for (const make of [
    (views: Uint8Array[]) => readv(reader, views),
    (views: Uint8Array[]) => writev(writer, views),
  ]) {
    const views = [new Uint8Array(10), new Uint8Array(10)];
    const operation = make(views);
    structuredClone(views[0]!.buffer, { transfer: [views[0]!.buffer] });
    t.equal((await rejection(operation))['code'], 'ERR_INVALID_STATE');
  }
  t.equal(stats().inFlight, 0);
});

// Shown to fail: the list as `buffers.map()` makes it, whose accessors the native side called.
t.test('a list of buffers is copied before it is checked', async (t) => {
  const [first, second] = [Buffer.alloc(1 << 16, 1), Buffer.alloc(16, 1)];
  // Not /dev/zero, of which a read may be short.
  const zeros = Buffer.alloc(first.length + second.length);
  const fd = await openat(join(t.testdir({ zeros }), 'zeros'));
  t.teardown(() => closeQuietly(fd));
  let reads = 0;
  const strange = [first, second];
  Object.defineProperty(strange, 1, { get: () => (reads++, second) });
  strange.map = () => [{}] as never;
  strange.every = (() => true) as never;
  t.equal(await readv(fd, strange), first.length + second.length);
  t.equal(reads, 1);
  t.ok(Buffer.concat([first, second]).every((byte) => byte === 0));
  // eslint-disable-next-line no-sparse-arrays
  for (const list of [[first, , second], new Array(1), [first, undefined]]) {
    const { readv: nodes } = await import('node:fs');
    const { code, message } = exception(() => nodes(fd, list as Buffer[], () => {}));
    t.match(
      exception(() => readv(fd, list as Buffer[])),
      { code, message },
    );
  }
});

t.test('slots and indices that there are not', async (t) => {
  const { native } = ring();
  for (const slot of [-1, 2 ** 31, 2 ** 32 - 1, 1 << 24, 30_000]) {
    t.equal(native.describeOperation(slot), undefined);
    t.equal(native.resultNow(slot), undefined);
  }
  for (const index of [-1, -2, -(2 ** 31)]) {
    const file = new DirectDescriptor(0);
    Object.assign(file, { index });
    t.equal((await rejection(file.close()))['code'], 'ERR_INVALID_STATE');
  }
  t.equal(stats().inFlight, 0);
});

t.test('options are read once, and what is used is what was checked', async (t) => {
  let reads = 0;
  const options = {
    get ring(): Ring | undefined {
      return reads++ === 0 ? undefined : ({} as Ring);
    },
  };
  await nop(options);
  t.equal(reads, 1);
  const lookAlike = { aborted: false } as AbortSignal;
  t.equal(exception(() => nop({ signal: lookAlike }))['code'], 'ERR_INVALID_ARG_TYPE');
  t.equal(exception(() => nop({ flags: 1 as never }))['code'], 'ERR_INVALID_ARG_TYPE');
});

t.test('a buffer ring in use is not closed', async (t) => {
  const [client] = await socketPair(t);
  const buffers = new BufferRing({ entries: 1, bufferBytes: 4096 });
  const iterator = recvMultishot(client, { buffers })[Symbol.asyncIterator]();
  const next = iterator.next();
  t.equal(exception(() => buffers.close())['code'], 'ERR_INVALID_STATE');
  await iterator.return?.();
  await next;
  buffers.close();
  t.pass('closed when nothing uses it');
});

t.test('a closed ring refuses, from inside a completion too', async (t) => {
  const closed = Ring.open();
  closed.close();
  t.equal((await rejection(nop({ ring: closed })))['code'], 'ERR_INVALID_STATE');
});

t.test('what a worker owns is closed when it ends', async (t) => {
  const { Worker } = await import('node:worker_threads');
  const before = openDescriptors();
  const source = `
    const { parentPort } = require('node:worker_threads');
    import('ringcore/core').then(async ({ openat, ring }) => {
      for (let i = 0; i < 20; i++) ring().native.own(await openat('/dev/null'));
      const given = await openat('/dev/null');
      ring().native.own(given);
      ring().native.disown(given);
      parentPort.postMessage(given);
      setTimeout(() => {}, 1e6);
    });`;
  const worker = new Worker(source, { eval: true });
  const [given] = (await once(worker, 'message')) as [number];
  await worker.terminate();
  const left = openDescriptors().filter((fd) => !before.includes(fd));
  t.strictSame(
    left.map((entry) => parseInt(entry, 10)),
    [given],
  );
  closeQuietly(given);
});

// Shown to fail: OWNED left out, and what is handed over not disowned.
t.test(
  'connections that nobody took are closed when the worker ends, those that were taken are not',
  async (t) => {
    const { Worker } = await import('node:worker_threads');
    const { fd, address } = await listeningSocket(t);
    const before = openDescriptors();
    const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import('ringcore/core').then(async ({ acceptMultishot }) => {
      const connections = acceptMultishot(workerData);
      const iterator = connections[Symbol.asyncIterator]();
      const taken = [];
      const next = async () => taken.push((await iterator.next()).value);
      await Promise.all([next(), next()]);
      while (connections.queued < 3) await new Promise((resolve) => setTimeout(resolve, 1));
      await next();
      parentPort.postMessage(taken);
      setTimeout(() => {}, 1e6);
    });`;
    const worker = new Worker(source, { eval: true, workerData: fd });
    await once(worker, 'online');
    const clients = Array.from({ length: 6 }, () => connect(address.port, address.address));
    const [taken] = (await once(worker, 'message')) as [number[]];
    await worker.terminate();
    for (const client of clients) client.on('error', () => {}).destroy();
    for (const client of clients) if (!client.closed) await once(client, 'close');
    const left = openDescriptors().filter((entry) => !before.includes(entry));
    t.strictSame(
      left.map((entry) => parseInt(entry, 10)).sort((a, b) => a - b),
      taken.sort((a, b) => a - b),
    );
    for (const each of taken) closeQuietly(each);
  },
);

t.test('a worker may be terminated at any moment of its start', async (t) => {
  const { Worker } = await import('node:worker_threads');
  // node's loader leaves the files open that it is reading.
  const ofRings = (): string[] =>
    openDescriptors().filter((entry) => /io_uring|eventfd|mountinfo/.test(entry));
  const before = ofRings();
  for (let round = 0; round < 20; round++) {
    const worker = new Worker("import('ringcore/core').then(({ timeout }) => timeout(1e6))", { eval: true });
    await once(worker, 'online');
    // The modules take some 50 ms to load; the ring is opened at the end of that.
    await wait(3 * round);
    await worker.terminate();
  }
  t.equal(ofRings().length, before.length);
});
