import t from 'tap';
import {
  BufferRing,
  chain,
  nop,
  openat,
  readFixed,
  recvMultishot,
  RegisteredBuffer,
  Ring,
  ring,
  send,
  shutdown,
  timeout,
} from 'ringcore/core';
import { closeQuietly, exception, incrementalBuffers, makePipe, rejection, socketPair } from './support.js';

// Before the first test begins: it is an operation itself.
const incrementalOrSkip = await incrementalBuffers();

t.test('many connections share two buffers: ENOBUFS is nobody’s business', async (t) => {
  for (const incremental of [undefined, false]) {
    const buffers = new BufferRing({
      entries: 2,
      bufferBytes: 1024,
      ...(incremental === false && { incremental }),
    });
    t.teardown(() => buffers.close());
    const pairs = await Promise.all(Array.from({ length: 20 }, () => socketPair(t)));
    const bytes = 50_000;
    const armings = await Promise.all(
      pairs.map(async ([client, server], index) => {
        const operation = recvMultishot(server, { buffers });
        const receiving = (async () => {
          const chunks: Buffer[] = [];
          for await (const chunk of operation) chunks.push(chunk);
          return Buffer.concat(chunks);
        })();
        const sent = Buffer.alloc(bytes, index + 1);
        for (let at = 0; at < bytes;) at += await send(client, sent, { offset: at });
        await shutdown(client);
        t.ok((await receiving).equals(sent), `connection ${index}, incremental: ${incremental}`);
        return operation.armings;
      }),
    );
    t.ok(
      armings.some((count) => count > 1),
      'some were armed again',
    );
  }
});

t.test('buffers in place of closed ones are used from their beginning', async (t) => {
  // 6.1 goes on where the last ring of buffers of the same number, if that is below 64, had ended.
  for (let round = 0; round < 3; round++) {
    using buffers = new BufferRing({ entries: 2, bufferBytes: 1024, incremental: false });
    t.ok(buffers.group >= 64);
    const [client, server] = await socketPair(t);
    const sent = Buffer.alloc(5000, 'abcdefg');
    await send(client, sent);
    await shutdown(client);
    const chunks: Buffer[] = [];
    for await (const chunk of recvMultishot(server, { buffers })) chunks.push(chunk);
    t.ok(Buffer.concat(chunks).equals(sent));
  }
});

// Shown to fail: `take()` giving a view of the slab, or `Buffer.from(view)`, a piece of node's pool, and handing the slab
// out where it is not full.
t.test('a chunk may be detached: its memory is nobody else’s', incrementalOrSkip, async (t) => {
  const buffers = new BufferRing({ entries: 2, bufferBytes: 4096 });
  t.teardown(() => buffers.close());
  const [client, server] = await socketPair(t);
  const iterator = recvMultishot(server, { buffers })[Symbol.asyncIterator]();
  // The fourth one fills the first buffer's rest, the fifth a whole one.
  for (const bytes of [1, 100, 3000, 995, 4096, 100, 4096, 4000, 4096]) {
    await send(client, Buffer.alloc(bytes, `${bytes}`));
    let rest = Buffer.alloc(bytes, `${bytes}`);
    while (rest.length > 0) {
      const chunk = (await iterator.next()).value!;
      t.ok(chunk.equals(rest.subarray(0, chunk.length)), `of ${bytes}`);
      rest = rest.subarray(chunk.length);
      t.strictSame([chunk.byteOffset, chunk.buffer.byteLength], [0, chunk.length]);
      structuredClone(chunk.buffer, { transfer: [chunk.buffer as ArrayBuffer] });
      t.equal(chunk.length, 0, 'detached');
    }
  }
  await iterator.return?.();
});

t.test('registered buffers: until the table is full, and again', async (t) => {
  const other = Ring.open({ entries: 8, registeredBuffers: 3 });
  t.teardown(() => other.close());
  const buffers = [1, 2, 3].map((bytes) => new RegisteredBuffer(bytes * 4096, { ring: other }));
  t.strictSame(
    buffers.map(({ index, buffer }) => [index, buffer.length]),
    [
      [0, 4096],
      [1, 8192],
      [2, 12288],
    ],
  );
  t.match(
    exception(() => new RegisteredBuffer(1, { ring: other })),
    { code: 'ERR_INVALID_STATE' },
  );
  buffers[1]!.unregister();
  buffers[1]!.unregister();
  t.equal(new RegisteredBuffer(100, { ring: other }).index, 1);
  t.match(
    exception(() => new RegisteredBuffer(0)),
    { code: 'ERR_OUT_OF_RANGE' },
  );
});

t.test('bad options', async (t) => {
  t.match(
    exception(() => new BufferRing({ entries: 3 })),
    { code: 'ERR_OUT_OF_RANGE' },
  );
  t.match(
    exception(() => new BufferRing({ bufferBytes: 0 })),
    { code: 'ERR_OUT_OF_RANGE' },
  );
  t.match(
    exception(() => recvMultishot(0, { buffers: {} as never })),
    { code: 'ERR_INVALID_ARG_TYPE' },
  );
  const other = Ring.open({ entries: 8 });
  t.teardown(() => other.close());
  const buffers = new BufferRing({ ring: other });
  const foreign = recvMultishot(0, { buffers, ring: ring() })[Symbol.asyncIterator]().next();
  t.match(await rejection(foreign), { code: 'ERR_INVALID_STATE' });
});

