// A slow side bounds what the other can send, and memory with it.
import { once } from 'node:events';
import t from 'tap';
import {
  connected,
  closed,
  collect,
  hashOf,
  kernelAtLeast,
  listening,
  pattern,
  sleep,
  until,
} from './support.js';

/** What a receive without a limit can take before anybody sees that it is too much. */
const receiveBuffersBytes = (kernelAtLeast(6, 12) ? 1 : 4) * 2 ** 20;

t.test('a socket that nobody reads stops receiving', async (t) => {
  const total = 64 * 1024 * 1024;
  const data = pattern(1024 * 1024);
  const server = await listening((socket) => {
    let left = total;
    const write = (): void => {
      while (left > 0) {
        left -= data.length;
        if (!socket.write(data)) return void socket.once('drain', write);
      }
      socket.end();
    };
    write();
  });
  const socket = await connected(server);
  await sleep(300);
  const before = socket.bytesRead;
  await sleep(200);
  t.equal(socket.bytesRead, before, 'nothing comes while it waits');
  t.ok(
    socket.readableLength <= receiveBuffersBytes + 256 * 1024,
    `${socket.readableLength} bytes wait: what all receive buffers take, and the high water mark`,
  );
  let bytes = 0;
  let wrong = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    // The same mebibyte again and again.
    const at = bytes % data.length;
    if (
      chunk.compare(
        data,
        at,
        Math.min(at + chunk.length, data.length),
        0,
        Math.min(chunk.length, data.length - at),
      ) !== 0
    )
      wrong++;
    bytes += chunk.length;
  }
  t.equal(bytes, total);
  t.equal(wrong, 0);
  await closed(server);
});

t.test('a peer that does not read holds back writes, and drain tells when it does', async (t) => {
  const server = await listening();
  const taken = server[Symbol.asyncIterator]();
  const socket = await connected(server);
  const peer = (await taken.next()).value!;
  const data = pattern(30 * 1024 * 1024);
  peer.pause();
  t.equal(socket.write(data), false);
  let drained = false;
  socket.once('drain', () => (drained = true));
  await sleep(100);
  t.equal(drained, false);
  t.equal(socket.writableLength, data.length);
  const reading = collect(peer);
  t.ok(await until(() => drained, 5000), 'drained once the peer reads');
  socket.end();
  t.equal(hashOf(await reading), hashOf(data));
  await taken.return!();
  await closed(server);
});

t.test('a paused socket gets what came meanwhile, in order', async (t) => {
  const data = pattern(3_000_000, 5);
  const server = await listening((socket) => void socket.end(data));
  const socket = await connected(server);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (chunks.length % 3 === 0) {
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    }
  });
  await once(socket, 'close');
  t.equal(hashOf(Buffer.concat(chunks)), hashOf(data));
  await closed(server);
});

t.test('more chunks kept than there are receive buffers', async (t) => {
  // Every buffer is referenced by chunks that are kept: the kernel must get others.
  const data = pattern(32 * 1024 * 1024, 3);
  const server = await listening((socket) => void socket.end(data));
  const sockets = await Promise.all(Array.from({ length: 4 }, () => connected(server)));
  const all = await Promise.all(sockets.map((socket) => collect(socket)));
  for (const one of all) t.equal(hashOf(one), hashOf(data));
  await closed(server);
});

t.test('onread: data goes into a buffer of the user', async (t) => {
  const data = pattern(500_000, 8);
  const server = await listening((socket) => void socket.end(data));
  const got: Buffer[] = [];
  const buffer = Buffer.alloc(4096);
  const socket = await connected(server, {
    onread: {
      buffer,
      callback(bytes: number, memory: Uint8Array): boolean {
        got.push(Buffer.from(memory.subarray(0, bytes)));
        return true;
      },
    },
  });
  await once(socket, 'close');
  t.equal(hashOf(Buffer.concat(got)), hashOf(data));
  await closed(server);
});

t.test('destroy ends a write that the peer does not take', async (t) => {
  const server = await listening();
  const taken = server[Symbol.asyncIterator]();
  const socket = await connected(server);
  const peer = (await taken.next()).value!;
  peer.pause();
  const written: unknown[] = [];
  socket.write(pattern(30 * 1024 * 1024), (error) => written.push(error));
  // Until every buffer on the way is full.
  await sleep(400);
  socket.destroy();
  let done = false;
  socket.once('close', () => (done = true));
  t.ok(await until(() => done), 'closed');
  t.equal(written.length, 1, 'its callback was called');
  const end = once(
    peer.on('error', () => {}),
    'close',
  );
  peer.resume();
  await end;
  await taken.return!();
  await closed(server);
});
