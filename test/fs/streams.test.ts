// ReadStream and WriteStream: every byte, in order, once; and the events of node's.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import nodeFs from 'node:fs';
import { join } from 'node:path';
import { finished, pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import fs from 'ringcore/fs';
import { open } from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, pattern, settledDescriptors } from './helpers.js';

const dir = t.testdir();
const source = join(dir, 'source');
const target = join(dir, 'target');

async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

t.test('sizes and high water marks: the same bytes in the same chunks', async (t) => {
  const before = descriptors();
  for (const size of [0, 1, 100, 65_535, 65_536, 65_537, 262_144, 1_000_003]) {
    const data = pattern(size);
    nodeFs.writeFileSync(source, data);
    for (const highWaterMark of [size < 1000 ? 1 : 1000, 4096, 65_536, 100_000, 700_000]) {
      const name = `${size} bytes by ${highWaterMark}`;
      const stream = fs.createReadStream(source, { highWaterMark });
      const lengths: number[] = [];
      stream.on('data', (chunk) => lengths.push(chunk.length));
      const read = await collect(stream);
      t.ok(read.equals(data), name);
      t.equal(stream.bytesRead, size);
      const expected = Array.from({ length: Math.ceil(size / highWaterMark) }, (_, index) =>
        Math.min(highWaterMark, size - index * highWaterMark),
      );
      t.same(lengths, expected, `${name}: chunks`);
      await pipeline(
        fs.createReadStream(source, { highWaterMark }),
        fs.createWriteStream(target, { highWaterMark }),
      );
      t.ok(nodeFs.readFileSync(target).equals(data), `${name}, piped`);
    }
  }
  t.equal(await settledDescriptors(before), before);
});

t.test('start and end', async (t) => {
  const data = pattern(300_000);
  nodeFs.writeFileSync(source, data);
  for (const [start, end] of [
    [0, 0],
    [1, 1],
    [0, 65_535],
    [65_536, 200_000],
    [299_999, 400_000],
    [300_000, 300_001],
    [5, undefined],
    [undefined, 99],
  ]) {
    const ring = await collect(fs.createReadStream(source, { start, end }));
    const node = await collect(nodeFs.createReadStream(source, { start, end }));
    t.ok(ring.equals(node), `${start} to ${end}: ${node.length} bytes`);
  }
  nodeFs.writeFileSync(target, '0123456789');
  const stream = fs.createWriteStream(target, { flags: 'r+', start: 3 });
  stream.write('ab');
  stream.end('cd');
  await finished(stream);
  t.equal(nodeFs.readFileSync(target, 'utf8'), '012abcd789');
  await finished(fs.createWriteStream(target, { flags: 'a' }).end('!'));
  t.equal(nodeFs.readFileSync(target, 'utf8'), '012abcd789!');
});

t.test('the order of events', async (t) => {
  nodeFs.writeFileSync(source, pattern(200_000));
  const events = async (module: typeof nodeFs, path: string): Promise<string[]> => {
    const seen: string[] = [];
    const record = (name: string, stream: NodeJS.EventEmitter, names: string[]): void => {
      for (const event of names)
        stream.on(event, (value) =>
          seen.push(`${name} ${event} ${value instanceof Error ? value.message : ''}`),
        );
    };
    const reader = module.createReadStream(path);
    seen.push(`pending ${reader.pending} ${reader.path as string}`);
    record('read', reader, ['open', 'ready', 'end', 'error', 'close']);
    reader.resume();
    await once(reader, 'close').catch(() => {});
    await wait(5);
    const writer = module.createWriteStream(target);
    record('write', writer, ['open', 'ready', 'finish', 'error', 'close']);
    writer.write('a');
    writer.end('b', () => seen.push(`ended ${writer.bytesWritten}`));
    await once(writer, 'close');
    seen.push(`${reader.bytesRead} ${reader.destroyed} ${reader.closed} ${writer.pending}`);
    return seen;
  };
  for (const path of [source, join(dir, 'absent'), dir]) {
    t.same(await events(fs, path), await events(nodeFs, path), path);
  }
});

