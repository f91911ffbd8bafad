import t from 'tap';
import { BufferRing, recvMultishot, RegisteredBuffer, Ring, ring, send, shutdown } from 'ringcore/core';
import { exception, incrementalBuffers, rejection, socketPair } from './support.js';

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
