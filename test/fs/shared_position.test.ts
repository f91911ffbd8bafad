// A file's own position that others use as well: synchronous calls, other threads, other processes. Not a byte is lost or read
// twice, as with node, which reads and writes by system calls that lock the position. Shown to fail: `placeOf` (lib/fs/turns.ts) always
// positionOf, so all of it on the ring: a race, which half of these lose each time, and the others now and then.
// And what nobody else can use stays on the ring: shown to fail with `isPrivate` (lib/fs/private_descriptors.ts) always false.
import { spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import nodeFs from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { inspect, promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { backend } from 'ringcore/core';
import fs from 'ringcore/fs';
import { open } from 'ringcore/fs/promises';
import { openDescriptors } from '../core/support.js';
import { scaled } from '../slowness.js';

const dir = t.testdir();
const file = join(dir, 'file');
const mebibyte = 2 ** 20;
const withRing = { skip: backend.name === 'node' && 'without a ring' };

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const write = promisify(fs.write) as unknown as (fd: number, ...args: unknown[]) => Promise<unknown>;
const writeTo = (stream: Writable, chunk: unknown): Promise<unknown> =>
  new Promise((resolve) => stream.write(chunk, resolve));
const end = (stream: Writable): Promise<unknown> =>
  new Promise((resolve) => stream.end(resolve as () => void));

/** Runs a program whose `fs` is ringcore's. */
async function run(script: string, stdio: StdioOptions): Promise<void> {
  const source = `import fs from ${JSON.stringify(import.meta.resolve('ringcore/fs'))}; ${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio });
  const [code] = (await once(child, 'exit')) as [number];
  if (code !== 0) throw new Error(`exit code ${code}`);
}

/** How many bytes of each letter a file has. */
function letters(path: string): Record<string, number> {
  const counts: Record<string, number> = {};
  const byByte = new Uint32Array(256);
  for (const byte of nodeFs.readFileSync(path)) byByte[byte]!++;
  byByte.forEach((count, byte) => {
    if (count > 0) counts[String.fromCharCode(byte)] = count;
  });
  return counts;
}

/** Begins each of `writes`, of `bytes` 'a' in all, with a synchronous write of 'b' right behind it, and as it goes on. */
async function besideSync(t: Test, fd: number, bytes: number, start: () => Promise<unknown>): Promise<void> {
  const rounds = 12;
  let synced = 0;
  for (let round = 0; round < rounds; round++) {
    let going = true;
    const written = start().finally(() => (going = false));
    do {
      await turn();
      synced += nodeFs.writeSync(fd, 'b'.repeat(100));
    } while (going);
    await written;
  }
  t.strictSame(letters(file), { a: rounds * bytes, b: synced });
}

const content = Buffer.alloc(mebibyte, 'a');
const bySync: Record<string, (fd: number) => Promise<unknown>> = {
  write: (fd) => write(fd, content),
  'write, of a part': (fd) => write(fd, Buffer.alloc(2 * mebibyte, 'a'), 5, mebibyte, -1),
  writev: (fd) => promisify(fs.writev)(fd, [content.subarray(0, 5), content.subarray(5)]),
  writeFile: (fd) => promisify(fs.writeFile)(fd, content),
  appendFile: (fd) => promisify(fs.appendFile)(fd, content),
  stream: async (fd) => {
    const stream = fs.createWriteStream(file, { fd, autoClose: false });
    stream.end(content);
    await once(stream, 'finish');
  },
};

for (const [name, start] of Object.entries(bySync)) {
  t.test(`${name}, and writeSync`, async (t) => {
    const fd = nodeFs.openSync(file, 'w');
    await besideSync(t, fd, mebibyte, () => start(fd));
    nodeFs.closeSync(fd);
  });
}

t.test('a FileHandle whose number is known, and writeSync', async (t) => {
  const methods: Record<string, (handle: Awaited<ReturnType<typeof open>>) => Promise<unknown>> = {
    write: (handle) => handle.write(content),
    writev: (handle) => handle.writev([content.subarray(0, 5), content.subarray(5)]),
    writeFile: (handle) => handle.writeFile(content),
  };
  for (const method of Object.values(methods)) {
    const handle = await open(file, 'w');
    await besideSync(t, handle.fd, mebibyte, () => method(handle));
    await handle.close();
  }
});

t.test('a stream whose number is known, and writeSync', async (t) => {
  for (const name of ['property', 'open']) {
    const stream = fs.createWriteStream(file);
    const opened = name === 'open' ? once(stream, 'open') : undefined;
    while (stream.pending) await turn();
    const [fd] = ((await opened) ?? [(stream as unknown as { fd: number }).fd]) as [number];
    await besideSync(t, fd, mebibyte, () => writeTo(stream, content));
    await end(stream);
  }
});

t.test('standard output is a file: write, and console.log', async (t) => {
  const fd = nodeFs.openSync(file, 'w');
  await run(
    `let left = 80;
    const next = () => {
      if (left-- === 0) return;
      fs.write(1, Buffer.alloc(100_000, 'a'), () => {});
      setImmediate(() => { console.log('b'.repeat(99)); next(); });
    };
    next();`,
    ['ignore', fd, 'inherit'],
  );
  nodeFs.closeSync(fd);
  t.strictSame(letters(file), { a: 80 * 100_000, b: 80 * 99, '\n': 80 });
});

t.test('two processes write to what they have inherited', async (t) => {
  const fd = nodeFs.openSync(file, 'w');
  const writer = (letter: string): Promise<void> =>
    run(
      `const line = Buffer.alloc(100, '${letter}');
      let left = 1500;
      const next = () => { if (left-- > 0) fs.write(1, line, 0, line.length, null, next); };
      next();`,
      ['ignore', fd, 'inherit'],
    );
  await Promise.all([writer('a'), writer('b')]);
  nodeFs.closeSync(fd);
  t.strictSame(letters(file), { a: 1500 * 100, b: 1500 * 100 });
});

t.test("a child's standard output is a stream that is written to", async (t) => {
  for (const event of ['open', 'ready']) {
    const log = fs.createWriteStream(file);
    await once(log, event);
    const source = `for (let i = 0; i < 10_000; i++) fs.writeSync(1, 'b'.repeat(60))`;
    const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', log, 'inherit'] });
    let going = true;
    child.once('exit', () => (going = false));
    let written = 0;
    while (going) {
      await new Promise((resolve) => log.write(Buffer.alloc(60, 'a'), resolve));
      written += 60;
    }
    await end(log);
    t.strictSame(letters(file), { a: written, b: 10_000 * 60 }, event);
  }
});

/** `count` numbers, the first 4 bytes of each block of `blockBytes`. */
const blockBytes = 4096;
function numbered(count: number): Buffer {
  const data = Buffer.alloc(count * blockBytes);
  for (let i = 0; i < count; i++) data.writeUInt32LE(i, i * blockBytes);
  return data;
}

const readAll = `async (fs, fd, bytes, stop) => {
  const numbers = [];
  for (;;) {
    const buffer = Buffer.alloc(bytes);
    const read = await new Promise((resolve, reject) =>
      fs.read(fd, buffer, 0, bytes, null, (error, count) => (error ? reject(error) : resolve(count))));
    if (read === 0) return numbers;
    for (let i = 0; i < read; i += ${blockBytes}) numbers.push(buffer.readUInt32LE(i));
  }
}`;

t.test('two threads read a file together', async (t) => {
  const count = 4000;
  nodeFs.writeFileSync(file, numbered(count));
  for (const bytes of [50 * blockBytes, 200 * blockBytes]) {
    const fd = nodeFs.openSync(file, 'r');
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(import.meta.resolve('ringcore/fs'))}).then(({ default: fs }) => {
        parentPort.once('message', ([fd, bytes]) => (${readAll})(fs, fd, bytes).then((all) => parentPort.postMessage(all)));
        parentPort.postMessage('ready');
      });`,
      { eval: true },
    );
    await once(worker, 'message');
    worker.postMessage([fd, bytes]);
    type ReadAll = (module: typeof fs, fd: number, bytes: number) => Promise<number[]>;
    const read = (0, eval)(readAll) as ReadAll;
    const [mine, [theirs]] = await Promise.all([
      read(fs, fd, bytes),
      once(worker, 'message') as Promise<[number[]]>,
    ]);
    const all = [...mine, ...theirs].sort((a, b) => a - b);
    t.equal(all.length, count, `${bytes} bytes`);
    t.ok(all.every((number, index) => number === index));
    await worker.terminate();
    nodeFs.closeSync(fd);
  }
});