t.test('growing, cut, and rewritten files', async (t) => {
  nodeFs.writeFileSync(source, pattern(100_000));
  const growing = fs.createReadStream(source, { highWaterMark: 10_000 });
  let appended = false;
  let bytes = 0;
  for await (const chunk of growing) {
    bytes += (chunk as Buffer).length;
    if (!appended) nodeFs.appendFileSync(source, pattern(50_000));
    appended = true;
  }
  t.equal(bytes, 150_000, 'what was appended meanwhile is read');
  const cut = fs.createReadStream(source, { highWaterMark: 10_000 });
  bytes = 0;
  for await (const chunk of cut) {
    bytes += (chunk as Buffer).length;
    if (bytes === 10_000) nodeFs.truncateSync(source, 75_000);
  }
  t.equal(bytes, 75_000, 'nothing is read beyond where it was cut');
});

t.test('chunks that are kept stay as they were', async (t) => {
  const data = pattern(2_000_000);
  nodeFs.writeFileSync(source, data);
  const kept = await Promise.all([1, 2, 3].map(async () => fs.createReadStream(source).toArray()));
  for (const chunks of kept) t.ok(Buffer.concat(chunks as Buffer[]).equals(data));
});

t.test('nobody reads: no more than the high water mark and what was in flight', async (t) => {
  nodeFs.writeFileSync(source, pattern(4_000_000));
  const stream = fs.createReadStream(source);
  stream.once('readable', () => {});
  await wait(100);
  t.ok(stream.readableLength <= 2 * 65_536, `${stream.readableLength} bytes are buffered`);
  stream.destroy();
  await once(stream, 'close');
});

t.test('destroyed at any moment: closed once, nothing left open', async (t) => {
  const before = descriptors();
  nodeFs.writeFileSync(source, pattern(1_000_000));
  for (let round = 0; round < 200; round++) {
    const stream = fs.createReadStream(source, { highWaterMark: 16_384 });
    let closes = 0;
    stream
      .on('close', () => closes++)
      .on('error', (error) => t.fail(error.message))
      .on('data', () => {});
    if (round % 4 === 0) stream.destroy();
    else if (round % 4 === 1) stream.once('data', () => stream.destroy());
    else if (round % 4 === 2) setImmediate(() => stream.destroy());
    else stream.once('open', () => stream.close());
    await once(stream, 'close');
    if (closes !== 1) t.fail(`${closes} close events`);
  }
  for await (const chunk of fs.createReadStream(source)) {
    t.ok(chunk);
    break;
  }
  const controller = new AbortController();
  const aborted = fs.createReadStream(source, { signal: controller.signal });
  aborted.once('data', () => controller.abort());
  await t.rejects(collect(aborted), { name: 'AbortError' });
  const late = new AbortController();
  setTimeout(() => late.abort(), 20);
  const writer = fs.createWriteStream(target, { signal: late.signal });
  await t.rejects(finished(writer), { name: 'AbortError' });
  t.equal(await settledDescriptors(before), before);
});

t.test('pipes and FIFOs', async (t) => {
  const fifo = join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const before = descriptors();
  const data = pattern(500_000);
  nodeFs.writeFileSync(source, data);
  const reading = collect(fs.createReadStream(fifo));
  // Under test/asan dd would end at once: its own use of memory is not to ASan's liking.
  const script = 'unset LD_PRELOAD; sleep 0.05; exec dd bs=999 status=none < "$0" > "$1"';
  const writer = spawn('sh', ['-c', script, source, fifo], { stdio: 'ignore' });
  const read = await reading;
  t.ok(read.equals(data), 'a FIFO is read from its writer to the end');
  if (writer.exitCode === null) await once(writer, 'close');

  const waiting = fs.createReadStream(fifo, { flags: 'r+' });
  await once(waiting, 'open');
  waiting.resume();
  await wait(20);
  waiting.destroy();
  await once(waiting, 'close');
  t.pass('a stream that waits for data can be destroyed');
  t.equal(await settledDescriptors(before), before);
});

