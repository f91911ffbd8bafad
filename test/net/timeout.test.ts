// socket.setTimeout(): counted from the last activity, by one timer operation that is armed again when it fires.
import { once } from 'node:events';
import nodeNet from 'node:net';
import t from 'tap';
import { backend, stats } from 'ringcore/core';
import { Socket } from 'ringcore/net';
import { scaled } from '../slowness.js';
import { closed, collect, connected, listening, portOf, sleep } from './support.js';

/** How many timer operations have been submitted. */
const timers = (): number => (backend.name === 'node' ? 0 : (stats().operations.timeout ?? 0));

t.test('activity puts it off', async (t) => {
  const peers: Socket[] = [];
  const server = await listening((socket) => void peers.push(socket.resume()));
  const socket = await connected(server);
  let fired = 0;
  const before = timers();
  // Long enough for a machine that does other things, too.
  const timeout = scaled(800);
  socket.setTimeout(timeout, () => fired++);
  const start = performance.now();
  for (let i = 0; i < 100; i++) {
    await sleep(10);
    if (i % 2 === 0) socket.write('x');
    else peers[0]!.write('y');
    socket.read();
  }
  t.equal(fired, 0, 'not while something moves');
  const periods = (performance.now() - start) / timeout;
  t.ok(timers() - before <= periods + 4, `${timers() - before} timer operations in ${periods} periods`);
  const began = performance.now();
  await once(socket, 'timeout');
  const elapsed = performance.now() - began;
  t.ok(elapsed > timeout - 100 && elapsed < 2 * timeout, `${elapsed} ms after the last activity`);
  await sleep(100);
  t.equal(fired, 1, 'once');
  socket.destroy();
  await closed(server);
});

t.test('a shorter timeout than the one before', async (t) => {
  const server = await listening((socket) => void socket.resume());
  const socket = await connected(server);
  socket.setTimeout(60_000);
  socket.setTimeout(30);
  const began = performance.now();
  await once(socket, 'timeout');
  t.ok(performance.now() - began < 1000);
  socket.destroy();
  await closed(server);
});

// Node sees it in larger steps: when a third of the kernel's buffer is free.
const skip = backend.name === 'node' && 'node takes one that reads as slowly for idle';
t.test('a peer that reads slowly is not idle', { skip }, async (t) => {
  let sending!: Socket;
  const server = await listening((socket) => void (sending = socket));
  // Node's reads no more than it is asked for; ours, of kernels before 6.17, some mebibytes at once, and then nothing for long.
  const socket = nodeNet.connect(portOf(server), '127.0.0.1').pause();
  sending ??= ((await once(server, 'connection')) as [Socket])[0];
  let fired = 0;
  sending.on('timeout', () => fired++);
  // More than the kernel takes by far; and one send of it takes longer than the timeout, at 1.6 MB/s.
  sending.setTimeout(scaled(500));
  sending.write(Buffer.alloc(32 * 1024 * 1024));
  for (const end = performance.now() + scaled(1500); performance.now() < end;) {
    await sleep(20);
    socket.read(Math.min(socket.readableLength, 32768));
  }
  t.equal(fired, 0, 'while it reads');
  await once(sending, 'timeout');
  sending.destroy();
  socket.destroy();
  await closed(server);
});

t.test('0 turns it off, and a destroyed socket has none', async (t) => {
  const server = await listening((socket) => void socket.resume());
  const socket = await connected(server);
  let fired = 0;
  socket.on('timeout', () => fired++);
  socket.setTimeout(20);
  socket.setTimeout(0);
  await sleep(60);
  socket.setTimeout(20);
  socket.destroy();
  await sleep(60);
  t.equal(fired, 0);
  await closed(server);
});

t.test('tens of thousands of idle sockets leave the others their way', async (t) => {
  const idle = Array.from({ length: 35_000 }, () => new Socket().setTimeout(1e6));
  t.teardown(() => idle.forEach((socket) => socket.destroy()));
  const server = await listening((socket) => void socket.pipe(socket));
  const socket = await connected(server);
  socket.write('text');
  socket.end(Buffer.from(' and bytes'));
  t.equal(String(await collect(socket)), 'text and bytes');
  await closed(server);
});
