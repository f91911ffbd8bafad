// A ReadStream piped into a WriteStream: every byte once, in order; the events of node's; and whoever begins to listen
// sees what comes from then on.
import { once } from 'node:events';
import nodeFs from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { backend } from 'ringcore';
import { stats } from 'ringcore/core';
import fs from 'ringcore/fs';
import { open } from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, pattern, settledDescriptors } from './helpers.js';

const dir = t.testdir();
const source = join(dir, 'source');
const target = join(dir, 'target');
const blockBytes = 256 * 1024;
const bigBytes = 8_000_000;
const big = pattern(bigBytes);
nodeFs.writeFileSync(join(dir, 'big'), big);

/** How many writes the ring was asked for; 0 where there is none. */
const writes = (): number => (backend.name === 'node' ? 0 : (stats().operations.write ?? 0));

interface Pair {
  reader: nodeFs.ReadStream;
  writer: nodeFs.WriteStream;
}

function bigPair(): Pair {
  return { reader: fs.createReadStream(join(dir, 'big')), writer: fs.createWriteStream(target) };
}

/** Waits until a pipe is going. */
async function going({ writer }: Pair): Promise<void> {
  while (writer.bytesWritten === 0) await turn();
}

t.test('sizes, places and high water marks: the same bytes and counts as node', async (t) => {
  const before = descriptors();
  for (const size of [0, 1, 65_536, blockBytes - 1, blockBytes, blockBytes + 1, 3 * blockBytes, 1_000_003]) {
    const data = pattern(size);
    nodeFs.writeFileSync(source, data);
    for (const options of [
      {},
      { start: 1 },
      { start: 70_000, end: 70_000 + blockBytes },
      { end: blockBytes - 1 },
      { highWaterMark: 1000 },
      { highWaterMark: 1_000_000 },
    ]) {
      const run = async (module: typeof nodeFs): Promise<unknown[]> => {
        const reader = module.createReadStream(source, options);
        const writer = module.createWriteStream(target);
        await pipeline(reader, writer);
        const { pos } = reader as unknown as { pos: unknown };
        return [
          nodeFs.readFileSync(target),
          reader.bytesRead,
          writer.bytesWritten,
          pos,
          reader.readableEnded,
        ];
      };
      const [content, ...counts] = await run(fs);
      const [expected, ...expectedCounts] = await run(nodeFs);
      const name = `${size} bytes, ${JSON.stringify(options)}`;
      t.ok((content as Buffer).equals(expected as Buffer), name);
      t.same(counts, expectedCounts, `${name}: counts`);
    }
  }
  nodeFs.writeFileSync(target, 'x'.repeat(300_000));
  nodeFs.writeFileSync(source, big);
  await pipeline(fs.createReadStream(source), fs.createWriteStream(target, { flags: 'r+', start: 100_000 }));
  const result = nodeFs.readFileSync(target);
  t.ok(result.subarray(100_000).equals(big), 'into the middle of a file');
  await pipeline(fs.createReadStream(source), fs.createWriteStream(target, { flags: 'a' }));
  t.equal(nodeFs.statSync(target).size, 100_000 + 2 * bigBytes, 'behind the end of a file');
  t.equal(await settledDescriptors(before), before);
});

t.test('nobody else listens: few writes, and little memory', async (t) => {
  const count = writes();
  const { reader, writer } = bigPair();
  await pipeline(reader, writer);
  t.ok(nodeFs.readFileSync(target).equals(big));
  if (backend.name === 'io_uring') {
    t.ok(writes() - count <= bigBytes / blockBytes + 2, `${writes() - count} writes`);
  }
  // A hole: many bytes and no disk.
  const bytes = 512 * 1024 * 1024;
  nodeFs.closeSync(nodeFs.openSync(source, 'w'));
  nodeFs.truncateSync(source, bytes);
  const rss = process.memoryUsage.rss();
  let most = 0;
  const sampling = setInterval(() => (most = Math.max(most, process.memoryUsage.rss() - rss)), 5);
  const sink = fs.createWriteStream('/dev/null');
  await pipeline(fs.createReadStream(source), sink);
  clearInterval(sampling);
  t.equal(sink.bytesWritten, bytes);
  if (backend.name === 'io_uring') t.ok(most < 16 * 1024 * 1024, `512 MiB take ${most} bytes`);
});

