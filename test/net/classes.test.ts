// Socket and Server as node's older classes are used: called without new, inherited with util.inherits; and pipes.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import nodeNet from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { inherits } from 'node:util';
import t from 'tap';
import net, { type Server, type Socket } from 'ringcore/net';
import { closed, collect, listening, portOf, run } from './support.js';

interface Old<T> {
  new (...args: unknown[]): T & { own: string };
  call(self: unknown, ...args: unknown[]): unknown;
}
const OldSocket = function (this: Socket & { own: string }, options?: object) {
  (net.Socket as unknown as Old<Socket>).call(this, options);
  this.own = 'field';
} as unknown as Old<Socket>;
inherits(OldSocket, net.Socket);
const OldServer = function (this: Server & { own: string }, listener?: unknown) {
  (net.Server as unknown as Old<Server>).call(this, listener);
  this.own = 'field';
} as unknown as Old<Server>;
inherits(OldServer, net.Server);

t.test('what prototypes answer', async (t) => {
  for (const name of ['Socket', 'Server'] as const) {
    const [ring, node] = [net[name].prototype, nodeNet[name].prototype] as unknown as Record<
      string,
      unknown
    >[];
    for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(node!))) {
      if ('get' in descriptor) t.same(ring![key], node![key], `${name}.prototype.${key}`);
    }
  }
});

t.test('classes that inherit with util.inherits()', async (t) => {
  const server = new OldServer((peer: Socket) => void peer.end('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.equal(server.own, 'field');
  t.ok(server instanceof OldServer && server instanceof net.Server);
  const socket = new OldSocket({ allowHalfOpen: true });
  t.ok(socket instanceof OldSocket && socket instanceof net.Socket && socket instanceof Duplex);
  t.equal(socket.own, 'field');
  t.equal(socket.allowHalfOpen, true);
  socket.connect(portOf(server), '127.0.0.1');
  socket.end();
  t.equal((await collect(socket)).toString(), 'hello');
  await closed(server);
});

t.test('classes that extend', async (t) => {
  class Own extends net.Socket {
    own = 'field';
  }
  const server = await listening((peer) => void peer.end('hello'));
  const socket = new Own();
  t.ok(socket instanceof Own && socket instanceof net.Socket);
  t.notOk(new net.Socket() instanceof Own);
  t.notOk(new nodeNet.Socket() instanceof Own);
  socket.connect(portOf(server), '127.0.0.1');
  t.equal((await collect(socket)).toString(), 'hello');
  t.equal(socket.own, 'field');
  await closed(server);
});

t.test('an error in the options leaves nothing behind', (t) => {
  t.throws(() => new OldSocket({ objectMode: true }), { code: 'ERR_INVALID_ARG_VALUE' });
  const socket = new net.Socket();
  t.notOk(socket instanceof OldSocket);
  t.equal(Object.getPrototypeOf(socket), net.Socket.prototype);
  t.end();
});

t.test('without new', (t) => {
  const make = net as unknown as { Socket(): unknown; Server(): unknown };
  t.ok(make.Socket() instanceof net.Socket);
  t.ok(make.Server() instanceof net.Server);
  t.end();
});

t.test("node's own sockets and servers are instances", async (t) => {
  const server = http.createServer((request, response) => {
    t.ok(request.socket instanceof net.Socket);
    response.end();
  });
  t.ok(server instanceof net.Server);
  t.notOk({} instanceof net.Socket);
  t.notOk(new Duplex() instanceof net.Socket);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const request = http.get({
    port: (server.address() as nodeNet.AddressInfo).port,
    host: '127.0.0.1',
    agent: false,
  });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  await once(response.resume(), 'close');
  server.close();
  await once(server, 'close');
});

t.test('the descriptor of a FIFO', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ringcore-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'fifo');
  execFileSync('mkfifo', [path]);
  // Opened for both: neither waits for the other.
  const fd = openSync(path, 'r+');
  const reader = new net.Socket({ fd, readable: true, writable: false });
  const writer = new net.Socket({ fd: openSync(path, 'w'), readable: false, writable: true });
  t.ok(reader instanceof net.Socket);
  writer.write('through the pipe');
  const [data] = (await once(reader, 'data')) as [Buffer];
  t.equal(data.toString(), 'through the pipe');
  for (const socket of [reader, writer]) {
    socket.destroy();
    await once(socket, 'close');
  }
});

t.test('what is written to standard output comes out before process.exit()', async (t) => {
  const { stdout } = await run(`
    import net from 'ringcore/net';
    new net.Socket({ fd: 1, readable: false, writable: true }).write('written');
    process.exit();
  `);
  t.equal(stdout, 'written');
});

t.test('descriptors of what is no stream', async (t) => {
  const refusal = (kind: typeof net, fd: number): unknown => {
    try {
      return new kind.Socket({ fd });
    } catch (error) {
      const { name, code, message } = error as NodeJS.ErrnoException;
      return { name, code, message };
    }
  };
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const paths = ['/dev/null', '/', '/dev/ptmx'];
  const fds = [...paths.map((path) => openSync(path, 'r')), 1_000_000];
  for (const symbol of Object.getOwnPropertySymbols(udp)) {
    const state = (udp as unknown as Record<symbol, { handle?: { fd: number } }>)[symbol];
    if (state?.handle) fds.push(state.handle.fd);
  }
  t.equal(fds.length, paths.length + 2);
  for (const fd of fds) {
    const expected = refusal(nodeNet as unknown as typeof net, fd);
    t.match(expected, { code: 'ERR_INVALID_FD_TYPE' });
    t.strictSame(refusal(net, fd), expected);
  }
  udp.close();
  for (const fd of fds.slice(0, paths.length)) closeSync(fd);
});
