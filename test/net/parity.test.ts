// A client, a server, and what can happen between them: as with node:net.
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type nodeNet from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { scaled } from '../slowness.js';
import {
  attempted,
  closedPort,
  describe,
  ending,
  ends,
  port,
  scenario,
  serving,
  watch,
} from './scenarios.js';
import { sleep, until } from './support.js';

const directory = mkdtempSync(join(tmpdir(), 'ringcore-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

scenario('a conversation, ended by the client', async (net, log) => {
  const server = await serving(net, {}, (socket) => {
    watch(log, 'server', socket);
    socket.on('data', (chunk) => socket.write(`you said ${chunk.toString()}`));
  });
  const client = watch(log, 'client', net.connect(port(server), '127.0.0.1'));
  log(client.connecting, client.pending, client.readyState);
  await once(client, 'connect');
  log(
    client.connecting,
    client.pending,
    client.readyState,
    client.remoteFamily,
    client.remoteAddress,
    client.localAddress,
  );
  client.write('hello');
  await once(client, 'data');
  client.end();
  log(client.readyState);
  await ending(client);
  log(
    client.readyState,
    client.destroyed,
    client.bytesRead,
    client.bytesWritten,
    client.localAddress,
    client.remoteAddress,
  );
  server.close();
  await once(server, 'close');
});

scenario('a conversation, ended by the server', async (net, log) => {
  const server = await serving(net, {}, (socket) => void watch(log, 'server', socket).end('bye'));
  const client = watch(log, 'client', net.connect(port(server), '127.0.0.1'));
  await ending(client);
  server.close();
  await once(server, 'close');
});

scenario('half-open on both sides', async (net, log) => {
  const server = await serving(net, { allowHalfOpen: true }, (socket) => {
    watch(log, 'server', socket).on('end', () => setTimeout(() => socket.end('after your end'), scaled(20)));
  });
  const client = watch(
    log,
    'client',
    net.connect({ port: port(server), host: '127.0.0.1', allowHalfOpen: true }),
  );
  client.end('question');
  await once(client, 'end');
  await until(() => client.destroyed);
  server.close();
  await once(server, 'close');
});

scenario('reset by the server', async (net, log) => {
  const server = await serving(net, {}, (socket) => {
    socket.on('close', (hadError) => log('server close', hadError));
    setTimeout(() => socket.resetAndDestroy(), scaled(20));
  });
  const client = watch(log, 'client', net.connect(port(server), '127.0.0.1'), ['connect', 'ready', ...ends]);
  await ending(client);
  server.close();
  await once(server, 'close');
});

scenario('reset by the client', async (net, log) => {
  const server = await serving(net, {}, (socket) => void watch(log, 'server', socket));
  const accepted = once(server, 'connection');
  const client = net.connect(port(server), '127.0.0.1');
  client.on('close', (hadError) => log('client close', hadError));
  await Promise.all([accepted, once(client, 'connect')]);
  client.resetAndDestroy();
  await ending(client);
  await sleep(20);
  server.close();
  await once(server, 'close');
});

scenario('resetAndDestroy of a socket that was never connected', async (net, log) => {
  const socket = watch(log, 'socket', new net.Socket());
  socket.resetAndDestroy();
  await ending(socket);
  await sleep(5);
});

for (const [name, host] of [
  ['an address', '127.0.0.1'],
  ['IPv6', '::1'],
] as const) {
  scenario(`connection refused: ${name}`, async (net, log) => {
    const client = watch(log, 'client', net.connect(await closedPort(), host));
    await ending(client);
    log(client.destroyed, client.connecting, client.readyState);
  });
}

scenario('connection refused by every address of a host', async (net, log) => {
  const client = watch(log, 'client', net.connect({ port: await closedPort(), host: 'localhost' }), ends);
  await ending(client);
});

scenario('connection refused with a local address', async (net, log) => {
  const options = {
    port: await closedPort(),
    host: '127.0.0.1',
    localAddress: '127.0.0.1',
    localPort: await closedPort(),
  };
  const client = watch(log, 'client', net.connect(options), ['connectionAttempt', ...ends]);
  await ending(client);
});

scenario('a host that does not exist', async (net, log) => {
  const lookup: nodeNet.LookupFunction = (host, _options, callback) => {
    const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), {
      code: 'ENOTFOUND',
      syscall: 'getaddrinfo',
    });
    setImmediate(() => callback(error, '', 0));
  };
  const client = watch(log, 'client', net.connect({ port: 1, host: 'nowhere.invalid', lookup }), [
    'lookup',
    ...ends,
  ]);
  await ending(client);
});