t.test('between two handles', async (t) => {
  const count = writes();
  const [from, to] = [await open(join(dir, 'big')), await open(target, 'w')];
  const writer = to.createWriteStream();
  await pipeline(from.createReadStream({ start: 10 }), writer);
  t.ok(nodeFs.readFileSync(target).equals(big.subarray(10)));
  t.equal(writer.bytesWritten, bigBytes - 10);
  t.same([from.fd, to.fd], [-1, -1], 'closed with their streams');
  if (backend.name === 'io_uring') t.ok(writes() - count < 40, `${writes() - count} writes`);

  const patched = await open(target, 'w');
  const sizes: number[] = [];
  const original = patched.write.bind(patched) as (...args: unknown[]) => unknown;
  (patched as { write: unknown }).write = (buffer: Buffer, ...rest: unknown[]) => {
    sizes.push(buffer.length);
    return original(buffer, ...rest);
  };
  await pipeline(fs.createReadStream(join(dir, 'big')), patched.createWriteStream());
  t.equal(Math.max(...sizes), 65_536, 'a patched handle gets every chunk');
});

t.test('many pipes at once do not share memory', async (t) => {
  const files = Array.from({ length: 12 }, (_, index) => {
    const data = Buffer.alloc(1_500_000 + index, index + 1);
    nodeFs.writeFileSync(join(dir, `from${index}`), data);
    return data;
  });
  await Promise.all(
    files.map((_, index) =>
      pipeline(fs.createReadStream(join(dir, `from${index}`)), fs.createWriteStream(join(dir, `to${index}`))),
    ),
  );
  for (const [index, data] of files.entries()) {
    t.ok(nodeFs.readFileSync(join(dir, `to${index}`)).equals(data), `file ${index}`);
  }
});

t.test('the events, and their order', async (t) => {
  const run = async (
    module: typeof nodeFs,
    from: string,
    to: string,
    watched: string[][],
  ): Promise<object> => {
    const reader = module.createReadStream(from);
    const writer = module.createWriteStream(to);
    const seen: Record<'reader' | 'writer' | 'ends', string[]> = { reader: [], writer: [], ends: [] };
    const record = (name: 'reader' | 'writer', stream: NodeJS.EventEmitter, events: string[]): void => {
      for (const event of events)
        stream.on(event, (value) => {
          const what = `${event} ${value instanceof Error ? value.message : ''}`;
          seen[name].push(what);
          // What happens in one stream because of the other; descriptors are opened and closed independently.
          if (['end', 'finish', 'error', 'unpipe'].includes(event)) seen.ends.push(`${name} ${what}`);
        });
    };
    record('reader', reader, watched[0]!);
    record('writer', writer, watched[1]!);
    const closed = Promise.allSettled([once(reader, 'close'), once(writer, 'close')]);
    const result = reader.pipe(writer);
    if (result !== writer) seen.ends.push('pipe does not return its destination');
    // node leaves the other stream open when one fails.
    reader.once('error', () => writer.destroy());
    writer.once('error', () => reader.destroy());
    await closed;
    return seen;
  };
  const ends = [
    ['open', 'ready', 'end', 'error', 'close'],
    ['open', 'ready', 'pipe', 'unpipe', 'finish', 'error', 'close'],
  ];
  // Without 'pause', 'resume' and 'drain': whether the last ones come is a race between the end of the reading and the
  // last write, in node too.
  const chunks = [[...ends[0]!, 'data'], ends[1]!];
  const absent = join(dir, 'absent', 'file');
  for (const size of [0, 10, 200_000, 1_000_000]) {
    nodeFs.writeFileSync(source, pattern(size));
    t.same(await run(fs, source, target, ends), await run(nodeFs, source, target, ends), `${size} bytes`);
    const [ours, nodes] = [await run(fs, source, target, chunks), await run(nodeFs, source, target, chunks)];
    t.same(ours, nodes, `${size} bytes, and each chunk`);
  }
  for (const [from, to] of [
    [absent, target],
    [source, absent],
    [dir, target],
    [source, '/dev/full'],
  ] as const) {
    t.same(await run(fs, from, to, ends), await run(nodeFs, from, to, ends), `${from} into ${to}`);
  }
});

t.test("'finish' comes before the reader is closed", async (t) => {
  // Not of an empty file: its end may be found before the destination is open.
  for (let round = 1; round <= 20; round++) {
    nodeFs.writeFileSync(source, big.subarray(0, 100_000 * round));
    const reader = fs.createReadStream(source);
    const writer = fs.createWriteStream(target);
    const order: string[] = [];
    reader.on('end', () => order.push('end')).on('close', () => order.push('close'));
    writer.on('finish', () => order.push('finish'));
    reader.pipe(writer);
    await Promise.all([once(reader, 'close'), once(writer, 'close')]);
    t.same(order, ['end', 'finish', 'close']);
  }
});

