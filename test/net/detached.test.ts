// A buffer that is taken away while it is being sent, or received into, never looks like a clean end.
import { once } from 'node:events';
import t from 'tap';
import type { Socket } from 'ringcore/net';
import { closed, connected, listening, sleep } from './support.js';

const bytes = 32 * 1024 * 1024;
const detach = (view: Uint8Array): void => {
  const buffer = view.buffer as ArrayBuffer;
  structuredClone(buffer, { transfer: [buffer] });
};

/** What happens to a socket, in one word each. */
function log(socket: Socket): string[] {
  const seen: string[] = [];
  socket.on('end', () => seen.push('end'));
  socket.on('error', (error: NodeJS.ErrnoException) => seen.push(error.code!));
  socket.on('close', () => seen.push('close'));
  return seen;
}

const memory = (size: number): Uint8Array => new Uint8Array(new ArrayBuffer(size)).fill(1);

type Act = (socket: Socket, write: (data: Uint8Array) => void) => void | Promise<void>;
const cases: Record<string, Act> = {
  async 'in flight'(_socket, write) {
    const big = memory(bytes);
    write(big);
    await sleep(20);
    detach(big);
  },
  async 'in flight, one of several'(socket, write) {
    const all = [memory(100_000), memory(bytes), memory(100_000)];
    socket.cork();
    all.forEach(write);
    socket.uncork();
    await sleep(20);
    all.forEach(detach);
  },
  async 'in flight, made shorter'(_socket, write) {
    const Resizable = ArrayBuffer as new (size: number, options: { maxByteLength: number }) => ArrayBuffer;
    const buffer = new Resizable(bytes, { maxByteLength: bytes });
    write(new Uint8Array(buffer).fill(1));
    await sleep(20);
    (buffer as unknown as { resize(size: number): void }).resize(1);
  },
  'while it waits behind another write'(_socket, write) {
    const other = memory(100_000);
    write(memory(bytes));
    write(other);
    detach(other);
  },
  'while several wait'(_socket, write) {
    const other = memory(100_000);
    write(memory(bytes));
    write(other);
    write(memory(100));
    detach(other);
  },
};

for (const [name, act] of Object.entries(cases)) {
  t.test(`a buffer is detached ${name}`, async (t) => {
    let got = 0;
    let peer!: Socket;
    const server = await listening((socket) => {
      peer = socket.pause();
    });
    const socket = await connected(server);
    while ((peer as Socket | undefined) === undefined) await sleep(1);
    const seen = log(socket);
    const peerSeen = log(peer);
    const failures: unknown[] = [];
    await act(socket, (data) => {
      socket.write(data, (error) => {
        if (error) failures.push((error as NodeJS.ErrnoException).code);
      });
    });
    socket.end();
    const ended = once(
      socket.on('error', () => {}),
      'close',
    ).catch(() => {});
    const peerEnded = new Promise((resolve) => peer.once('close', resolve));
    peer.on('data', (chunk: Buffer) => (got += chunk.length)).resume();
    await ended;
    await peerEnded;
    t.ok(failures.includes('ERR_INVALID_STATE'), 'the write fails');
    t.match(seen, ['ERR_INVALID_STATE', 'close'], 'and the socket with it');
    t.match(peerSeen, ['ECONNRESET', 'close'], `its peer got ${got} bytes and no clean end`);
    await closed(server);
  });
}

t.test('a buffer is detached before the connection is there', async (t) => {
  const server = await listening((socket) => void socket.on('error', () => {}).resume());
  const { port } = server.address() as { port: number };
  const net = await import('ringcore/net');
  const socket = net.connect(port, '127.0.0.1');
  const data = memory(1000);
  socket.end(data);
  detach(data);
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  t.equal(error.code, 'ERR_INVALID_STATE');
  await closed(server);
});

t.test('an empty write, and one that is detached when all has gone', async (t) => {
  const server = await listening((socket) => void socket.resume().on('end', () => socket.end()));
  const socket = await connected(server);
  const data = memory(1000);
  await new Promise((resolve) => socket.write(data, resolve));
  detach(data);
  socket.cork();
  socket.write('ä€');
  socket.write(Buffer.alloc(0));
  socket.write('00ff', 'hex');
  socket.uncork();
  socket.end(Buffer.alloc(0));
  await once(socket.resume(), 'close');
  t.equal(socket.bytesWritten, 1007);
  await closed(server);
});

t.test("onread's buffer is detached", async (t) => {
  const server = await listening((socket) => void socket.on('error', () => {}).write('one'));
  const buffer = memory(4096);
  const socket = await connected(server, {
    onread: {
      buffer,
      callback: (): boolean => {
        detach(buffer);
        return true;
      },
    },
  });
  const seen = log(socket);
  await new Promise((resolve) => socket.once('close', resolve));
  t.same(seen, ['ENOBUFS', 'close'], 'an error, as with node for a buffer without room');
  await closed(server);
});
