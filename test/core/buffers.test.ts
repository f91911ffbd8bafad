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
      copyBytes: 0,
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

t.test('small chunks are copied, large ones are views of the slab', incrementalOrSkip, async (t) => {
  const buffers = new BufferRing({ entries: 2, bufferBytes: 65536, copyBytes: 100 });
  t.teardown(() => buffers.close());
  const [client, server] = await socketPair(t);
  const iterator = recvMultishot(server, { buffers })[Symbol.asyncIterator]();
  await send(client, Buffer.alloc(100, 's'));
  const small = (await iterator.next()).value!;
  await send(client, Buffer.alloc(2000, 'l'));
  const large = (await iterator.next()).value!;
  t.equal(large.buffer.byteLength, 65536);
  t.not(small.buffer, large.buffer);
  await iterator.return?.();
  t.ok(large.equals(Buffer.alloc(2000, 'l')));
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