t.test('who begins to listen sees everything that comes from then on, by the high water mark', async (t) => {
  const pair = bigPair();
  pair.reader.pipe(pair.writer);
  await going(pair);
  const chunks: Buffer[] = [];
  pair.reader.on('data', (chunk) => chunks.push(chunk as Buffer));
  await finished(pair.writer);
  t.ok(nodeFs.readFileSync(target).equals(big), 'the file has it all');
  const tail = Buffer.concat(chunks);
  t.ok(tail.length > 0 && tail.equals(big.subarray(bigBytes - tail.length)), `${tail.length} bytes seen`);
  t.ok(chunks.every(({ length }) => length <= 65_536));
});

t.test('unpiped, paused, piped into a second stream, and written to in between', async (t) => {
  const unpiped = bigPair();
  unpiped.reader.pipe(unpiped.writer);
  await going(unpiped);
  unpiped.reader.unpipe(unpiped.writer);
  const rest: Buffer[] = [];
  unpiped.reader.on('data', (chunk) => rest.push(chunk as Buffer)).resume();
  await finished(unpiped.reader);
  unpiped.writer.end();
  await once(unpiped.writer, 'close');
  t.ok(rest.length > 0);
  t.ok(Buffer.concat([nodeFs.readFileSync(target), ...rest]).equals(big), 'unpiped: the two have it all');

  const paused = bigPair();
  paused.reader.pipe(paused.writer);
  await going(paused);
  paused.reader.pause();
  // What is in flight comes to its end.
  while (paused.writer.writableLength > 0) await turn();
  const { bytesWritten } = paused.writer;
  t.ok(bytesWritten < bigBytes);
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.equal(paused.writer.bytesWritten, bytesWritten, 'paused: nothing more is written');
  paused.reader.resume();
  await finished(paused.writer);
  t.ok(nodeFs.readFileSync(target).equals(big), 'and resumed');

  const both = bigPair();
  both.reader.pipe(both.writer);
  await going(both);
  const second = fs.createWriteStream(source);
  both.reader.pipe(second);
  await Promise.all([finished(both.writer), finished(second)]);
  t.ok(nodeFs.readFileSync(target).equals(big), 'the first of two destinations has it all');
  const part = nodeFs.readFileSync(source);
  t.ok(part.length > 0 && part.equals(big.subarray(bigBytes - part.length)), 'the second one its end');

  const mixed = bigPair();
  mixed.reader.pipe(mixed.writer);
  await going(mixed);
  const own = Buffer.from('of the program');
  mixed.writer.write(own);
  await finished(mixed.writer);
  const result = nodeFs.readFileSync(target);
  const at = result.indexOf(own);
  t.ok(at > 0);
  t.ok(Buffer.concat([result.subarray(0, at), result.subarray(at + own.length)]).equals(big), 'written to');
});

t.test('unpiped while the destination is stuck: the reader goes on', async (t) => {
  const before = descriptors();
  // Opened only when somebody reads it.
  const fifo = join(dir, 'fifo');
  (await import('node:child_process')).execFileSync('mkfifo', [fifo]);
  const reader = fs.createReadStream(join(dir, 'big'));
  const writer = fs.createWriteStream(fifo);
  let finishedWith: unknown = 'nothing';
  writer.on('error', (error) => (finishedWith = error));
  reader.pipe(writer);
  while (reader.bytesRead < 65_536) await turn();
  reader.unpipe(writer);
  const rest: Buffer[] = [];
  reader.on('data', (chunk) => rest.push(chunk as Buffer)).resume();
  await finished(reader);
  const tail = Buffer.concat(rest);
  t.ok(tail.equals(big.subarray(bigBytes - tail.length)) && tail.length > 0);
  writer.end();
  const first = await new Promise<Buffer>((resolve, reject) =>
    nodeFs.readFile(fifo, (error, data) => (error ? reject(error) : resolve(data))),
  );
  t.ok(Buffer.concat([first, tail]).equals(big), 'what the destination had taken comes out of it');
  t.equal(finishedWith, 'nothing');
  t.equal(await settledDescriptors(before), before);
});

