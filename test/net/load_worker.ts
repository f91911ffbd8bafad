// The processes of load.test.ts: `serve`, `connect` and `cycle`, on ringcore/net or on node:net. They are told what to do
// by messages, and answer each with one.
import { once } from 'node:events';
import nodeNet, { type AddressInfo, type Socket } from 'node:net';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { ring } from 'ringcore/core';
import ringNet from 'ringcore/net';
import { descriptors, until } from './support.js';

const [role, implementation] = process.argv.slice(2) as [string, 'ringcore' | 'node'];
const net: typeof nodeNet = implementation === 'node' ? nodeNet : ringNet;
const tell = (message: unknown): void => void process.send!(message);

/** What this process holds, when it has had time to let go of what it does not. */
export interface Held {
  rss: number;
  heapUsed: number;
  arrayBuffers: number;
  descriptors: number;
  /** Operations that the kernel has, and those that wait for a place; 0 on node:net. */
  inFlight: number;
  handlers: number;
}

async function held(): Promise<Held> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await wait(25);
  }
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  const common = { rss, heapUsed, arrayBuffers, descriptors: descriptors() };
  if (implementation === 'node') return { ...common, inFlight: 0, handlers: 0 };
  const own = ring();
  const handlers = own.handlers.filter((handler) => handler !== undefined).length;
  return { ...common, inFlight: own.stats().inFlight + own.waiting, handlers };
}

/** Echoes; or, told so, writes to everybody as long as there is room. */
async function serve(): Promise<void> {
  const sockets = new Set<Socket>();
  let writes = false;
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    if (writes) flood(socket);
    else socket.on('data', (chunk) => socket.write(chunk));
  });
  server.listen({ port: 0, host: '0.0.0.0', backlog: 4096 });
  await once(server, 'listening');
  process.on('message', (request: string) => {
    const answer = async (): Promise<unknown> => {
      if (request === 'flood') writes = true;
      if (request === 'held') return held();
      const waiting = [...sockets].map((socket) => socket.writableLength);
      return { open: sockets.size, mostWaiting: Math.max(0, ...waiting) };
    };
    void answer().then(tell);
  });
  tell((server.address() as AddressInfo).port);
}

/** Every byte tells its place in the stream. */
const block = Buffer.alloc(65536).map((_, i) => i % 251);

function flood(socket: Socket): void {
  const write = (): void => {
    while (!socket.destroyed && socket.write(block));
  };
  socket.on('drain', write);
  write();
}

/** Ports are many enough if the addresses are several. */
const addressOf = (index: number): string => `127.0.0.${1 + (index % 8)}`;

async function connectAll(port: number, count: number, onOpen: (socket: Socket) => void): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const atOnce = 250;
  for (let from = 0; from < count; from += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, count - from) }, (_, i) =>
      net.connect(port, addressOf(from + i)),
    );
    await Promise.all(some.map((socket) => once(socket, 'connect')));
    some.forEach(onOpen);
    sockets.push(...some);
  }
  return sockets;
}

/** Sends each its own message, and counts the replies that are right. */
async function exchange(sockets: Socket[], round: number): Promise<number> {
  let right = 0;
  await Promise.all(
    sockets.map(
      (socket, i) =>
        new Promise<void>((resolve) => {
          const message = `connection ${i}, round ${round}`;
          let reply = '';
          const onData = (chunk: Buffer): void => {
            reply += chunk.toString();
            if (reply.length < message.length) return;
            socket.off('data', onData);
            if (reply === message) right++;
            resolve();
          };
          socket.on('data', onData);
          socket.write(message);
        }),
    ),
  );
  return right;
}

/** Opens connections, and uses them as it is told. */
function connect(): void {
  let sockets: Socket[] = [];
  let broken = 0;
  type Request =
    | ['open', number, number]
    | ['exchange', number]
    | ['close']
    | ['unread']
    | ['read', number]
    | ['turns', number];
  const answers = async (request: Request): Promise<unknown> => {
    switch (request[0]) {
      case 'open':
        broken = 0;
        sockets = await connectAll(request[1], request[2], (socket) => {
          socket.on('error', () => broken++).on('close', () => broken++);
        });
        return sockets.length;
      case 'exchange':
        return { right: await exchange(sockets, request[1]), broken };
      case 'close': {
        const ends = sockets.map((socket) => once(socket, 'close'));
        for (const socket of sockets) socket.destroy();
        await Promise.all(ends);
        sockets = [];
        return held();
      }
      case 'unread': {
        const waiting = sockets.map((socket) => socket.readableLength);
        const bytes = waiting.reduce((sum, length) => sum + length, 0);
        return { bytes, most: Math.max(0, ...waiting), held: await held() };
      }
      case 'read':
        return read(sockets[0]!, request[1]);
      case 'turns':
        return turns(sockets, request[1]);
    }
  };
  process.on('message', (request: Request) => void answers(request).then(tell));
  tell('ready');
}

