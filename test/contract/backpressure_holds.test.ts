// Promise 12: a socket or file stream that nobody reads stops receiving within its highWaterMark plus what the kernel had
// in flight. (More: test/net/backpressure.test.ts.)
// Shown to fail: a `limit` of 4000 chunks (lib/fs/read_ahead.ts): more of the file was read than the stream may hold.
// `MultishotOperation.#want` (lib/core/multishot.ts) without its look at the queue: every connection was taken.
import { once } from 'node:events';
import { closeSync, writeFileSync } from 'node:fs';
import nodeNet, { type AddressInfo } from 'node:net';
import t from 'tap';
import { core, fs } from 'ringcore';
import net, { type Socket } from 'ringcore/net';
import { listeningSocket } from '../core/support.js';

const mebibyte = 1024 * 1024;
/** What all sockets together may have in flight, and a margin. */
const sharedBytes = 5 * mebibyte;
/** Read by the ring at most, if each read was of 64 KiB. */
const bytesOfFiles = (): number => (core.stats().operations['read'] ?? 0) * 64 * 1024;
const turns = async (count: number): Promise<void> => {
  while (count-- > 0) await new Promise((resolve) => setImmediate(resolve));
};

t.test('a socket that nobody reads', async (t) => {
  const piece = Buffer.alloc(256 * 1024);
  const server = nodeNet.createServer((peer) => {
    const send = (): void => {
      while (peer.write(piece));
    };
    peer.on('drain', send).on('error', () => {});
    send();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'readable');
  // It has settled when two looks find the same.
  for (let before = -1; before !== socket.bytesRead;) {
    before = socket.bytesRead;
    await turns(200);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.ok(socket.bytesRead <= socket.readableHighWaterMark + sharedBytes, `${socket.bytesRead} bytes`);
  const { bytesRead } = socket;
  socket.on('data', () => {});
  while (socket.bytesRead < bytesRead + 8 * mebibyte) await turns(10);
  socket.destroy();
  server.close();
  t.pass('and goes on when somebody does');
});

t.test('a file stream that nobody reads', async (t) => {
  const path = `${t.testdir()}/file`;
  writeFileSync(path, Buffer.alloc(32 * mebibyte));
  const stream = fs.createReadStream(path);
  const before = bytesOfFiles();
  await once(stream, 'readable');
  await turns(300);
  const read = bytesOfFiles() - before;
  t.ok(read <= 8 * 64 * 1024 + mebibyte, `${read} bytes`);
  stream.destroy();
  await once(stream, 'close');
});

t.test('an operation of many results that nobody takes', async (t) => {
  const { fd, address } = await listeningSocket(t);
  const highWaterMark = 4;
  const connections = core.acceptMultishot(fd, { highWaterMark });
  const iterator = connections[Symbol.asyncIterator]();
  const peers: nodeNet.Socket[] = [];
  const connect = async (): Promise<void> => {
    const peer = nodeNet.connect(address.port, address.address).on('error', () => {});
    peers.push(peer);
    await once(peer, 'connect');
    // Its result is here, and so is the end of what was stopped.
    await turns(20);
  };
  const first = iterator.next();
  await connect();
  closeSync((await first).value!);
  // One after the other: none can be in flight when it is stopped.
  for (let i = 0; i < 20; i++) await connect();
  t.equal(connections.queued, highWaterMark);
  t.equal(connections.slot, -1, 'it is not armed');
  for (let i = 0; i < 20; i++) closeSync((await iterator.next()).value!);
  t.pass('all come when they are taken');
  await iterator.return?.();
  for (const peer of peers) peer.destroy();
});

t.test('a peer that does not read holds back the writer', async (t) => {
  const server = net.createServer(() => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = nodeNet.connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [peer] = (await once(server, 'connection')) as [Socket];
  let written = 0;
  peer.on('error', () => {});
  while (peer.write(Buffer.alloc(64 * 1024)) && written < 64 * mebibyte) written += 64 * 1024;
  t.ok(written < 64 * mebibyte, 'write() says stop');
  t.ok(peer.writableLength >= peer.writableHighWaterMark);
  socket.destroy();
  peer.destroy();
  server.close();
});