t.test('patched and derived streams get every chunk', async (t) => {
  const sizes: number[] = [];
  const patched = bigPair();
  const original = patched.writer.write.bind(patched.writer) as (chunk: Buffer) => boolean;
  (patched.writer as { write: unknown }).write = (chunk: Buffer) => {
    sizes.push(chunk.length);
    return original(chunk);
  };
  await pipeline(patched.reader, patched.writer);
  t.equal(Math.max(...sizes), 65_536, 'write of the writer');

  sizes.length = 0;
  class Derived extends (fs.WriteStream as unknown as new (path: string) => nodeFs.WriteStream) {
    override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
      sizes.push(chunk.length);
      super._write(chunk, encoding, done);
    }
  }
  await pipeline(fs.createReadStream(join(dir, 'big')), new Derived(target));
  t.equal(Math.max(...sizes), 65_536, 'a derived writer');

  sizes.length = 0;
  const write = fs.write as (...args: unknown[]) => void;
  (fs as { write: unknown }).write = (...args: unknown[]) => {
    sizes.push(args[3] as number);
    write(...args);
  };
  t.teardown(() => ((fs as { write: unknown }).write = write));
  await pipeline(bigPair().reader, fs.createWriteStream(target));
  t.equal(Math.max(...sizes), 65_536, 'fs.write');
  t.ok(nodeFs.readFileSync(target).equals(big));
});

t.test('growing, and cut, while it is piped', async (t) => {
  nodeFs.writeFileSync(source, big);
  const growing = { reader: fs.createReadStream(source), writer: fs.createWriteStream(target) };
  growing.reader.pipe(growing.writer);
  await going(growing);
  nodeFs.appendFileSync(source, big);
  await finished(growing.writer);
  t.ok(nodeFs.readFileSync(target).equals(Buffer.concat([big, big])), 'what was appended is copied');
  const cut = { reader: fs.createReadStream(source), writer: fs.createWriteStream(target) };
  cut.reader.pipe(cut.writer);
  await going(cut);
  nodeFs.truncateSync(source, bigBytes);
  await finished(cut.writer);
  t.ok(nodeFs.readFileSync(target).equals(big), 'nothing behind the cut');
});

t.test('destroyed at any moment: closed once, nothing left open, no byte wrong', async (t) => {
  const before = descriptors();
  for (let round = 0; round < 120; round++) {
    const { reader, writer } = bigPair();
    const closes: string[] = [];
    reader.on('close', () => closes.push('reader')).on('error', (error) => t.fail(error.message));
    writer.on('close', () => closes.push('writer'));
    writer.on('error', (error: NodeJS.ErrnoException) => {
      // As node: what was in flight could not be reported any more.
      if (error.code !== 'ERR_STREAM_DESTROYED') t.fail(error.message);
    });
    reader.pipe(writer);
    const [first, other]: Writable[] =
      round % 2 === 0 ? [reader as unknown as Writable, writer] : [writer, reader as unknown as Writable];
    for (let turns = round >> 2; turns > 0; turns--) await turn();
    if (!first!.closed) {
      first!.destroy();
      await new Promise((resolve) => first!.once('close', resolve));
    }
    other!.destroy();
    if (!other!.closed) await new Promise((resolve) => other!.once('close', resolve));
    if (closes.length !== 2) t.fail(`closed ${closes.join(', ')}`);
    const content = nodeFs.readFileSync(target);
    if (!content.equals(big.subarray(0, content.length))) t.fail(`round ${round}: not the beginning of it`);
  }
  t.equal(await settledDescriptors(before), before);
});

t.test('a slow destination holds the reader back', async (t) => {
  const reader = fs.createReadStream(join(dir, 'big'));
  let taken = 0;
  let most = 0;
  const slow = new Writable({
    highWaterMark: 65_536,
    write(chunk: Buffer, _encoding, done) {
      taken += chunk.length;
      most = Math.max(most, reader.bytesRead - taken);
      setImmediate(done);
    },
  });
  await pipeline(reader, slow);
  t.equal(taken, bigBytes);
  t.ok(most <= 4 * 65_536, `${most} bytes ahead`);

  const pair = bigPair();
  let ahead = 0;
  const sampling = setInterval(
    () => (ahead = Math.max(ahead, pair.reader.bytesRead - pair.writer.bytesWritten)),
    0,
  );
  await pipeline(pair.reader, pair.writer);
  clearInterval(sampling);
  t.ok(ahead <= 3 * blockBytes, `${ahead} bytes ahead of a WriteStream`);
});
