/** By how much the resident memory grows, at its most, while 1 GiB comes by a socket that is piped into itself. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import nodeNet, { type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { hugeBytes } from '../harness/data.js';
import { loadNet } from './implementation.js';
import { measure, verify } from './measure.js';
import { growthMiB, markMemory } from './resident.js';

/** The peer, a process of its own: sends so many bytes, and expects them back. */
async function exchange(port: number, bytes: number): Promise<void> {
  // Numbers at distances that no piece of the way has: what is lost or doubled shows.
  const chunk = Buffer.alloc(64 * 1024);
  for (let at = 0; at < chunk.length; at += 4) chunk.writeUInt32LE(at, at);
  const socket = nodeNet.connect(port, '127.0.0.1');
  let received = 0;
  socket.on('data', (data) => {
    const first = (4 - (received % 4)) % 4;
    for (let at = first; at + 4 <= data.length; at += 4096) {
      verify(data.readUInt32LE(at) === (received + at) % chunk.length, `byte ${received + at}`);
    }
    received += data.length;
  });
  for (let sent = 0; sent < bytes; sent += chunk.length) {
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  socket.end();
  await once(socket, 'close');
  verify(received === bytes, `${received} bytes`);
  process.send!('done');
}

async function serve(): Promise<void> {
  const net = await loadNet();
  const server = net.createServer((socket) => socket.on('error', () => {}).pipe(socket));
  server.listen({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const peer = async (bytes: number) => {
    const child = fork(fileURLToPath(import.meta.url), ['{}', String(port), String(bytes)]);
    const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as unknown[];
    verify(message === 'done', `the peer ended: ${String(message)}`);
    child.disconnect();
  };
  // The code that does it is in memory, and compiled, before the growth begins.
  await peer(4 * 1024 * 1024);
  const before = markMemory();
  await measure(() => peer(hugeBytes), { atLeast: 1, details: () => ({ growthMiB: growthMiB(before) }) });
}

const [port, bytes] = process.argv.slice(3).map(Number);
if (port !== undefined && bytes !== undefined) await exchange(port, bytes);
else await serve();