scenario('a custom lookup that answers nonsense', async (net, log) => {
  for (const [address, family] of [
    ['not an address', 4],
    ['127.0.0.1', 9],
  ] as const) {
    const lookup: nodeNet.LookupFunction = (_host, _options, callback) =>
      setImmediate(() => callback(null, address, family));
    const client = watch(log, 'client', net.connect({ port: 1, host: 'a', family: 4, lookup }), ends);
    await ending(client);
  }
});

scenario('a host with several addresses: the second one works', async (net, log) => {
  const server = await serving(net, {}, (socket) => void socket.end('found'));
  const lookup = ((_host: string, _options: object, callback: (error: null, all: object[]) => void) => {
    setImmediate(() =>
      callback(null, [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ]),
    );
  }) as unknown as nodeNet.LookupFunction;
  const client = watch(
    log,
    'client',
    // On a loaded machine an attempt takes a while; it is not to time out.
    net.connect({
      ...{ port: port(server), host: 'two', lookup, autoSelectFamily: true },
      autoSelectFamilyAttemptTimeout: 5000,
    }),
  );
  await ending(client);
  server.close();
  await once(server, 'close');
});

scenario('destroyed while connecting', async (net, log) => {
  const server = await serving(net, {});
  const client = watch(log, 'client', net.connect(port(server), '127.0.0.1'));
  client.destroy();
  await ending(client);
  const second = watch(log, 'second', net.connect(port(server), '127.0.0.1'));
  second.write('never sent', (error) => log('write', describe(error)));
  second.destroy(new Error('mine'));
  await sleep(20);
  server.close();
  await once(server, 'close');
});

for (const where of ['TCP', 'Unix'] as const) {
  for (const then of ['nothing', 'a write'] as const) {
    scenario(`connecting again in the turn of destroy(): ${where}, ${then}`, async (net, log) => {
      const server = net.createServer((peer) => void peer.resume().on('error', () => {}));
      const path = `\0ringcore-connecting-again-${then}-${process.pid}`;
      await once(server.listen(where === 'Unix' ? { path } : { port: 0, host: '127.0.0.1' }), 'listening');
      const target = where === 'Unix' ? { path } : { port: port(server), host: '127.0.0.1' };
      const client = net.connect(target);
      const seen: Record<string, number> = {};
      for (const event of ['connect', 'ready', 'error', 'close']) {
        client.on(event, (value) => {
          seen[event] = (seen[event] ?? 0) + 1;
          log(event, describe(value));
        });
      }
      client.once('connect', () => {
        client.write('before', (error) => log('before', describe(error)));
        client.destroy();
        client.connect(target);
        if (then === 'a write') client.write('behind', (error) => log('behind', describe(error)));
        log(client.connecting, client.destroyed);
      });
      await until(() => seen[then === 'nothing' ? 'ready' : 'close'] === 2);
      log(client.connecting, client.destroyed);
      client.destroy();
      if (!client.closed) await ending(client);
      server.close();
      await once(server, 'close');
    });
  }
}