t.test('readFile of a descriptor, and readSync', async (t) => {
  const count = 4000;
  nodeFs.writeFileSync(file, numbered(count));
  const fd = nodeFs.openSync(file, 'r');
  let going = true;
  const reading = promisify(fs.readFile)(fd).finally(() => (going = false));
  const all: number[] = [];
  const take = (data: Buffer, bytes: number): void => {
    for (let i = 0; i < bytes; i += blockBytes) all.push(data.readUInt32LE(i));
  };
  while (going) {
    const buffer = Buffer.alloc(blockBytes);
    take(buffer, nodeFs.readSync(fd, buffer, 0, blockBytes, null));
    await turn();
  }
  const rest = await reading;
  take(rest, rest.length);
  nodeFs.closeSync(fd);
  t.strictSame(
    all.sort((a, b) => a - b),
    Array.from({ length: count }, (_, i) => i),
  );
});

t.test('a close behind writes is behind them', withRing, async (t) => {
  for (let round = 0; round < 15; round++) {
    const fd = nodeFs.openSync(file, 'w');
    const writes = Array.from({ length: 20 }, () => write(fd, content.subarray(0, 100_000)));
    await Promise.all([...writes, promisify(fs.close)(fd)]);
    t.equal(nodeFs.statSync(file).size, 2_000_000);
  }
});

/** How many requests node's threads have of this one. */
function nodesRequests(): number {
  return (process as unknown as { _getActiveRequests(): unknown[] })._getActiveRequests().length;
}

