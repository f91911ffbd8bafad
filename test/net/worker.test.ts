// What a worker has opened is closed when it ends, however it ends.
import { once } from 'node:events';
import nodeNet from 'node:net';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { descriptors, until } from './support.js';

/** Listens, accepts a connection, connects to itself, and then does `rest`. */
const source = (rest: string): string => `
  const { parentPort } = require('node:worker_threads');
  const net = require(${JSON.stringify(new URL('../../../dist/net/index.cjs', import.meta.url).pathname)});
  const server = net.createServer((peer) => peer.on('error', () => {}).write('taken')).listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    net.connect(port, '127.0.0.1').once('data', () => { parentPort.postMessage(port); });
  });
  parentPort.once('message', () => { ${rest} });`;

async function start(rest = ''): Promise<{ worker: Worker; port: number }> {
  const worker = new Worker(source(rest), { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  return { worker, port };
}

const ends: [name: string, end: (worker: Worker) => unknown, rest: string][] = [
  ['terminate', (worker) => worker.terminate(), ''],
  ['process.exit', (worker) => worker.postMessage(0), 'process.exit(0)'],
  ['an exception', (worker) => worker.postMessage(0), "throw new Error('expected')"],
];
for (const [name, end, rest] of ends) {
  t.test(`a worker ends by ${name}`, async (t) => {
    const { worker, port } = await start(rest);
    worker.on('error', () => {});
    const socket = nodeNet.connect(port, '127.0.0.1').on('error', () => {});
    await once(socket, 'data');
    const seen: string[] = [];
    for (const event of ['end', 'close']) socket.once(event, () => seen.push(event));
    const exit = new Promise((resolve) => worker.once('exit', resolve));
    void end(worker);
    await exit;
    t.ok(await until(() => seen.includes('close')), `its peer sees the end: ${seen.join()}`);
    const late = nodeNet.connect(port, '127.0.0.1');
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    t.equal(error.code, 'ECONNREFUSED', 'nobody listens');
  });
}

t.test('workers that come and go leave no descriptor', async (t) => {
  const cycle = async (): Promise<void> => {
    const { worker } = await start();
    await worker.terminate();
  };
  // The first one opens what the process keeps.
  await cycle();
  await until(() => false, 50);
  const before = descriptors();
  for (let i = 0; i < 20; i++) await cycle();
  t.ok(await until(() => descriptors() <= before), `${descriptors()} open, ${before} before`);
});