t.test('descriptors: from where they stand, and they stay open if wanted', async (t) => {
  nodeFs.writeFileSync(source, pattern(300_000));
  const fd = nodeFs.openSync(source, 'r');
  nodeFs.readSync(fd, Buffer.alloc(100), 0, 100, null);
  const rest = await collect(fs.createReadStream('', { fd, autoClose: false }));
  t.ok(rest.equals(pattern(300_000).subarray(100)));
  const part = await collect(fs.createReadStream('', { fd, autoClose: false, start: 7, end: 200_000 }));
  t.ok(part.equals(pattern(300_000).subarray(7, 200_001)));
  nodeFs.closeSync(fd);
});

t.test('open, read, close of the program', async (t) => {
  nodeFs.writeFileSync(source, pattern(150_000));
  const calls = { open: 0, read: 0, close: 0 };
  const own = {
    open: (...args: unknown[]) => (calls.open++, (nodeFs.open as (...args: unknown[]) => void)(...args)),
    read: (...args: unknown[]) => (calls.read++, (nodeFs.read as (...args: unknown[]) => void)(...args)),
    close: (...args: unknown[]) => (calls.close++, (nodeFs.close as (...args: unknown[]) => void)(...args)),
  };
  const stream = fs.createReadStream(source, { fs: own });
  t.ok((await collect(stream)).equals(pattern(150_000)));
  t.same(calls, { open: 1, read: 4, close: 1 });

  const original = fs.read;
  let patchedReads = 0;
  (fs as { read: unknown }).read = (...args: unknown[]) => {
    patchedReads++;
    (original as (...args: unknown[]) => void)(...args);
  };
  t.teardown(() => ((fs as { read: unknown }).read = original));
  t.ok((await collect(fs.createReadStream(source))).equals(pattern(150_000)));
  t.ok(patchedReads >= 3, 'a patched fs.read is called');
});

t.test('without new, derived, and on a handle', async (t) => {
  nodeFs.writeFileSync(source, 'content');
  const { ReadStream, WriteStream } = fs as unknown as Record<
    string,
    new (...args: unknown[]) => NodeJS.ReadableStream
  >;
  const call = ReadStream as unknown as (path: string) => NodeJS.ReadableStream;
  t.equal(String(await collect(call(source))), 'content');
  t.ok(call(source) instanceof ReadStream!);
  t.ok(call(source) instanceof nodeFs.ReadStream);
  class Derived extends ReadStream! {}
  t.equal(String(await collect(new Derived(source))), 'content');
  function Old(this: object, path: string): void {
    (ReadStream as unknown as (this: object, path: string) => void).call(this, path);
  }
  Old.prototype = Object.create(ReadStream!.prototype as object) as object;
  t.equal(
    String(await collect(new (Old as unknown as new (path: string) => NodeJS.ReadableStream)(source))),
    'content',
  );
  t.ok(fs.createWriteStream(target).end() instanceof WriteStream!);
  const handle = await open(source);
  t.equal(String(await collect(fs.createReadStream('', { fd: handle }))), 'content');
  t.equal(handle.fd, -1);
});

t.test('a stream that could not be made leaves its handle as it was', async (t) => {
  const before = descriptors();
  const wrong = [{ encoding: 'none' }, { signal: {} }, { start: 'x' }];
  for (const options of wrong) {
    const handle = await open(source, 'r+');
    t.throws(() => handle.createReadStream(options as object), { code: /^ERR_INVALID_ARG/ });
    t.throws(() => handle.createWriteStream(options as object), { code: /^ERR_INVALID_ARG/ });
    await handle.close();
  }
  t.equal(await settledDescriptors(before), before);
});

t.test('flush, and errors of a write', async (t) => {
  const stream = fs.createWriteStream(target, { flush: true });
  stream.end(pattern(100_000));
  await once(stream, 'close');
  t.equal(nodeFs.statSync(target).size, 100_000);
  await t.rejects(finished(fs.createWriteStream('/dev/full').end('x')), { code: 'ENOSPC', syscall: 'write' });
});

t.test('many buffers at once', async (t) => {
  const stream = fs.createWriteStream(target);
  const expected: Buffer[] = [];
  for (let i = 0; i < 5000; i++) {
    const chunk = Buffer.from(`${i},`);
    expected.push(chunk);
    stream.write(chunk);
  }
  stream.end();
  await once(stream, 'close');
  t.ok(nodeFs.readFileSync(target).equals(Buffer.concat(expected)));
});