t.test('what nobody else can use is on the ring', withRing, async (t) => {
  const handle = await open(file, 'w+');
  await handle.write('0123456789');
  const isOnRing = async (start: () => Promise<unknown>): Promise<boolean> => {
    // One that has just called back still counts.
    await turn();
    const going = start();
    const requests = nodesRequests();
    await going;
    return requests === 0;
  };
  t.ok(await isOnRing(() => handle.write(content)), 'written');
  t.ok(await isOnRing(() => handle.read(Buffer.alloc(mebibyte))), 'read');
  t.ok(await isOnRing(() => handle.readFile()), 'read to the end');
  const { fd } = handle;
  t.notOk(await isOnRing(() => handle.write(content)), 'no longer');
  t.ok(await isOnRing(() => handle.write(content, 0, 10, 0)), 'but at a given position');
  t.ok(await isOnRing(() => write(fd, content, 0, 10, 0)), 'also by its number');
  await handle.close();
  const appending = nodeFs.openSync(file, 'a');
  t.ok(await isOnRing(() => write(appending, 'more')), 'appended');
  nodeFs.closeSync(appending);

  const stream = fs.createWriteStream(file);
  await writeTo(stream, 'first');
  t.ok(await isOnRing(() => writeTo(stream, content)), 'a stream');
  void (stream as unknown as { fd: number }).fd;
  t.notOk(await isOnRing(() => writeTo(stream, content)), 'a stream whose number is known');
  await end(stream);
});

t.test("a stream's fd is a property as node's", async (t) => {
  nodeFs.writeFileSync(file, 'content');
  const shown = (stream: object): string | undefined => /\bfd: [^,\n]*/.exec(inspect(stream))?.[0];
  const facts = async (module: typeof nodeFs): Promise<unknown> => {
    const all: unknown[] = [];
    for (const stream of [module.createReadStream(file), module.createWriteStream(join(dir, 'new'))]) {
      const own = stream as unknown as { fd: number | null };
      // Once while nobody knows its number, once when it has been asked for.
      for (let round = 0; round < 2; round++) {
        while (stream.pending) await turn();
        all.push(Object.keys(stream), shown(stream)?.replace(/\d+/, 'NUMBER'));
        all.push(typeof own.fd, { ...own }.fd === own.fd);
      }
      const { value, ...how } = Object.getOwnPropertyDescriptor(stream, 'fd') as { value: unknown };
      all.push(typeof value, how);
      stream.destroy();
      await once(stream, 'close');
      all.push(own.fd, shown(stream));
    }
    return all;
  };
  t.strictSame(await facts(fs), await facts(nodeFs));
});

t.test('streams that are known as another object, or destroyed too soon', async (t) => {
  const facts = async (module: typeof nodeFs): Promise<unknown> => {
    const all: unknown[] = [];
    for (const other of [
      (stream: object): object => new Proxy(stream, {}),
      (stream: object): object => Object.create(stream) as object,
    ]) {
      const path = join(dir, 'other');
      const writer = module.createWriteStream(path);
      const writes = other(writer) as typeof writer & { fd: number };
      // The second when the file is open.
      await writeTo(writes, 'con');
      await writeTo(writes, 'tent');
      all.push(typeof writes.fd, typeof (writer as unknown as { fd: number }).fd);
      await end(writer);
      all.push(nodeFs.readFileSync(path, 'utf8'));
      const reader = module.createReadStream(path);
      const reads = other(reader) as typeof reader & { fd: number };
      // Not by asking for its fd.
      await new Promise((resolve) => setTimeout(resolve, scaled(100)));
      all.push(typeof reads.fd, String(await reads.toArray()), reader.destroyed);
    }
    const early = module.createReadStream(file) as nodeFs.ReadStream & { fd: number | null };
    early.destroy();
    await once(early, 'close');
    all.push(early.fd, early.pending);
    return all;
  };
  const before = openDescriptors().length;
  t.strictSame(await facts(fs), await facts(nodeFs));
  t.equal(openDescriptors().length, before);
});

t.test('of no bytes the kernel says whether they could be written', async (t) => {
  const fd = nodeFs.openSync(file, 'r');
  t.teardown(() => nodeFs.closeSync(fd));
  const outcome = (module: typeof nodeFs): Promise<unknown> =>
    new Promise((resolve) => module.writev(fd, [Buffer.alloc(0)], null, (error) => resolve(error?.message)));
  t.equal(await outcome(fs as typeof nodeFs), await outcome(nodeFs));
});

t.test('limits: it rejects at once, and what waits is not begun', withRing, async (t) => {
  const fd = nodeFs.openSync(file, 'w');
  const loose = write as unknown as (...args: unknown[]) => Promise<unknown>;
  const controller = new AbortController();
  const { signal } = controller;
  const first = write(fd, content);
  const second = loose(fd, 'second', null, 'utf8', { signal });
  const third = write(fd, 'third');
  controller.abort();
  await t.rejects(second, { name: 'AbortError' });
  await Promise.all([first, third]);
  nodeFs.closeSync(fd);
  t.equal(nodeFs.readFileSync(file, 'latin1').slice(mebibyte), 'third');
});