scenario('an AbortSignal while connecting', async (net, log) => {
  const server = await serving(net, {}, (socket) => void socket.resume().on('error', () => {}));
  const controller = new AbortController();
  const client = watch(
    log,
    'client',
    net.connect({ port: port(server), host: '127.0.0.1', signal: controller.signal }),
  );
  controller.abort();
  await sleep(20);
  log(client.destroyed);
  const second = watch(
    log,
    'second',
    net.connect({ port: port(server), host: '127.0.0.1', signal: controller.signal }),
  );
  await until(() => !second.connecting);
  await sleep(20);
  log(second.destroyed);
  second.destroy();
  server.close();
  await once(server, 'close');
});

scenario('write after end', async (net, log) => {
  const server = await serving(net, {}, (socket) => void socket.resume());
  const client = watch(log, 'client', net.connect(port(server), '127.0.0.1'), ends);
  client.end('x');
  client.write('y', (error) => log('callback', describe(error)));
  await sleep(30);
  server.close();
  await once(server, 'close');
});

scenario('write after the end of the other side', async (net, log) => {
  const server = await serving(net, {}, (socket) => void socket.end('x'));
  const client = watch(log, 'client', net.connect(port(server), '127.0.0.1'), ends);
  client.resume();
  await once(client, 'end');
  await ending(client);
  client.write('late', (error) => log('callback', describe(error)));
  await sleep(20);
  server.close();
  await once(server, 'close');
});

scenario('write to a socket without a connection', async (net, log) => {
  const socket = watch(log, 'socket', new net.Socket(), ends);
  socket.write('x', (error) => log('callback', describe(error)));
  await sleep(10);
  log(socket.destroyed, socket.address(), socket.bufferSize, socket.readyState);
});

scenario('a timeout', async (net, log) => {
  const server = await serving(net, {}, (socket) => void socket.resume());
  const client = watch(log, 'client', net.connect(port(server), '127.0.0.1'), ['timeout', 'close']);
  await once(client, 'connect');
  client.setTimeout(50, () => log('callback'));
  await sleep(120);
  log(client.timeout, client.destroyed);
  client.write('activity');
  await sleep(120);
  client.setTimeout(0);
  client.write('more');
  await sleep(100);
  client.destroy();
  await sleep(10);
  server.close();
  await once(server, 'close');
});

scenario('server events', async (net, log) => {
  const server = net.createServer();
  for (const event of ['listening', 'close', 'error', 'drop'])
    server.on(event, (...args) => log(event, ...args.map(describe)));
  log(server.listening, server.address());
  server.listen(0);
  log(server.listening, typeof port(server));
  await once(server, 'listening');
  const { address, family } = server.address() as nodeNet.AddressInfo;
  log(address, family);
  attempted(log, 'listen twice', () => server.listen(0));
  server.close((error) => log('closed', describe(error)));
  log(server.listening, server.address());
  await once(server, 'close');
  server.close((error) => log('closed again', describe(error)));
  await once(server, 'close');
});

scenario('listen where somebody listens', async (net, log) => {
  const first = await serving(net, {});
  for (const options of [{ port: port(first), host: '127.0.0.1' }, { port: port(first) }]) {
    const second = net.createServer();
    second.on('listening', () => log('listening'));
    second.on('error', (error) => log('error', describe(error), second.listening));
    second.listen(options);
    await sleep(20);
    if (second.listening) second.close();
  }
  first.close();
  await once(first, 'close');
});

scenario('listen on an address that is not ours', async (net, log) => {
  for (const host of ['192.0.2.1', '2001:db8::1']) {
    const server = net.createServer().listen(0, host);
    const [error] = (await once(server, 'error')) as [Error];
    log(describe(error));
  }
});

scenario('Unix sockets: in use, missing, a directory', async (net, log) => {
  const path = join(directory, 'in-use.sock');
  const server = net.createServer().listen(path);
  await once(server, 'listening');
  log(server.address() === path);
  const second = net.createServer().listen(path);
  const [error] = (await once(second, 'error')) as [Error];
  log(describe(error));
  server.close();
  await once(server, 'close');
  for (const missing of [path, directory]) {
    const client = watch(log, 'client', net.connect(missing), ['connectionAttempt', ...ends]);
    await ending(client);
  }
});

