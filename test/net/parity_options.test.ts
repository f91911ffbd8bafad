// What socket options arrive in the kernel, and what is said of them: as with node:net.
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import nodes from 'node:net';
import type nodeNet from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants } from 'ringcore/core';
import { attempted, ending, port, scenario, serving, wrong, type Log, type Net } from './scenarios.js';
import { root } from './support.js';

/** The operation of io_uring knows SOL_SOCKET only: the addon's system call is for all. */
const load = createRequire(import.meta.url)('node-gyp-build') as (directory: string) => {
  getsockopt: (fd: number, level: number, name: number) => number;
};
const { getsockopt } = load(root);

type Socket = nodeNet.Socket & {
  _handle: { fd: number };
  setKeepAlive(...args: unknown[]): Socket;
  setTypeOfService?(value: unknown): Socket;
  getTypeOfService?(): number;
};

const { IPPROTO_IPV6, IPPROTO_TCP, SOL_SOCKET, SO_KEEPALIVE } = constants;
const { TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_NODELAY } = constants;
const IP_TOS = 1;
const IPV6_TCLASS = 67;

const kept = [
  ['nodelay', IPPROTO_TCP, TCP_NODELAY],
  ['keepalive', SOL_SOCKET, SO_KEEPALIVE],
  ['idle', IPPROTO_TCP, TCP_KEEPIDLE],
  ['interval', IPPROTO_TCP, TCP_KEEPINTVL],
  ['count', IPPROTO_TCP, TCP_KEEPCNT],
  ['tos', 0, IP_TOS],
] as const;

/** What the kernel has for the socket. */
function kernelsOf(socket: Socket): Record<string, number> {
  const values: Record<string, number> = {};
  for (const [name, level, option] of kept) {
    values[name] = getsockopt(socket._handle.fd, level, option);
  }
  if (socket.localFamily === 'IPv6') {
    values.tos = getsockopt(socket._handle.fd, IPPROTO_IPV6, IPV6_TCLASS);
  }
  return values;
}

type Act = (socket: Socket) => unknown;
const acts: Record<string, Act> = {
  'setNoDelay()': (socket) => socket.setNoDelay(),
  'setNoDelay(false)': (socket) => socket.setNoDelay(true).setNoDelay(false),
  'setKeepAlive()': (socket) => socket.setKeepAlive(),
  'setKeepAlive(true)': (socket) => socket.setKeepAlive(true),
  'setKeepAlive(true, 5000)': (socket) => socket.setKeepAlive(true, 5000),
  'setKeepAlive(true, 500)': (socket) => socket.setKeepAlive(true, 500),
  'setKeepAlive(true, 5000, 3000, 4)': (socket) => socket.setKeepAlive(true, 5000, 3000, 4),
  'setKeepAlive(true, 5000, 30, 4)': (socket) => socket.setKeepAlive(true, 5000, 30, 4),
  'setKeepAlive(true, 5000, 3000, 0)': (socket) => socket.setKeepAlive(true, 5000, 3000, 0),
  'setKeepAlive, twice': (socket) => socket.setKeepAlive(true, 5000).setKeepAlive(true, 9000, 7000, 3),
  'setKeepAlive, off again': (socket) => socket.setKeepAlive(true, 5000).setKeepAlive(false, 9000),
  'setKeepAlive({})': (socket) => socket.setKeepAlive({}),
  'setKeepAlive({ … })': (socket) =>
    socket.setKeepAlive({ enable: true, initialDelay: 4000, interval: 2000, count: 6 }),
  'setKeepAlive({ enable })': (socket) => socket.setKeepAlive({ enable: true }),
  'setTypeOfService(16)': (socket) => socket.setTypeOfService?.(16),
  'setTypeOfService, twice': (socket) => socket.setTypeOfService?.(16).setTypeOfService!(8),
};

const options: Record<string, object> = {
  'noDelay: true': { noDelay: true },
  'keepAlive: true': { keepAlive: true },
  'keepAlive, keepAliveInitialDelay': { keepAlive: true, keepAliveInitialDelay: 7000 },
  'typeOfService: 8': { typeOfService: 8 },
};

async function withServer(
  net: Net,
  host: string,
  run: (connect: (options?: object) => Socket) => Promise<void>,
): Promise<void> {
  const server = net.createServer((peer) => void peer.resume()).listen(0, host);
  await once(server, 'listening');
  await run((more) => net.connect({ port: port(server), host, ...more }) as Socket);
  server.close();
  await once(server, 'close');
}

/** Versions that have no type of service are not compared: ringcore has it on all. */
const comparable = (net: Net, name: string): boolean =>
  !/type.?of.?service/i.test(name) || 'setTypeOfService' in net.Socket.prototype;

