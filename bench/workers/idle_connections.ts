/** What this process grows by for each connection that was used once and is idle. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import nodeNet, { type AddressInfo, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadNet } from './implementation.js';
import { tell, told } from './protocol.js';

const connections = 10_000;

/** The peer, a process of its own: opens connections, and exchanges a message on each. */
async function connectAll(port: number, count: number): Promise<void> {
  const atOnce = 100;
  for (let from = 0; from < count; from += atOnce) {
    await Promise.all(
      Array.from({ length: Math.min(atOnce, count - from) }, async () => {
        const socket = nodeNet.connect(port, '127.0.0.1');
        socket.write('hello');
        await once(socket, 'data');
      }),
    );
  }
  process.send!('open');
  await once(process, 'disconnect');
}

async function measureGrowth(): Promise<void> {
  const net = await loadNet();
  const held: Socket[] = [];
  const server = net.createServer((socket) => {
    held.push(socket);
    socket.on('error', () => {}).on('data', (chunk) => socket.write(chunk));
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const peer = async (count: number) => {
    const child = fork(fileURLToPath(import.meta.url), ['{}', String(port), String(count)]);
    await once(child, 'message');
    return child;
  };
  tell({ type: 'ready' });
  await told('start');

  const warm = await peer(100);
  await wait(200);
  const begin = performance.now();
  const cpu = process.cpuUsage();
  const before = process.memoryUsage.rss();
  const child = await peer(connections);
  await wait(200);
  const bytes = (process.memoryUsage.rss() - before) / connections;
  const { user, system } = process.cpuUsage(cpu);
  tell({
    type: 'result',
    operations: connections,
    allOperations: connections,
    seconds: (performance.now() - begin) / 1000,
    cpuUs: user + system,
    details: { bytes },
  });
  child.disconnect();
  warm.disconnect();
}

const [port, count] = process.argv.slice(3).map(Number);
if (port !== undefined && count !== undefined) await connectAll(port, count);
else await measureGrowth();
