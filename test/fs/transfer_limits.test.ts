// { signal, timeout } of read, write and their like: each form of each, and what becomes of the file's position.
import { execFileSync } from 'node:child_process';
import nodeFs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { backend, stats } from 'ringcore/core';
import fs from 'ringcore/fs';
import { open } from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, listeners, pattern, settledDescriptors } from './helpers.js';

interface Limits {
  signal?: AbortSignal;
  timeout?: number;
}
type Done = (error: Error | null, ...results: unknown[]) => void;
/** With more arguments than node's types know. */
type Loose = Record<string, (...args: unknown[]) => void>;

const dir = t.testdir();
const options = backend.name === 'io_uring' ? {} : { skip: 'this is the node backend' };
const loose = fs as unknown as Loose;
const data = pattern(1_000_000);
const file = join(dir, 'file');
nodeFs.writeFileSync(file, data);
const fifo = join(dir, 'fifo');
execFileSync('mkfifo', [fifo]);

/** A callback form as a promise of all that the callback gets. */
function called(call: (done: Done) => void): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    call((error, ...results) => {
      if (error === null) resolve(results);
      else reject(error);
    });
  });
}

const buffer = (): Buffer => Buffer.alloc(10);

/** Reads that wait for ever, on a FIFO without a writer's data. */
const reads: Record<
  string,
  (fd: number, handle: Awaited<ReturnType<typeof open>>, limits: Limits) => Promise<unknown>
> = {
  'read, positional': (_, handle, limits) => handle.read(buffer(), 0, 10, null, limits),
  'read, options behind': (_, handle, limits) => handle.read(buffer(), limits),
  'read, options only': (_, handle, limits) => handle.read({ buffer: buffer(), ...limits }),
  readv: (_, handle, limits) => handle.readv([buffer()], null, limits),
  'callback, positional': (fd, _, limits) =>
    called((done) => loose.read!(fd, buffer(), 0, 10, null, limits, done)),
  'callback, options behind': (fd, _, limits) => called((done) => loose.read!(fd, buffer(), limits, done)),
  'callback, options only': (fd, _, limits) =>
    called((done) => loose.read!(fd, { buffer: buffer(), ...limits }, done)),
  'callback readv': (fd, _, limits) => called((done) => loose.readv!(fd, [buffer()], null, limits, done)),
};

const big = Buffer.alloc(300_000, 'b');

/** Writes that wait for ever, on a FIFO that is full. */
const writes: typeof reads = {
  'write, positional': (_, handle, limits) => handle.write(big, 0, big.length, null, limits),
  'write, options': (_, handle, limits) => handle.write(big, limits),
  'write of a string': (_, handle, limits) => handle.write(big.toString(), null, 'utf8', limits),
  writev: (_, handle, limits) => handle.writev([big, big], null, limits),
  'callback, positional': (fd, _, limits) =>
    called((done) => loose.write!(fd, big, 0, big.length, null, limits, done)),
  'callback, options': (fd, _, limits) => called((done) => loose.write!(fd, big, limits, done)),
  'callback of a string': (fd, _, limits) =>
    called((done) => loose.write!(fd, big.toString(), null, 'utf8', limits, done)),
  'callback writev': (fd, _, limits) => called((done) => loose.writev!(fd, [big], null, limits, done)),
};

async function idle(): Promise<number> {
  for (let round = 0; round < 200 && stats().inFlight > 0; round++) await wait(10);
  return stats().inFlight;
}

for (const [kind, calls] of Object.entries({ reads, writes })) {
  t.test(`${kind} that wait for ever`, options, async (t) => {
    const before = descriptors();
    const handle = await open(fifo, 'r+');
    for (const [name, call] of Object.entries(calls)) {
      await t.rejects(
        call(handle.fd, handle, { timeout: 15 }),
        { name: 'TimeoutError', code: 'ETIMEDOUT' },
        name,
      );
      const controller = new AbortController();
      const { signal } = controller;
      const waiting = call(handle.fd, handle, { signal });
      setTimeout(() => controller.abort('reason'), 10);
      await t.rejects(waiting, { name: 'AbortError', cause: 'reason' }, name);
      await t.rejects(call(handle.fd, handle, { signal }), { name: 'AbortError', cause: 'reason' }, name);
      t.equal(listeners(signal), 0);
      t.equal(await idle(), 0, `${name}: the kernel was told to stop`);
    }
    await handle.close();
    t.equal(await settledDescriptors(before), before);
  });
}