/** So many bytes of the flood from one socket: how many are not what they are to be. */
async function read(socket: Socket, bytes: number): Promise<number> {
  let at = 0;
  let wrong = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    for (const byte of chunk) if (byte !== block[at++ % block.length]) wrong++;
    if (at >= bytes) break;
  }
  return wrong;
}

/** Reads everything there is for a time: how much of it in one turn of the event loop. */
async function turns(sockets: Socket[], ms: number): Promise<unknown> {
  let inTurn = 0;
  let [bytes, count, most] = [0, 0, 0];
  let going = true;
  const turn = (): void => {
    bytes += inTurn;
    most = Math.max(most, inTurn);
    inTurn = 0;
    count++;
    if (going) setImmediate(turn);
  };
  for (const socket of sockets) socket.on('data', (chunk: Buffer) => (inTurn += chunk.length));
  // What had come before counts for nobody's turn.
  await wait(200);
  inTurn = 0;
  setImmediate(turn);
  await wait(ms);
  going = false;
  return { bytes, turns: count, most };
}

type Ending = (socket: Socket, peer: Socket) => unknown;

/** Who ends a connection, and how. */
const endings: Ending[] = [
  (socket) => socket.end(),
  (_, peer) => peer.end('x'),
  (socket) => socket.destroy(),
  (_, peer) => peer.destroy(),
  (socket) => socket.resetAndDestroy(),
  (_, peer) => peer.resetAndDestroy(),
  (socket, peer) => {
    // What is on its way when it ends is nobody's.
    peer.write(block);
    socket.write(block);
    socket.destroy();
  },
  (socket, peer) => {
    peer.write(block);
    socket.destroySoon();
  },
  (socket, peer) => {
    // Half closed.
    socket.end();
    socket.once('finish', () => peer.resetAndDestroy());
  },
  (socket, peer) => {
    // With data that nobody has read.
    peer.pause();
    socket.write(block, () => peer.resetAndDestroy());
  },
  (socket, peer) => {
    // While both are sending more than there is room for.
    for (let i = 0; i < 4; i++) {
      peer.write(block);
      socket.write(block);
    }
    socket.resetAndDestroy();
  },
  (socket, peer) => {
    // Both at once.
    socket.resetAndDestroy();
    peer.resetAndDestroy();
  },
];

/** Opens and closes connections to itself, in every way, within the time: how many, and what is left of them. */
async function cycle(): Promise<void> {
  const [count, mostMs] = process.argv.slice(4).map(Number) as [number, number];
  // Either end may be there first.
  const arrived = new Map<string, Socket>();
  const awaited = new Map<string, (peer: Socket) => void>();
  let open = 0;
  const server = net.createServer((peer) => {
    const key = `${peer.localAddress}:${peer.remotePort}`;
    open++;
    arrived.set(key, peer);
    peer
      .on('error', () => {})
      .on('close', () => {
        open--;
        if (arrived.get(key) === peer) arrived.delete(key);
      });
    peer.resume();
    awaited.get(key)?.(peer);
  });
  const peerOf = (socket: Socket): Promise<Socket> | Socket => {
    const key = `${socket.remoteAddress}:${socket.localPort}`;
    return (
      arrived.get(key) ??
      new Promise<Socket>((resolve) => awaited.set(key, resolve)).finally(() => awaited.delete(key))
    );
  };
  server.listen({ port: 0, host: '0.0.0.0', backlog: 4096 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const connectAndEnd = async (index: number): Promise<void> => {
    const socket = net.connect(port, addressOf(index));
    const ended = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => {});
    // Even one that is given up before it is there must leave nothing behind.
    if (index % 16 >= 14) {
      if (index % 2 === 0) socket.destroy();
      else socket.resetAndDestroy();
      await ended;
      return;
    }
    await once(socket, 'connect');
    socket.resume();
    const peer = await peerOf(socket);
    endings[index % endings.length]!(socket, peer);
    await ended;
  };
  const run = async (end: number, within: number): Promise<number> => {
    const deadline = performance.now() + within;
    let next = 0;
    await Promise.all(
      Array.from({ length: 32 }, async () => {
        while (next < end && performance.now() < deadline) await connectAndEnd(next++);
      }),
    );
    if (!(await until(() => open === 0, 5000))) throw new Error(`${open} connections are still open`);
    return next;
  };

  await run(Math.min(2000, count), mostMs);
  const before = await held();
  // Two halves: what leaks leaks in both, and code is compiled once.
  const halves: { cycles: number; after: Held }[] = [];
  for (let i = 0; i < 2; i++) {
    const cycles = await run(count / 2, mostMs / 2);
    halves.push({ cycles, after: await held() });
  }
  server.close();
  await once(server, 'close');
  tell({ operations: ring().stats().completions, before, halves, atEnd: await held() });
}

if (role === 'serve') await serve();
else if (role === 'connect') connect();
else await cycle();