for (const when of ['before', 'after'] as const) {
  for (const host of ['127.0.0.1', '::1']) {
    scenario(`set ${when} the connection is there: ${host}`, async (net, log) => {
      await withServer(net, host, async (connect) => {
        for (const [name, act] of Object.entries(acts)) {
          if (!comparable(nodes, name)) continue;
          const socket = connect();
          if (when === 'before') attempted(log, name, () => act(socket));
          await once(socket, 'connect');
          if (when === 'after') attempted(log, name, () => act(socket));
          log(name, kernelsOf(socket), socket.getTypeOfService?.() ?? 0);
          socket.destroy();
          await ending(socket);
        }
      });
      log('done');
    });
  }
}

scenario('options of connect() and createServer()', async (net, log) => {
  for (const [name, given] of Object.entries(options)) {
    if (!comparable(nodes, name)) continue;
    const server = await serving(net, given, (peer) => {
      log('server', name, kernelsOf(peer as Socket));
      peer.end();
    });
    const socket = net.connect({ port: port(server), host: '127.0.0.1', ...given }) as Socket;
    await once(socket, 'connect');
    log('client', name, kernelsOf(socket));
    await ending(socket.resume());
    server.close();
    await once(server, 'close');
  }
});

scenario('wrong types of service', (net, log) => {
  const socket = new net.Socket() as Socket;
  log('there', true);
  if (!('setTypeOfService' in nodes.Socket.prototype)) return;
  for (const value of [...wrong, undefined, 256, 255]) {
    attempted(log, String(value), () => socket.setTypeOfService!(value));
    attempted(log, `option ${String(value)}`, () => new net.Socket({ typeOfService: value } as object));
    log(String(value), socket.getTypeOfService!());
  }
});

scenario('on a Unix socket nothing is set, and nothing fails', async (net, log: Log) => {
  const path = `\0ringcore-options-${process.pid}-${Math.random()}`;
  const server = net.createServer((peer) => void peer.resume()).listen(path);
  await once(server, 'listening');
  const socket = net.connect({ path, noDelay: true, keepAlive: true }) as Socket;
  await once(socket, 'connect');
  for (const [name, act] of Object.entries(acts)) {
    if (comparable(nodes, name)) attempted(log, name, () => act(socket));
  }
  log('tos', socket.getTypeOfService === undefined || !comparable(nodes, 'typeOfService'));
  socket.destroy();
  await ending(socket);
  server.close();
  await once(server, 'close');
});

scenario('ref() and unref(), without a connection and with one', async (net, log) => {
  const server = await serving(net, {}, (peer) => void peer.resume().on('error', () => {}));
  const socket = new net.Socket();
  const say = (when: string): void => {
    const handle = (socket as unknown as { _handle: { hasRef(): boolean } | null })._handle;
    log('client', when, handle?.hasRef(), socket.listenerCount('connect'));
  };
  const connect = async (): Promise<void> => {
    socket.connect(port(server), '127.0.0.1');
    say('connecting');
    await once(socket, 'connect');
    say('connected');
  };
  const close = async (): Promise<void> => {
    await ending(socket.destroy());
    say('closed');
  };
  say('new');
  for (const [before, after] of [
    ['unref', 'ref'],
    ['ref', 'unref'],
    ['', ''],
    ['', 'unref'],
    ['unref', ''],
    ['', ''],
  ] as const) {
    if (before) log('client', socket[before]() === socket);
    say(`${before} before`);
    await connect();
    if (after) log('client', socket[after]() === socket);
    say(`${after} after`);
    await close();
  }
  socket.connect(port(server), '127.0.0.1');
  socket.unref();
  say('while connecting');
  await once(socket, 'connect');
  say('connected');
  await close();
  server.close();
  await once(server, 'close');
});

scenario('an array is somebodys options, not what node has normalized', (net, log) => {
  for (const first of [[new Uint8Array(3)], [{ port: 1 }], []]) {
    attempted(log, 'connect', () => net.connect(first as never));
    attempted(log, 'listen', () => net.createServer().listen(first as never));
  }
});

scenario('what of the options of a server counts', (net, log) => {
  const throwing = {
    get anything(): never {
      throw new RangeError('expected');
    },
  };
  attempted(log, 'getter', () => net.createServer(throwing as object));
  const { allowHalfOpen } = net.createServer(Object.create({ allowHalfOpen: true }) as object) as unknown as {
    allowHalfOpen: boolean;
  };
  log('inherited', allowHalfOpen);
});

scenario('a path with a zero in it: what is made is removed', async (net, log) => {
  const path = join(mkdtempSync(join(tmpdir(), 'zero-')), 'with');
  const server = net.createServer().listen(`${path}\0zero`);
  await once(server, 'listening');
  log('made', existsSync(path));
  server.close();
  await once(server, 'close');
  log('left', existsSync(path));
});