scenario('bad arguments', (net, log) => {
  for (const value of [-1, 65536, 1.5, NaN, 'x y', '', {}, [], true, null]) {
    attempted(log, `connect port`, () =>
      net
        .connect({ port: value as number, host: '127.0.0.1' })
        .on('error', () => {})
        .destroy(),
    );
    attempted(log, `listen port`, () =>
      net
        .createServer()
        .on('error', () => {})
        .listen({ port: value as number })
        .close(),
    );
  }
  attempted(log, 'no arguments', () => net.connect({} as nodeNet.NetConnectOpts));
  attempted(log, 'path', () => net.connect({ path: 5 as unknown as string }));
  attempted(log, 'localAddress', () => net.connect({ port: 1, localAddress: 'x' }));
  attempted(log, 'localPort', () => net.connect({ port: 1, localPort: 'x' as unknown as number }));
  attempted(log, 'lookup', () =>
    net.connect({ port: 1, host: 'a', lookup: 5 as unknown as nodeNet.LookupFunction }),
  );
  attempted(log, 'listen {}', () => net.createServer().listen({}));
  attempted(log, 'listen path', () => net.createServer().listen({ path: 5 as unknown as string }));
  attempted(log, 'signal', () => net.createServer().listen({ port: 0, signal: 5 as unknown as AbortSignal }));
  attempted(log, 'server options', () => net.createServer('x' as unknown as nodeNet.ServerOpts));
  attempted(log, 'highWaterMark', () => net.createServer({ highWaterMark: 'x' as unknown as number }));
  attempted(
    log,
    'keepAliveInitialDelay',
    () => new net.Socket({ keepAliveInitialDelay: 'x' } as nodeNet.SocketConstructorOpts),
  );
  attempted(log, 'objectMode', () => new net.Socket({ objectMode: true } as nodeNet.SocketConstructorOpts));
  attempted(log, 'fd', () => new net.Socket({ fd: -1 }));
  attempted(log, 'fd type', () => new net.Socket({ fd: 'x' as unknown as number }));
  attempted(log, 'fd closed', () => new net.Socket({ fd: 1_000_000 }));
  const socket = new net.Socket();
  for (const value of ['x', -1, NaN, Infinity, undefined])
    attempted(log, 'setTimeout', () => socket.setTimeout(value as number));
  attempted(log, 'setTimeout callback', () => socket.setTimeout(10, 5 as unknown as () => void));
  attempted(log, 'write', () => socket.write(5 as unknown as string));
  attempted(log, 'write null', () => socket.write(null as unknown as string));
  attempted(log, 'without new', () => (net.Socket as unknown as () => unknown)());
  attempted(log, 'without new', () => (net.Server as unknown as () => unknown)());
  socket.on('error', () => {}).destroy();
});

scenario('AsyncLocalStorage', async (net, log) => {
  const storage = new AsyncLocalStorage<string>();
  const server = net.createServer((socket) => {
    log('connection', storage.getStore());
    socket.on('data', () => log('server data', storage.getStore()));
    socket.on('close', () => log('server close', storage.getStore()));
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => storage.run('listen', () => server.listen(0, '127.0.0.1', resolve)));
  await storage.run('client', async () => {
    const client = net.connect(port(server), '127.0.0.1', () => log('connect', storage.getStore()));
    client.on('data', () => log('data', storage.getStore()));
    client.on('close', () => log('close', storage.getStore()));
    client.setTimeout(30, () => {
      log('timeout', storage.getStore());
      client.end();
    });
    storage.run('write', () => client.write('x', () => log('written', storage.getStore())));
    await ending(client);
  });
  storage.run('close', () => server.close(() => log('server closed', storage.getStore())));
  await once(server, 'close');
});
