// Servers: where they listen, what they accept, how they end; as with node:net.
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs';
import nodeNet from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import t from 'tap';
import { scaled } from '../slowness.js';
import {
  attempted,
  closedPort,
  describe,
  ending,
  fieldsOf,
  port,
  scenario,
  serving,
  watch,
  wrong,
  type Log,
  type Net,
} from './scenarios.js';
import { sleep, until } from './support.js';

const directory = mkdtempSync(join(tmpdir(), 'ringcore-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

/** Notes the events of a server. */
function watchServer(log: Log, server: nodeNet.Server): nodeNet.Server {
  for (const event of ['listening', 'error', 'close', 'drop']) {
    server.on(event, (...args: unknown[]) => log('server', event, ...args.map(describe), server.listening));
  }
  return server;
}

function facts(server: nodeNet.Server): object {
  const { listening, maxConnections } = server;
  const address = server.address();
  const { _connections, _pipeName, _connectionKey, _handle } = server as unknown as Record<string, unknown>;
  const shown = typeof address === 'object' && address ? { ...address, port: typeof address.port } : address;
  return {
    address: shown,
    listening,
    maxConnections,
    _connections,
    _pipeName,
    handle: _handle === null,
    key: String(_connectionKey).replace(/:\d{4,5}$/, ':PORT'),
  };
}

const path = (name: string): string => join(directory, `${name}.sock`);

/** Ways to listen: of each, the facts, whether it can be connected to, and what is left when it is closed. */
const forms: Record<string, (server: nodeNet.Server, called: () => void) => unknown> = {
  'listen()': (server) => server.listen(),
  'listen(callback)': (server, called) => server.listen(called),
  'listen(null, callback)': (server, called) => (server.listen as (...args: unknown[]) => void)(null, called),
  'listen(0)': (server, called) => server.listen(0, called),
  "listen('0')": (server, called) => server.listen('0' as unknown as number, called as unknown as string),
  'listen(0, host)': (server, called) => server.listen(0, '127.0.0.1', called),
  'listen(0, IPv6)': (server, called) => server.listen(0, '::1', called),
  'listen(0, name)': (server, called) => server.listen(0, 'localhost', called),
  'listen(0, backlog)': (server, called) => server.listen(0, 3, called),
  'listen(0, host, backlog)': (server, called) => server.listen(0, '127.0.0.1', 3, called),
  'listen(path)': (server, called) => server.listen(path('form0'), called),
  'listen(path, backlog)': (server, called) => server.listen(path('form1'), 3, called),
  'listen(abstract path)': (server, called) => server.listen('\0ringcore-parity-server', called),
  'listen({ port })': (server, called) => server.listen({ port: 0 }, called),
  'listen({ port: undefined })': (server, called) => server.listen({ port: undefined }, called),
  'listen({ port, host, backlog })': (server, called) =>
    server.listen({ port: 0, host: '127.0.0.1', backlog: 5 }, called),
  'listen({ ipv6Only })': (server, called) => server.listen({ port: 0, host: '::', ipv6Only: true }, called),
  'listen({ ipv6Only }) without a host': (server, called) =>
    server.listen({ port: 0, ipv6Only: true }, called),
  'listen({ exclusive })': (server, called) => server.listen({ port: 0, exclusive: true }, called),
  'listen({ path })': (server, called) => server.listen({ path: path('form2') }, called),
  'listen({ path, readableAll })': (server, called) =>
    server.listen({ path: path('form3'), readableAll: true }, called),
  'listen({ path, writableAll, readableAll })': (server, called) =>
    server.listen({ path: path('form4'), writableAll: true, readableAll: true }, called),
  'listen(handle)': (server, called) => server.listen(boundHandle(), called),
  'listen(handle, backlog)': (server, called) => server.listen(boundHandle(), 3, called),
  'listen({ handle })': (server, called) => server.listen({ handle: boundHandle() } as object, called),
  'listen({ _handle })': (server, called) => server.listen({ _handle: boundHandle() } as object, called),
  'listen(handle of a port in use)': (server, called) => server.listen(boundHandle(port(occupied)), called),
  'listen(server)': (server, called) => server.listen(nodeNet.createServer().listen(0), called),
  'listen({ reusePort })': (server, called) =>
    server.listen({ port: 0, host: '127.0.0.1', reusePort: true } as nodeNet.ListenOptions, called),
  'listen({ path, exclusive })': (server, called) =>
    server.listen({ path: path('form5'), exclusive: true }, called),
  'listen() of a port in use': (server, called) => server.listen(port(occupied), '127.0.0.1', called),
  'listen() of a port in use, on every address': (server, called) => server.listen(port(occupied), called),
  'listen() of a path in use': (server, called) => server.listen(path('occupied'), called),
  'listen() of a path below nothing': (server, called) => server.listen(join(directory, 'no', 'x'), called),
  'listen() of a directory': (server, called) => server.listen(directory, called),
  'listen() of an address that is not ours': (server, called) => server.listen(0, '192.0.2.1', called),
  'listen() of a privileged port': (server, called) => server.listen({ port: 0, host: '127.0.0.1' }, called),
  'listen({ fd }) of what is closed': (server, called) => server.listen({ fd: 1_000_000 }, called),
  'listen({ fd }) of a directory': (server, called) =>
    server.listen({ fd: openSync(directory, 'r') }, called),
};

/** What node makes of a socket that came from another process. */
function boundHandle(at = 0): nodeNet.Server {
  const { _createServerHandle } = nodeNet as unknown as {
    _createServerHandle: (address: string, port: number, family: number) => nodeNet.Server;
  };
  return _createServerHandle('127.0.0.1', at, 4);
}

const occupied = nodeNet.createServer().listen(0, '127.0.0.1').unref();
await once(occupied, 'listening');
await once(nodeNet.createServer().listen(path('occupied')).unref(), 'listening');

for (const [name, form] of Object.entries(forms)) {
  scenario(name, async (net, log) => {
    const server = watchServer(
      log,
      net.createServer((peer) => void peer.end()),
    );
    log('server', facts(server));
    const settled = new Promise((resolve) => server.once('listening', resolve).once('error', resolve));
    attempted(log, 'server', () => form(server, () => log('server', 'called')));
    // A name is looked up.
    if (!name.includes('name')) log('server', facts(server));
    await settled;
    log('server', facts(server));
    if (server.listening) {
      const address = server.address() as nodeNet.AddressInfo | string;
      if (typeof address === 'string' && !address.startsWith('\0')) {
        // What others may: the owner's own permissions depend on libuv's version.
        log('server', (statSync(address).mode & 0o066).toString(8));
      }
      const host = name.includes('6') ? '::1' : '127.0.0.1';
      const client = net.connect(
        typeof address === 'string' ? { path: address } : { port: address.port, host },
      );
      await ending(client.resume());
      // Closed by both: the server has its own idea of when.
      await until(() => (server as unknown as { _connections: number })._connections === 0);
      server.close((error) => log('server', 'closed', describe(error)));
      log('server', facts(server), typeof address === 'string' && existsSync(address));
      await once(server, 'close');
    }
    await sleep(5);
  });
}

const label = (value: unknown): string => inspect(value);

scenario('wrong arguments of listen', (net, log) => {
  for (const value of [...wrong, undefined]) {
    const listen = (...args: unknown[]) => {
      const server = net.createServer().on('error', () => {});
      (server.listen as (...args: unknown[]) => void).apply(server, args);
      server.close();
    };
    // Texts are paths.
    if (typeof value !== 'string') attempted(log, label(value), () => listen(value));
    for (const name of ['port', 'path', 'fd', 'signal', 'handle', '_handle', 'host', 'backlog', 'ipv6Only']) {
      if (name === 'path' && typeof value === 'string' && value) continue;
      if (['host', 'backlog', 'ipv6Only'].includes(name)) {
        // A host is looked up: whatever comes of that.
        if (name === 'host' && value) continue;
        attempted(log, `port, ${name}: ${label(value)}`, () => listen({ port: 0, [name]: value }));
      } else {
        attempted(log, `${name}: ${label(value)}`, () => listen({ [name]: value }));
      }
      attempted(log, `${name}: ${label(value)}, port`, () => listen({ port: 'no port', [name]: value }));
    }
    attempted(log, `readableAll: ${label(value)}`, () => listen({ path: '\0x', readableAll: value }));
  }
  const Server = net.Server as unknown as new (...args: unknown[]) => nodeNet.Server;
  for (const value of [...wrong, undefined]) {
    attempted(log, `new: ${label(value)}`, () => new Server(value));
    for (const name of [
      'allowHalfOpen',
      'pauseOnConnect',
      'noDelay',
      'keepAlive',
      'keepAliveInitialDelay',
      'highWaterMark',
    ]) {
      attempted(log, `${name}: ${label(value)}`, () => {
        const server = new Server({ [name]: value }) as unknown as Record<string, unknown>;
        log(`${name}: ${label(value)}`, label(server[name]));
      });
    }
    attempted(log, `second: ${label(value)}`, () => new Server({}, value).listenerCount('connection'));
  }
});

scenario('close() before listen(), twice, with callbacks', async (net, log) => {
  const server = watchServer(log, net.createServer());
  log('server', server.close((error) => log('server', 'first', describe(error))) === server);
  await once(server, 'close');
  server.listen(0, '127.0.0.1');
  server.close((error) => log('server', 'second', describe(error)));
  server.close((error) => log('server', 'third', describe(error)));
  await sleep(20);
  attempted(log, 'server', () => server.close(5 as unknown as () => void));
  await sleep(5);
});

scenario('close() while a name is looked up', async (net, log) => {
  const server = watchServer(log, net.createServer());
  server.listen(0, 'localhost');
  server.close((error) => log('server', 'closed', describe(error)));
  await sleep(100);
  log('server', facts(server));
});

scenario('listen() twice', async (net, log) => {
  const server = watchServer(log, net.createServer());
  // Without a host it listens at once.
  server.listen(0);
  attempted(log, 'server', () => server.listen(0, () => log('server', 'second')));
  attempted(log, 'server', () => server.listen({ port: -1 }));
  attempted(log, 'server', () => server.listen({ port: 0, signal: 5 as unknown as AbortSignal }));
  await once(server, 'listening');
  attempted(log, 'server', () => server.listen());
  server.close();
  await once(server, 'close');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
});

scenario('listen() again after an error', async (net, log) => {
  const server = watchServer(log, net.createServer());
  server.listen(port(occupied), '127.0.0.1', () => log('server', 'called'));
  await once(server, 'error');
  log('server', facts(server));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  log('server', facts(server));
  server.close();
  await once(server, 'close');
});

for (const when of ['before', 'at once', 'when listening'] as const) {
  scenario(`a signal of listen(), aborted ${when}`, async (net, log) => {
    const controller = new AbortController();
    if (when === 'before') controller.abort();
    const server = watchServer(log, net.createServer());
    server.listen({ port: 0, host: '127.0.0.1', signal: controller.signal });
    if (when === 'at once') controller.abort();
    if (when === 'when listening') server.once('listening', () => controller.abort());
    await once(server, 'close');
    log('server', facts(server));
  });
}

scenario('close() with connections', async (net, log) => {
  const peers: nodeNet.Socket[] = [];
  const server = watchServer(log, await serving(net, {}, (peer) => void peers.push(peer)));
  const clients = [0, 1].map(() => net.connect(port(server), '127.0.0.1'));
  await until(() => peers.length === 2);
  log('server', await promisify(server.getConnections.bind(server))());
  server.close((error) => log('server', 'called', describe(error)));
  log('server', facts(server), server.getConnections(() => {}) === server);
  const refused = net.connect(await closedPort(), '127.0.0.1');
  refused.on('error', (error) => log('refused', describe(error)));
  await ending(refused);
  for (const client of clients) {
    client.resume();
    log('server', await promisify(server.getConnections.bind(server))());
    peers.pop()!.destroy();
  }
  await Promise.all(clients.map(ending));
  await sleep(20);
  log('server', facts(server));
});

/** So many connections, more than wait for a loop, one after the other: how each ends. */
async function connectInTurn(server: nodeNet.Server, count: number): Promise<string[]> {
  const ends: string[] = [];
  for (let i = 0; i < count; i++) {
    const client = nodeNet.connect(port(server), '127.0.0.1');
    client.setTimeout(scaled(2000), () => client.destroy());
    client.on('connect', () => client.end()).on('end', () => ends.push('ended'));
    let text = '';
    client.on('data', (data) => (text += String(data)));
    await ending(client);
    ends.push(text);
    if (ends.at(-2) !== 'ended') break;
  }
  return ends;
}

scenario("nobody listens to 'connection'", async (net, log) => {
  const server = await serving(net, {});
  log('server', ...(await connectInTurn(server, 80)));
  log('server', await promisify(server.getConnections.bind(server))());
  server.close();
});

scenario("an emit() of the program's own takes the connections", async (net, log) => {
  class Own extends net.Server {
    override emit(event: string, ...args: unknown[]): boolean {
      if (event !== 'connection') return super.emit(event, ...args);
      const socket = args[0] as nodeNet.Socket;
      log('socket', socket.eventNames().map(String).sort());
      socket.resume().end('hello');
      return true;
    }
  }
  const server = new Own().listen(0, '127.0.0.1');
  await once(server, 'listening');
  log('server', ...(await connectInTurn(server, 80)));
  server.close();
});

scenario('Symbol.asyncDispose', async (net, log) => {
  const server = watchServer(log, net.createServer());
  const disposable = server as unknown as AsyncDisposable;
  log('server', await disposable[Symbol.asyncDispose]());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  log('server', await disposable[Symbol.asyncDispose](), facts(server));
  log('server', await disposable[Symbol.asyncDispose](), facts(server));
});

for (const maxConnections of [0, 1, 2, undefined, null, -1, '1']) {
  for (const where of ['TCP', 'Unix'] as const) {
    scenario(`maxConnections ${String(maxConnections)}: ${where}`, async (net, log) => {
      let accepted = 0;
      let dropped = 0;
      const server = net.createServer((peer) => {
        accepted++;
        log('server', 'connection');
        peer.on('error', () => {}).resume();
      });
      server.maxConnections = maxConnections as number;
      server.on('drop', (...args: [nodeNet.DropArgument?]) => {
        dropped++;
        const { localPort, remotePort, ...rest } = args[0] ?? {};
        log('server', 'drop', args.length, rest, typeof localPort, typeof remotePort);
      });
      server.listen(
        where === 'TCP'
          ? { port: 0, host: '127.0.0.1' }
          : { path: path(`most-${typeof maxConnections}${maxConnections}`) },
      );
      await once(server, 'listening');
      const clients: nodeNet.Socket[] = [];
      for (let i = 0; i < 3; i++) {
        const client = net.connect(
          where === 'TCP'
            ? { port: port(server), host: '127.0.0.1' }
            : { path: path(`most-${typeof maxConnections}${maxConnections}`) },
        );
        client.on('end', () => log(`client${i}`, 'end')).on('close', () => log(`client${i}`, 'close'));
        client.on('error', () => {}).resume();
        const ended = ending(client);
        await once(client, 'connect');
        await until(() => accepted + dropped > i);
        if (dropped > 0) await ended;
        clients.push(client);
      }
      log('server', facts(server));
      for (const client of clients) if (!client.destroyed) client.destroy();
      server.close();
      await once(server, 'close');
    });
  }
}

for (const options of [
  { pauseOnConnect: true },
  { allowHalfOpen: true },
  { highWaterMark: 10 },
  { highWaterMark: 0 },
  { noDelay: true, keepAlive: true, keepAliveInitialDelay: 2000 },
]) {
  scenario(`options of accepted sockets: ${JSON.stringify(options)}`, async (net, log) => {
    const server = await serving(net, options, (peer) => {
      watch(log, 'peer', peer, ['end', 'finish', 'close']);
      log('peer', fieldsOf(peer), peer.isPaused(), (peer as { server?: unknown }).server === server);
      // Nothing arrives where the server does not read.
      const arrived = async () => {
        for (let ms = 0; ms < (options.pauseOnConnect ? 30 : 1000) && peer.bytesRead === 0; ms++)
          await sleep(1);
      };
      void arrived().then(() => {
        log('peer', peer.bytesRead, peer.readableLength, peer.readableFlowing);
        peer.setEncoding('utf8').on('data', (text) => log('peer', 'data', text));
        peer.resume();
        if (options.allowHalfOpen) peer.on('end', () => setTimeout(() => peer.end('bye'), scaled(10)));
      });
    });
    const client = watch(log, 'client', net.connect(port(server), '127.0.0.1'), ['end', 'data', 'close']);
    client.end('hi');
    await ending(client);
    server.close();
    await once(server, 'close');
  });
}

async function rejecting(net: Net, log: Log, options: object): Promise<void> {
  const server = net.createServer({ ...options, captureRejections: true } as nodeNet.ServerOpts);
  const onConnection: (peer: nodeNet.Socket) => unknown = (peer) => {
    watch(log, 'peer', peer, ['end', 'finish', 'error', 'close']);
    return Promise.reject(new RangeError('mine'));
  };
  server.on('connection', onConnection);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect(port(server), '127.0.0.1');
  client.on('error', () => {}).on('close', () => log('client', 'close'));
  await ending(client.resume());
  server.close();
  await once(server, 'close');
}

scenario('captureRejections', async (net, log) => {
  const { EventEmitter } = await import('node:events');
  EventEmitter.captureRejections = true;
  try {
    await rejecting(net, log, {});
    const server = net.createServer();
    const rejects: () => unknown = () => Promise.reject(new RangeError('listening'));
    server.on('listening', rejects);
    server.on('error', (error) => log('server', describe(error)));
    server.listen(0, '127.0.0.1');
    await once(server, 'error');
    server.close();
    await once(server, 'close');
  } finally {
    EventEmitter.captureRejections = false;
  }
});

scenario('ref() and unref() give the object', async (net, log) => {
  const server = net.createServer();
  log('server', server.unref() === server, server.ref() === server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  log('server', server.unref() === server, server.ref() === server);
  const socket = net.connect(port(server), '127.0.0.1');
  log('client', socket.unref() === socket, socket.ref() === socket);
  await once(socket, 'connect');
  log('client', socket.unref() === socket, socket.ref() === socket);
  socket.destroy();
  log('client', socket.unref() === socket, socket.ref() === socket);
  server.close();
  await once(server, 'close');
  log('server', server.unref() === server, server.ref() === server);
});

/** Versions of node that know no block lists have none of this, and ignore the option: so does the ring there. */
scenario('blockList', async (net, log) => {
  const blockList = new net.BlockList();
  blockList.addAddress('127.0.0.1');
  blockList.addAddress('::1', 'ipv6');
  const options = { blockList } as nodeNet.ServerOpts;
  const accepting = await serving(net, {}, (peer) => void peer.end('hello'));
  const lookup = ((_host: string, _options: object, callback: (...args: unknown[]) => void) => {
    const addresses = [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ];
    setImmediate(() => callback(null, addresses));
  }) as unknown as nodeNet.LookupFunction;
  for (const target of [{ host: '127.0.0.1' }, { host: 'x', lookup, autoSelectFamily: true }]) {
    const events = ['connectionAttempt', 'connectionAttemptFailed', 'connect', 'error', 'close'];
    await ending(
      watch(log, 'client', net.connect({ port: port(accepting), ...target, ...options }), events).resume(),
    );
  }
  const blocking = await serving(net, options, (peer) => {
    log('server', 'accepted');
    peer.end('hello');
  });
  const client = net.connect(port(blocking), '127.0.0.1');
  client.on('error', () => {}).on('data', (data) => log('client', data.toString()));
  await ending(client);
  attempted(log, 'server', () => net.createServer({ blockList: {} } as nodeNet.ServerOpts));
  attempted(log, 'client', () => new net.Socket({ blockList: {} } as nodeNet.SocketConstructorOpts));
  accepting.close();
  blocking.close();
  await Promise.all([once(accepting, 'close'), once(blocking, 'close')]);
});
