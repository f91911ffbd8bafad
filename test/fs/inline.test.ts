// Answers from memory: the event loop still turns, and reads give the right bytes in the right order.
import nodeFs from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fadvise, ring } from 'ringcore/core';
import fs from 'ringcore/fs';
import { open, stat } from 'ringcore/fs/promises';
import t from 'tap';
import { answeredAtOnce, newTurn, useUpTurn } from './at_once.js';
import { pattern } from './helpers.js';

const dir = t.testdir();
const path = join(dir, 'file');
const content = pattern(1024 * 1024 + 100);
nodeFs.writeFileSync(path, content);

/**
 * The most between two setImmediates: what one turn may hold, 1 MiB in answers of 2 KiB, behind the first of them and once
 * more before the second (timers have come in between), and some that came through the ring.
 */
const mostPerTurn = 1200;

/** Calls `once` again and again, each time when it has ended; the longest run without a turn of the event loop. */
async function longestRun(
  once: () => Promise<unknown>,
): Promise<{ longest: number; timers: number; all: number }> {
  let [longest, run, all, timers, running] = [0, 0, 0, 0, true];
  const turned = (): void => {
    longest = Math.max(longest, run);
    run = 0;
    if (running) setImmediate(turned);
  };
  setImmediate(turned);
  const timer = setInterval(() => timers++, 1);
  const end = performance.now() + 200;
  while (performance.now() < end || timers < 5) {
    await once();
    run++;
    all++;
    // Where timers starve this goes on for ever; the test is to fail instead.
    if (run > 100_000) break;
  }
  running = false;
  clearInterval(timer);
  return { longest: Math.max(longest, run), timers, all };
}

t.test('an endless loop of awaits lets the event loop turn', async (t) => {
  const handle = await open(path);
  const buffer = Buffer.alloc(4096);
  const calls: Record<string, () => Promise<unknown>> = {
    stat: () => stat(path),
    'a stat that fails': () => stat(`${path}x`).catch(() => {}),
    'stat with a callback': () => promisify(fs.stat)(path),
    'FileHandle.stat': () => handle.stat(),
    'FileHandle.read': () => handle.read(buffer, 0, 4096, 0),
    'FileHandle.read, one byte': () => handle.read(buffer, 0, 1, 0),
    'read with a callback': () => promisify(fs.read)(handle.fd, buffer, 0, 4096, 0),
  };
  for (const [name, call] of Object.entries(calls)) {
    await call();
    let found = { longest: 0, timers: 0, all: 0 };
    const atOnce = await answeredAtOnce(async () => {
      found = await longestRun(call);
    });
    t.ok(found.longest <= mostPerTurn, `${name}: ${found.longest} in a turn`);
    t.ok(found.timers >= 5, `${name}: ${found.timers} timers`);
    t.ok(atOnce > found.all * 0.9, `${name}: ${atOnce} of ${found.all} at once`);
  }
  await handle.close();
});

t.test('many at once share a turn', async (t) => {
  let inTurn = 0;
  let longest = 0;
  let running = true;
  const turned = (): void => {
    longest = Math.max(longest, inTurn);
    inTurn = 0;
    if (running) setImmediate(turned);
  };
  setImmediate(turned);
  const one = async (): Promise<void> => {
    for (let i = 0; i < 500; i++) {
      await stat(path);
      inTurn++;
    }
  };
  await Promise.all(Array.from({ length: 32 }, one));
  running = false;
  t.ok(longest <= mostPerTurn, `${longest} in a turn`);
});

t.test('reads at a position', async (t) => {
  const handle = await open(path);
  const read = promisify(fs.read) as (...args: unknown[]) => Promise<{ bytesRead: number }>;
  const places = [
    [0, 4096],
    [1, 1],
    [4095, 4098],
    [content.length - 50, 4096],
    [content.length - 1, 1],
    [content.length, 10],
    [2 ** 40, 10],
    [65_537, 65_536],
    [0, 65_537],
    [0, content.length + 1],
  ] as const;
  for (const [label, before] of [
    ['at once', newTurn],
    ['through the ring', async () => useUpTurn()],
  ] as const) {
    for (const [position, length] of places) {
      const expected = content.subarray(position, position + length);
      const name = `${label}: ${length} bytes at ${position}`;
      for (const where of [position, BigInt(position)]) {
        const buffer = Buffer.alloc(length + 20, '.');
        await before();
        const { bytesRead } = await handle.read(buffer, 10, length, where as number);
        t.equal(bytesRead, expected.length, name);
        t.ok(buffer.subarray(10, 10 + bytesRead).equals(expected), name);
        t.equal(
          buffer.subarray(0, 10).toString() + buffer.subarray(10 + bytesRead, 20 + bytesRead).toString(),
          '.'.repeat(20),
        );
        buffer.fill('.');
        await before();
        t.equal((await read(handle.fd, buffer, 10, length, where)).bytesRead, expected.length);
        t.ok(buffer.subarray(10, 10 + bytesRead).equals(expected), `${name}, callback`);
      }
    }
  }
  const buffer = Buffer.alloc(4096);
  const some = (count: number) =>
    Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(100), 0, 100, index * 100);
        t.ok(
          content.subarray(index * 100, index * 100 + 100).equals(buffer.subarray(0, bytesRead)),
          `${index}`,
        );
      }),
    );
  for (const [count, then] of [
    [7, 1],
    [8, 0],
  ] as const) {
    // That they are many shows where no answers are left.
    await newTurn();
    useUpTurn();
    await some(count);
    t.equal(await answeredAtOnce(() => some(count)), then * count, `${count} at once, again`);
    // One alone, to end it.
    await some(1);
  }
  t.equal(await answeredAtOnce(() => handle.read(buffer, 0, 4096, 0)), 1, 'at once');
  t.equal(await answeredAtOnce(() => read(handle.fd, buffer, 0, 4096, 0)), 1, 'a callback too');
  t.equal(
    await answeredAtOnce(() => handle.read(Buffer.alloc(65_537), 0, 65_537, 0)),
    0,
    'not if it is long',
  );
  await handle.close();
});

