/** An echo server that processes share: the primary of node's cluster hands each connection to the next of its workers. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { echo } from './echo.js';
import { loadNet } from './implementation.js';
import { spec, tell } from './protocol.js';

async function serve(): Promise<void> {
  const net = await loadNet();
  net.createServer({ noDelay: true }, echo).listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
}

async function start(count: number): Promise<void> {
  // They end with the primary, and it with the bench.
  process.once('disconnect', () => process.exit());
  const workers = Array.from({ length: count }, () => cluster.fork());
  const places = (await Promise.all(workers.map((worker) => once(worker, 'listening')))) as [AddressInfo][];
  const [[{ port }] = [{ port: 0 }]] = places;
  tell({ type: 'ready', port });
}

if (cluster.isPrimary) await start(spec.depth ?? 1);
else await serve();