// Shown to fail: the ring's close() followed by the buffers' inside a batch, with a chunk behind it.
t.test('the ring is closed, then its buffers, with chunks on their way', async (t) => {
  const other = Ring.open({ entries: 8 });
  const buffers = new BufferRing({ ring: other, entries: 2, bufferBytes: 4096 });
  const [client, server] = await socketPair(t);
  const iterator = recvMultishot(server, { ring: other, buffers })[Symbol.asyncIterator]();
  const first = iterator.next();
  await nop({ ring: other });
  // In one batch: the callback, and behind it the chunk.
  nop({ ring: other }).callback(() => {
    other.close();
    buffers.close();
  });
  send(client, Buffer.from('chunk'), { ring: other })
    .submit()
    .catch(() => {});
  t.equal(String((await first).value), 'chunk');
  t.match(await rejection(iterator.next()), { code: 'ECANCELED' });
});

/** Lets no buffer be allocated, until the function that it returns is called. */
function withoutMemory(): () => void {
  const original = Object.getOwnPropertyDescriptor(Buffer, 'allocUnsafeSlow')!;
  Buffer.allocUnsafeSlow = () => {
    throw new RangeError('no memory');
  };
  return () => void Object.defineProperty(Buffer, 'allocUnsafeSlow', original);
}

t.test('without memory for a chunk the iteration ends, and the buffer goes back', async (t) => {
  const buffers = new BufferRing({ entries: 1, bufferBytes: 4096, incremental: false });
  const [client, server] = await socketPair(t);
  for (const bytes of [5, 4096]) {
    const next = recvMultishot(server, { buffers })[Symbol.asyncIterator]().next();
    const putBack = withoutMemory();
    const [error] = await Promise.all([rejection(next), send(client, Buffer.alloc(bytes))]);
    putBack();
    t.match(error, { name: 'RangeError', message: 'no memory' });
  }
  const iterator = recvMultishot(server, { buffers })[Symbol.asyncIterator]();
  await send(client, Buffer.from('again'));
  t.equal(String((await iterator.next()).value), 'again');
  await iterator.return?.();
  buffers.close();
});

t.test('buffers that cannot be had leave no group behind', async (t) => {
  const groupOfNext = (): number => {
    using buffers = new BufferRing({ entries: 1, bufferBytes: 16 });
    return buffers.group;
  };
  const before = groupOfNext();
  const putBack = withoutMemory();
  t.match(
    exception(() => new BufferRing()),
    { message: 'no memory' },
  );
  putBack();
  t.equal(groupOfNext(), before);
});

// Shown to fail: the index freed at once. What was prepared, or waits in a chain, met no buffer, or the next one.
t.test('unregister() lets operations in flight end first', async (t) => {
  const other = Ring.open({ entries: 64, registeredBuffers: 2 });
  t.teardown(() => other.close());
  const bytes = 1 << 20;
  const fd = await openat(`${t.testdir({ zeros: Buffer.alloc(bytes) })}/zeros`);
  t.teardown(() => closeQuietly(fd));
  const options = { position: 0 };
  const buffer = new RegisteredBuffer(bytes, { ring: other });
  // More than one submission takes.
  const many = Array.from({ length: 8 }, () => readFixed(fd, buffer, options).submit());
  const behind = chain([timeout(20, { ring: other }), readFixed(fd, buffer, options)]);
  buffer.buffer.fill(1);
  buffer.unregister();
  t.notOk(buffer.registered);
  t.match(await rejection(readFixed(fd, buffer, options)), { code: 'ERR_INVALID_STATE' });
  // Its index is not free yet.
  const next = new RegisteredBuffer(4096, { ring: other });
  t.equal(next.index, 1);
  next.buffer.fill(1);
  t.match(
    exception(() => new RegisteredBuffer(4096, { ring: other })),
    { code: 'ERR_INVALID_STATE', message: /in use/ },
  );
  t.strictSame(await Promise.all(many), Array(8).fill(bytes));
  t.ok(buffer.buffer.every((byte) => byte === 0));
  t.strictSame(await behind, [undefined, bytes]);
  t.ok(next.buffer.every((byte) => byte === 1));
  const again = new RegisteredBuffer(4096, { ring: other });
  t.equal(again.index, 0, 'now it is');
  t.equal(await readFixed(fd, again, options), 4096);

  // One that is cancelled, too.
  const [reader] = await makePipe(t);
  const aborted = readFixed(reader, next);
  const error = rejection(aborted);
  await nop({ ring: other });
  next.unregister();
  aborted.cancel();
  t.match(await error, { name: 'AbortError' });
  await aborted.released;
  t.equal(new RegisteredBuffer(4096, { ring: other }).index, 1);
});
