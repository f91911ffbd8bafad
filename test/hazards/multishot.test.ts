// Operations that complete many times: full completion queues, buffers that run out, peers that leave, loops that are left.
// Each test is named after those of liburing that look for the same on the kernel's side.
//
// Broken on purpose, to see them fail:
//   cq-overflow            native/ring/buffer_ring.cc: consume() without `buffer.used += bytes`
//   recv-inc-ooo           the same; lib/core/multishot.ts: the queue is dropped when the terminal completion comes
//   mshot-shutdown-race    the first of the two
//   buf-ring-stress        lib/core/multishot.ts: not armed again when the kernel ended it; or behind ENOBUFS, when buffers
//                          have come back since
//   accept-mshot-stress    lib/core/multishot.ts: what nobody took is not discarded (clients wait for ever)
//   msg-ring-overflow      native/ring/ring.h: wants_enter() without CQ_OVERFLOW (it hangs)
//   cq-full                lib/core/control_ops.ts: a timer is over when the kernel ends it
import { once } from 'node:events';
import { connect as nodeConnect } from 'node:net';
import t, { type Test } from 'tap';
import { backend } from 'ringcore';
import {
  acceptMultishot,
  BufferRing,
  close,
  constants,
  msgRing,
  pollMultishot,
  read,
  recvMultishot,
  Ring,
  send,
  shutdown,
  timeoutMultishot,
  write,
} from 'ringcore/core';
import {
  descriptorsAtRest,
  descriptorsBackAt,
  listeningSocket,
  incrementalBuffers,
  makePipe,
  multishotTimers,
  socketPair,
} from '../core/support.js';
import { pattern } from '../net/support.js';

if (backend.name !== 'io_uring') {
  t.plan(0, `SKIP: no ring: ${backend.reason}`);
  process.exit();
}

/** Sends all of it, in pieces of many sizes, and the FIN. */
async function sendAll(fd: number, content: Buffer, seed: number): Promise<void> {
  for (let at = 0, piece = seed; at < content.length; piece = (piece * 7 + 13) % 5000) {
    at += await send(fd, content, { offset: at, length: Math.min(piece + 1, content.length - at) });
  }
  await shutdown(fd, constants.SHUT_WR);
}