t.test('a callback comes behind the call', async (t) => {
  const fd = nodeFs.openSync(path, 'r');
  for (const position of [0, null]) {
    await newTurn();
    const seen: unknown[] = [];
    await new Promise<void>((resolve) => {
      fs.read(fd, Buffer.alloc(10), 0, 10, position, (error, bytes) => {
        seen.push(error, bytes);
        resolve();
      });
      seen.push('returned');
    });
    t.same(seen, ['returned', null, 10]);
  }
  nodeFs.closeSync(fd);
});

t.test('reads at the own position follow one another', async (t) => {
  for (const waits of [true, false]) {
    const handle = await open(path);
    const chunks = Array.from({ length: 40 }, () => Buffer.alloc(30_000));
    await newTurn();
    const reads = [];
    for (const chunk of chunks) {
      const reading = handle.read(chunk, 0, chunk.length);
      if (waits) await reading;
      reads.push(reading);
      if (reads.length === 20) useUpTurn();
    }
    let bytes = Buffer.alloc(0);
    for (const [index, reading] of reads.entries()) {
      bytes = Buffer.concat([bytes, chunks[index]!.subarray(0, (await reading).bytesRead)]);
    }
    t.ok(bytes.equals(content), waits ? 'one by one' : 'all together');
    await handle.close();
  }
});

t.test('a read does not overtake a write that has not begun', async (t) => {
  const handle = await open(join(dir, 'written'), 'w+');
  await handle.write('....');
  const read = (): Promise<unknown> => handle.read(Buffer.alloc(4), 0, 4, 0);
  for (const position of [0, null]) {
    let writing: Promise<unknown> | undefined;
    const during = await answeredAtOnce(async () => {
      writing = handle.write('1234', position);
      await read();
    });
    t.equal(during, 0, `while it writes at ${position}`);
    await writing;
    t.equal(await answeredAtOnce(read), 1, 'behind it');
  }
  await handle.close();
});

t.test('what is not in the page cache comes through the ring', async (t) => {
  const handle = await open(path);
  await handle.sync();
  let misses = 0;
  const buffer = Buffer.alloc(65_536);
  for (let round = 0; round < 8; round++) {
    await fadvise(handle.fd, 4 /* POSIX_FADV_DONTNEED */);
    for (const position of [0, 600_000, content.length - 40_000]) {
      const before = ring().stats().operations.read ?? 0;
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      misses += (ring().stats().operations.read ?? 0) - before;
      t.ok(buffer.subarray(0, bytesRead).equals(content.subarray(position, position + buffer.length)));
    }
    // At the own position too, which a part that is in the page cache must not move by itself.
    const own = await open(path);
    for (let position = 0; position < 200_000; position += buffer.length) {
      const { bytesRead } = await own.read(buffer, 0, buffer.length);
      t.ok(buffer.subarray(0, bytesRead).equals(content.subarray(position, position + buffer.length)));
    }
    await own.close();
  }
  await handle.close();
  if (misses === 0) t.comment('SKIP: this file system keeps everything in memory');
});

t.test('what waits is left to the ring', async (t) => {
  const { O_RDONLY, O_DIRECT } = nodeFs.constants;
  // A direct read past pages that are not written yet fails with EAGAIN anyway.
  const writer = nodeFs.openSync(path, 'r+');
  nodeFs.fsyncSync(writer);
  nodeFs.closeSync(writer);
  try {
    const handle = await open(path, O_RDONLY | O_DIRECT);
    const memory = Buffer.from(new ArrayBuffer(8192 * 2));
    const aligned = memory.subarray((4096 - (memory.byteOffset % 4096)) % 4096).subarray(0, 4096);
    t.equal(await answeredAtOnce(() => handle.read(aligned, 0, 4096, 0).catch(() => {})), 0, 'O_DIRECT');
    await handle.close();
  } catch (error) {
    t.match(error, { code: 'EINVAL' }, 'this file system has no O_DIRECT');
  }
  const fd = nodeFs.openSync(dir, 'r');
  const read = promisify(fs.read) as (...args: unknown[]) => Promise<unknown>;
  await t.rejects(read(fd, Buffer.alloc(10), 0, 10, 0), { code: 'EISDIR', syscall: 'read' });
  nodeFs.closeSync(fd);
  await t.rejects(read(fd, Buffer.alloc(10), 0, 10, 0), { code: 'EBADF', syscall: 'read' });
});
