// How a connection comes about, or does not: as with node:net.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import nodeNet from 'node:net';
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
  fieldsOf,
  port,
  scenario,
  serving,
  watch,
  wrong,
  type Log,
} from './scenarios.js';

const directory = mkdtempSync(join(tmpdir(), 'ringcore-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
const file = join(directory, 'file');
writeFileSync(file, '');

const nodeMajor = Number.parseInt(process.versions.node, 10);

const lookupOf = (...addresses: [string, number][]): nodeNet.LookupFunction =>
  ((_host: string, options: { all?: boolean }, callback: (...args: unknown[]) => void) => {
    const all = addresses.map(([address, family]) => ({ address, family }));
    setImmediate(() => (options.all ? callback(null, all) : callback(null, ...addresses[0]!)));
  }) as unknown as nodeNet.LookupFunction;

/** Where a connect fails. */
const failures: Record<string, () => Promise<nodeNet.NetConnectOpts> | nodeNet.NetConnectOpts> = {
  'TCP, refused': async () => ({ port: await closedPort(), host: '127.0.0.1' }),
  'IPv6, refused': async () => ({ port: await closedPort(), host: '::1' }),
  'a Unix path that is not there': () => ({ path: join(directory, 'nowhere') }),
  'a Unix path in nothing': () => ({ path: join(directory, 'nowhere', 'deeper') }),
  'a Unix path that is a file': () => ({ path: file }),
  'a Unix path below a file': () => ({ path: join(file, 'x') }),
  'an abstract path that is not there': () => ({ path: '\0ringcore-nowhere' }),
  'a Unix path of a port': () => ({ path: '12345' }),
  'port 0': () => ({ port: 0, host: '127.0.0.1' }),
  'a port as text': async () => ({
    port: String(await closedPort()) as unknown as number,
    host: '127.0.0.1',
  }),
  'a broadcast address': () => ({ port: 1, host: '255.255.255.255' }),
  'a multicast address': () => ({ port: 1, host: '::ffff:0:0:1', family: 6 }),
  'a local address of another family': () => ({ port: 1, host: '127.0.0.1', localAddress: '::1' }),
  'a local address that is not ours': () => ({ port: 1, host: '127.0.0.1', localAddress: '192.0.2.1' }),
  'a local port in use': async () => ({ port: await closedPort(), host: '127.0.0.1', localPort: inUse }),
  'no address': () => ({ port: 1, host: 'x', lookup: lookupOf(['nonsense', 4]), autoSelectFamily: true }),
  'no family': () => ({ port: 1, host: 'x', lookup: lookupOf(['127.0.0.1', 5]), autoSelectFamily: true }),
  'addresses that refuse': async () => ({
    port: await closedPort(),
    host: 'x',
    lookup: lookupOf(['127.0.0.1', 4], ['::1', 6], ['127.0.0.1', 4]),
    autoSelectFamily: true,
  }),
  'one address that refuses': async () => ({
    port: await closedPort(),
    host: 'x',
    lookup: lookupOf(['127.0.0.1', 4]),
    autoSelectFamily: true,
  }),
  'no automatic family': async () => ({
    port: await closedPort(),
    host: 'x',
    lookup: lookupOf(['127.0.0.1', 4]),
    autoSelectFamily: false,
  }),
  'a look-up that fails at once': () => ({
    port: 1,
    host: 'x',
    lookup: ((_host: string, _options: object, callback: (error: Error) => void) =>
      callback(new RangeError('no'))) as unknown as nodeNet.LookupFunction,
  }),
};

const occupied = nodeNet.createServer().listen(0, '127.0.0.1').unref();
await once(occupied, 'listening');
const inUse = port(occupied);

const watched = ['lookup', 'connectionAttempt', 'connectionAttemptFailed', 'connect', 'ready', ...ends];

for (const [name, optionsOf] of Object.entries(failures)) {
  scenario(`fails: ${name}`, async (net, log) => {
    const options = await optionsOf();
    const socket = watch(log, 'client', net.connect(options), watched);
    socket.write('never', (error) => log('client', 'write', describe(error)));
    await ending(socket);
    log('client', fieldsOf(socket));
  });
}

/** There is a connection, or there will be none. */
const decided = (socket: nodeNet.Socket): Promise<unknown> =>
  new Promise((resolve) => socket.once('ready', resolve).once('close', resolve));

/** Not one that the kernel chooses by itself, nor the same twice. */
let nextLocalPort = 15_000 + randomInt(10_000);
const ownPort = (): number => nextLocalPort++;

for (const [host, literal] of [
  ['IPv4', '127.0.0.1'],
  ['IPv6', '::1'],
] as const) {
  scenario(`a local port that is used, and was: ${host}`, async (net, log) => {
    const localPort = ownPort();
    const peers = (peer: nodeNet.Socket): void => void peer.resume().on('error', () => {});
    const servers = [0, 0, 0].map(() => nodeNet.createServer(peers).listen(0, literal));
    await Promise.all(servers.map((server) => once(server, 'listening')));
    const connecting = async (name: string, server: nodeNet.Server): Promise<nodeNet.Socket> => {
      const options = { port: port(server), host: literal, localPort };
      const socket = watch(log, name, net.connect(options), ['connect', 'error']).resume();
      await decided(socket);
      log(name, socket.localPort === localPort);
      return socket;
    };
    // Its end is in TIME_WAIT.
    await ending((await connecting('ended', servers[0]!)).end());
    const open = [await connecting('open', servers[1]!), await connecting('beside it', servers[2]!)];
    // To the same server: that connection is there.
    await connecting('twice', servers[1]!);
    const listener = net.createServer().listen(localPort, literal);
    listener.on('listening', () => log('listener', 'listening'));
    listener.on('error', (error) => log('listener', describe(error)));
    await new Promise((resolve) => listener.once('listening', resolve).once('error', resolve));
    // Now somebody listens there.
    await connecting('behind a listener', servers[0]!);
    for (const socket of open) socket.destroy();
    for (const server of [listener, ...servers]) server.close();
  });
}

scenario('a local port, from which several addresses are tried', async (net, log) => {
  const server = await serving(nodeNet, {}, (peer) => void peer.resume());
  const socket = net.connect({
    port: port(server),
    host: 'x',
    localPort: ownPort(),
    lookup: lookupOf(['::1', 6], ['127.0.0.2', 4], ['127.0.0.1', 4]),
    autoSelectFamily: true,
    // It is about those that refuse.
    autoSelectFamilyAttemptTimeout: scaled(5000),
  });
  watch(log, 'client', socket, watched);
  await decided(socket);
  log('client', socket.remoteAddress, socket.autoSelectFamilyAttemptedAddresses?.length);
  if (!socket.closed) await ending(socket.destroy());
  server.close();
});

scenario('a Unix server that has no room for another', async (net, log) => {
  const path = join(directory, 'full');
  rmSync(path, { force: true });
  // Listens, and accepts nobody.
  const source = `require('node:net').createServer().listen({ path: process.argv[1], backlog: 1 }, () => {
    process.stdout.write('listening');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
  });`;
  const child = spawn(process.execPath, ['-e', source, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const sockets = ['first', 'second', 'third', 'fourth'].map((name) => {
    const socket = watch(log, name, net.connect(path), watched);
    // One that would wait for room is not to hold up the test.
    setTimeout(() => socket.destroy(), scaled(5000)).unref();
    return socket;
  });
  await Promise.all(sockets.map(decided));
  for (const socket of sockets) if (!socket.closed) await ending(socket.destroy());
  child.kill('SIGKILL');
  await once(child, 'close');
});

for (const when of ['before', 'at once', 'in a tick', 'when connected'] as const) {
  scenario(`a signal, aborted ${when}`, async (net, log) => {
    const server = await serving(net, {}, (peer) => void peer.resume().on('error', () => {}));
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new RangeError('because');
    if (when === 'before') controller.abort(reason);
    const options = { port: port(server), host: '127.0.0.1', signal };
    attempted(log, 'client', () => {
      const socket = watch(log, 'client', net.connect(options), ends);
      if (when === 'at once') controller.abort(reason);
      else if (when === 'in a tick') process.nextTick(() => controller.abort(reason));
      else socket.once('connect', () => controller.abort(reason));
      setTimeout(() => socket.destroy(), scaled(300));
      return socket;
    });
    await new Promise((resolve) => setTimeout(resolve, scaled(400)));
    server.close();
    await once(server, 'close');
  });
}

for (const close of ['end', 'destroy', 'destroySoon', 'resetAndDestroy'] as const) {
  for (const path of [undefined, '\0ringcore-parity-']) {
    for (const written of [false, true]) {
      const name = `${close}() while connecting to ${path === undefined ? 'a host' : 'a path'}`;
      scenario(`${name}${written ? ', with something written' : ''}`, async (net, log) => {
        const server = net.createServer((peer) => {
          peer.on('error', () => {});
          peer.on('data', (data) => log('server', data.toString()));
        });
        const where = path === undefined ? undefined : `${path}${close}${written}`;
        server.listen(where ?? { port: 0, host: '127.0.0.1' });
        await once(server, 'listening');
        const target = where
          ? { path: where }
          : { port: port(server), host: 'x', lookup: lookupOf(['127.0.0.1', 4]) };
        const socket = watch(log, 'client', net.connect(target), watched);
        if (written) socket.write('something', (error) => log('write', describe(error)));
        attempted(log, 'client', () => socket[close]());
        if (!socket.destroyed && close === 'resetAndDestroy' && where) socket.destroy();
        await ending(socket);
        log('client', fieldsOf(socket));
        server.close();
        await once(server, 'close');
      });
    }
  }
}

scenario('a timeout while connecting', async (net, log) => {
  // Never answers: the look-up does not end.
  const options = { port: 1, host: 'x', timeout: 20, lookup: () => {} };
  const socket = watch(log, 'client', net.connect(options), ends);
  await once(socket, 'timeout');
  log('client', fieldsOf(socket));
  socket.destroy();
  await ending(socket);
});

scenario('connect() in its forms', async (net, log) => {
  const path = `\0ringcore-parity-forms`;
  const onPath = net.createServer((peer) => void peer.end()).listen(path);
  await once(onPath, 'listening');
  const server = await serving(net, {}, (peer) => void peer.end());
  const forms: ((called: () => void) => nodeNet.Socket)[] = [
    (called) => net.connect(port(server), called as unknown as string),
    (called) => net.connect(port(server), '127.0.0.1', called),
    (called) => net.connect(String(port(server)) as unknown as number, '127.0.0.1', called),
    (called) => net.connect({ port: port(server) }, called),
    (called) => net.connect(path, called),
    (called) => net.connect({ path }, called),
    (called) => net.createConnection({ path, port: 1, host: 'nowhere.invalid' }, called),
    (called) => new net.Socket().connect(port(server), '127.0.0.1', called),
    (called) => new net.Socket().connect(path, called),
    (called) => new net.Socket().connect({ port: port(server), host: '127.0.0.1' }, called),
    (called) => new (net as unknown as { Stream: typeof nodeNet.Socket }).Stream().connect({ path }, called),
    (called) =>
      net.connect(
        { port: port(server), host: '127.0.0.1', noDelay: true, keepAlive: true, allowHalfOpen: true },
        called,
      ),
  ];
  for (const form of forms) {
    const socket = form(function (this: unknown, ...args: unknown[]) {
      log('client', 'called', this === socket, args.length, fieldsOf(socket));
    });
    socket.resume();
    log('client', fieldsOf(socket).connecting, socket.listenerCount('connect'));
    socket.on('end', () => socket.end());
    await ending(socket);
  }
  onPath.close();
  server.close();
  await Promise.all([once(server, 'close'), once(onPath, 'close')]);
});

/** How a call goes on: what it throws, or the first event of the socket. */
async function outcome(log: Log, what: string, begin: () => nodeNet.Socket): Promise<void> {
  try {
    const socket = begin();
    socket.on('error', (error) => log(what, describe(error)));
    // Something else is a connect that is well on its way.
    socket.once('connect', () => log(what, 'connected'));
    const timer = setTimeout(() => socket.destroy(), scaled(200));
    await ending(socket);
    clearTimeout(timer);
  } catch (error) {
    log(what, describe(error));
  }
}

for (const name of [
  ...['port', 'host', 'path', 'localAddress', 'localPort', 'lookup', 'timeout'],
  ...['autoSelectFamily', 'autoSelectFamilyAttemptTimeout', 'signal', 'keepAliveInitialDelay', 'objectMode'],
  ...[
    'readableObjectMode',
    'writableObjectMode',
    'fd',
    'highWaterMark',
    'encoding',
    'onread',
    'noDelay',
    'handle',
  ],
]) {
  scenario(`wrong options of connect: ${name}`, async (net, log) => {
    const free = await closedPort();
    for (const value of wrong) {
      // What is none of node's handles has no methods that it needs.
      if (name === 'handle' && value) continue;
      const options = { port: free, host: '127.0.0.1', [name]: value } as nodeNet.NetConnectOpts;
      // A host is looked up; whatever resolvers make of nonsense. Newer versions of node look at the type before.
      if (name === 'host' && (typeof value === 'string' ? value : nodeMajor >= 22)) continue;
      // These come down to a port that somebody else may have.
      if (name === 'localPort' && (value === -1 || value === 1.5)) continue;
      if (name === 'lookup') Object.assign(options, { host: 'localhost' });
      await outcome(log, `${name} ${String(value)}`, () => net.connect(options));
    }
  });
}

scenario('wrong arguments', async (net, log) => {
  const connect = net.connect as unknown as (...args: unknown[]) => nodeNet.Socket;
  for (const value of [...wrong, undefined]) {
    await outcome(log, 'first', () => connect(value));
    await outcome(log, 'second', () => connect(value, '127.0.0.1'));
  }
  await outcome(log, 'none', () => connect());
  const Socket = net.Socket as unknown as new (options: unknown) => nodeNet.Socket;
  for (const value of [...wrong, undefined, 1_000_000]) {
    if (typeof value !== 'number') attempted(log, 'new', () => new Socket(value));
    else attempted(log, 'new', () => new Socket(value).destroy());
  }
  // Node's ref() and unref() wait for the connection, each time with a listener.
  const socket = new net.Socket().setMaxListeners(0);
  const methods = socket as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const value of [...wrong, undefined]) {
    for (const method of [
      'setTimeout',
      'setNoDelay',
      'setKeepAlive',
      'setEncoding',
      'ref',
      'unref',
      'cork',
      'uncork',
    ]) {
      attempted(log, method, () => methods[method]!(value));
    }
    attempted(log, 'setTimeout callback', () => methods.setTimeout!(10, value));
    attempted(log, 'setKeepAlive delay', () => methods.setKeepAlive!(true, value));
  }
  socket.destroy();
});

for (const state of ['new', 'connected', 'ended', 'destroyed'] as const) {
  scenario(`wrong arguments of write: ${state}`, async (net, log) => {
    const server = await serving(net, {}, (peer) => void peer.resume().on('error', () => {}));
    for (const value of [
      ...wrong,
      undefined,
      new Uint8Array(2),
      new DataView(new ArrayBuffer(2)),
      new Uint16Array(2),
    ]) {
      for (const encoding of [undefined, 'latin1', 'buffer', 'nonsense', 5]) {
        const socket = new net.Socket().on('error', (error) => log(String(value), encoding, describe(error)));
        if (state !== 'new') await once(socket.connect(port(server), '127.0.0.1'), 'connect');
        if (state === 'ended') socket.end();
        if (state === 'destroyed') socket.destroy();
        const write = (method: 'write' | 'end'): unknown =>
          (socket[method] as (...args: unknown[]) => unknown)(value, encoding, (error: unknown) =>
            log(`${String(value)} callback`, method, encoding, describe(error)),
          );
        const written = attempted(log, `${String(value)} write`, () => write('write'));
        const ended = attempted(log, `${String(value)} end`, () => write('end'));
        // What has thrown in the middle of a write leaves a stream that waits for ever.
        if (state === 'new' || !written || !ended) setImmediate(() => socket.destroy());
        if (!socket.closed) await ending(socket);
      }
    }
    server.close();
    await once(server, 'close');
  });
}