async function receiveAll(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** Connections that all receive into one ring of buffers; each gets its own bytes in order. */
async function shared(t: Test, buffers: BufferRing, connections: number, bytes: number): Promise<number> {
  const pairs = await Promise.all(Array.from({ length: connections }, () => socketPair(t)));
  const armings = await Promise.all(
    pairs.map(async ([client, server], index) => {
      const content = pattern(bytes, index + 1);
      const receiving = recvMultishot(server, { buffers, ring: buffers.ring });
      const [received] = await Promise.all([receiveAll(receiving), sendAll(client, content, index * 17)]);
      t.ok(received.equals(content), `connection ${index}: ${received.length} of ${content.length} bytes`);
      return receiving.armings;
    }),
  );
  return Math.max(...armings);
}

t.test('cq-overflow, recv-multishot: data of many connections through a queue of four', async (t) => {
  const small = Ring.open({ entries: 4, cqEntries: 4 });
  t.teardown(() => small.close());
  const buffers = new BufferRing({ ring: small, entries: 16, bufferBytes: 2048 });
  const armings = await shared(t, buffers, 12, 40_000);
  t.ok(armings > 1, `armed ${armings} times`);
  const { cqDropped, inFlight, stale } = small.stats();
  t.strictSame({ cqDropped, inFlight, stale }, { cqDropped: 0, inFlight: 0, stale: 0 });
});

for (const incremental of [true, false]) {
  const skip = incremental ? await incrementalBuffers() : {};
  t.test(
    `recv-inc-ooo, recvsend_bundle-inc: buffers in pieces (incremental: ${incremental})`,
    skip,
    async (t) => {
      const buffers = new BufferRing({ entries: 8, bufferBytes: 3001, incremental });
      await shared(t, buffers, 8, 60_000);
      buffers.close();
    },
  );

  t.test(
    `buf-ring-stress, buf-ring-put: one buffer for all (incremental: ${incremental})`,
    skip,
    async (t) => {
      const buffers = new BufferRing({ entries: 1, bufferBytes: 700, incremental });
      const armings = await shared(t, buffers, 10, 20_000);
      t.ok(armings > 1, `armed ${armings} times`);
      t.equal(buffers.ring.stats().inFlight, 0);
      buffers.close();
    },
  );
}

t.test('mshot-shutdown-race: what was sent before the FIN comes before the end', async (t) => {
  for (let round = 0; round < 40; round++) {
    const [client, server] = await socketPair(t);
    const content = pattern(1 + round * 700, round + 1);
    const receiving = receiveAll(recvMultishot(server));
    await Promise.all([
      (async () => {
        for (let at = 0; at < content.length;) at += await send(client, content, { offset: at });
        await shutdown(client, constants.SHUT_WR);
        await close(client);
      })(),
      // The other direction ends meanwhile.
      shutdown(server, constants.SHUT_WR),
    ]);
    t.ok((await receiving).equals(content), `${content.length} bytes`);
    await close(server);
  }
});

t.test('accept-mshot-stress, poll-race-mshot: the loop is left while clients connect', async (t) => {
  // Not all descriptors: node:net keeps one in reserve from its first socket on.
  const sockets = (all: string[]): string[] => all.filter((one) => one.includes('socket:'));
  const before = await descriptorsAtRest();
  const { fd, address } = await listeningSocket(t);
  const rounds = 30;
  const clients: Promise<unknown>[] = [];
  for (let i = 0; i < rounds; i++) {
    for (let k = 0; k < 4; k++) {
      const client = nodeConnect(address.port, '127.0.0.1').resume();
      client.on('error', () => {});
      clients.push(once(client, 'close'));
    }
    for await (const socket of acceptMultishot(fd)) {
      await close(socket);
      break; // those that came with it are closed, and what comes later is for the next round
    }
  }
  // What nobody accepted ends with the listener.
  await close(fd);
  await Promise.all(clients);
  t.strictSame(sockets(await descriptorsBackAt(before)), sockets(before));
});

t.test('msg-ring-overflow, poll-mshot-overflow: messages and events through a queue of two', async (t) => {
  const small = Ring.open({ entries: 2, cqEntries: 2 });
  t.teardown(() => small.close());
  const messages = small.messages();
  const total = 500;
  const receiving = (async () => {
    const got: number[] = [];
    for await (const { value } of messages) if (got.push(value) === total) break;
    return got;
  })();
  const [reader, writer] = await makePipe(t);
  const events = pollMultishot(reader, constants.POLLIN, { ring: small })[Symbol.asyncIterator]();
  let seen = 0;
  for (let i = 0; i < total; i += 50) {
    const event = events.next();
    await Promise.all(Array.from({ length: 50 }, (_, k) => msgRing(small, { value: i + k })));
    await write(writer, Buffer.from('x'));
    if (!(await event).done) seen++;
    await read(reader, Buffer.alloc(1));
  }
  await events.return?.();
  t.strictSame(
    await receiving,
    Array.from({ length: total }, (_, i) => i),
  );
  t.equal(seen, total / 50);
  t.equal(small.stats().cqDropped, 0);
});

t.test('cq-full, multicqes_drain: timers that all fire at once', await multishotTimers(), async (t) => {
  const small = Ring.open({ entries: 2, cqEntries: 2 });
  t.teardown(() => small.close());
  const counts = await Promise.all(
    Array.from({ length: 40 }, async () => {
      let count = 0;
      for await (const tick of timeoutMultishot(0.05, { repeats: 25, ring: small })) count = tick;
      return count;
    }),
  );
  t.ok(counts.every((count) => count === 25));
  t.ok(small.stats().cqOverflows > 0);
});