t.test('limits that are not reached change nothing', options, async (t) => {
  const { signal } = new AbortController();
  const limits = { signal, timeout: 60_000 };
  const handle = await open(fifo, 'r+');
  for (const [name, write] of Object.entries({
    promise: () => handle.write('0123456789', null, 'utf8', limits),
    callback: () => called((done) => loose.write!(handle.fd, '0123456789', null, 'utf8', limits, done)),
    vector: () => handle.writev([Buffer.from('01234'), Buffer.from('56789')], null, limits),
  })) {
    for (const [form, read] of Object.entries(reads)) {
      await write();
      const result = await read(handle.fd, handle, limits);
      const content = Object.values(result as object)
        .flat()
        .find((value) => Buffer.isBuffer(value));
      t.equal(String(content), '0123456789', `${name}, ${form}`);
    }
  }
  t.equal(listeners(signal), 0);
  await handle.close();
});

t.test('the position of a read that was ended: the next one gets the bytes', options, async (t) => {
  let rejected = 0;
  const wrong: string[] = [];
  for (let round = 0; round < 300; round++) {
    const handle = await open(file);
    const controller = new AbortController();
    // Beyond 512 KiB a kernel worker does it: the abort meets it before, while and after it reads.
    const length = round % 2 ? 600_000 : 1000;
    const reading = handle.read(Buffer.alloc(length), 0, length, null, { signal: controller.signal });
    if (round % 3 === 0) queueMicrotask(() => controller.abort());
    else if (round % 3 === 1) setImmediate(() => controller.abort());
    else setTimeout(() => controller.abort(), 1);
    let taken = 0;
    await reading.then(
      ({ bytesRead }) => (taken = bytesRead),
      () => rejected++,
    );
    // Behind the one that was ended.
    const next = Buffer.alloc(100);
    await handle.read(next, 0, 100);
    if (!next.equals(data.subarray(taken, taken + 100))) wrong.push(`round ${round}, ${taken} bytes`);
    await handle.close();
  }
  t.same(wrong, []);
  t.ok(rejected > 50, `${rejected} were ended`);
});

t.test('a pipe: what comes after a read was ended is for the next one', options, async (t) => {
  const handle = await open(fifo, 'r+');
  const controller = new AbortController();
  const waiting = handle.read(buffer(), 0, 10, null, { signal: controller.signal });
  await wait(5);
  controller.abort();
  await t.rejects(waiting, { name: 'AbortError' });
  await idle();
  nodeFs.writeSync(handle.fd, 'after');
  const { bytesRead, buffer: got } = await handle.read(buffer(), 0, 10, null, { timeout: 10_000 });
  t.equal(got.toString('latin1', 0, bytesRead), 'after');
  await handle.close();
});

t.test('a handle stays open until the kernel has let go', options, async (t) => {
  const handle = await open(fifo, 'r+');
  const { fd } = handle;
  const controller = new AbortController();
  const waiting = handle.read(buffer(), 0, 10, null, { signal: controller.signal });
  await wait(5);
  const closed = handle.close();
  t.ok(nodeFs.existsSync(`/proc/self/fd/${fd}`), 'the read uses it');
  controller.abort();
  await t.rejects(waiting, { name: 'AbortError' });
  await closed;
  t.equal(handle.fd, -1);
});

t.test('open, fsync, fdatasync with a callback', options, async (t) => {
  const before = descriptors();
  const late = { name: 'TimeoutError', code: 'ETIMEDOUT' };
  const begin = performance.now();
  await t.rejects(
    called((done) => loose.open!(fifo, 'r', 0o666, { timeout: 20 }, done)),
    late,
  );
  t.ok(performance.now() - begin < 5000);
  const [fd] = await called((done) => loose.open!(file, 'r+', undefined, { timeout: 60_000 }, done));
  for (const name of ['fsync', 'fdatasync']) {
    t.same(await called((done) => loose[name]!(fd, { timeout: 60_000 }, done)), []);
    t.same(await called((done) => loose[name]!(fd, done)), []);
    const aborted = { signal: AbortSignal.abort() };
    await t.rejects(
      called((done) => loose[name]!(fd, aborted, done)),
      { name: 'AbortError' },
    );
    t.throws(() => loose[name]!(fd, { timeout: -1 }, () => {}), { code: 'ERR_OUT_OF_RANGE' });
    t.throws(() => loose[name]!(fd), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  nodeFs.closeSync(fd as number);
  t.equal(await settledDescriptors(before), before);
});

t.test('limits are checked like other arguments', options, async (t) => {
  const handle = await open(file);
  for (const [name, call] of Object.entries({ ...reads, ...writes })) {
    const rejects = { code: 'ERR_INVALID_ARG_TYPE', message: /options\.(signal|timeout)/ };
    // Among node's own options a signal may be anything, as it means nothing there.
    const signals = name.includes('options') ? [] : [{ signal: 5 }];
    for (const bad of [...signals, { timeout: 'soon' }]) {
      await t.rejects(async () => call(handle.fd, handle, bad as unknown as Limits), rejects, name);
    }
  }
  await handle.close();
});
