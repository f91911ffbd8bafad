// The server: its life, its limits, what it leaves behind.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { backend } from 'ringcore/core';
import net from 'ringcore/net';
import { scaled } from '../slowness.js';
import { connected, closed, collect, descriptors, listening, portOf, sleep, until } from './support.js';

t.test('1,000 connections, one after the other, leave no descriptor', async (t) => {
  const server = await listening((socket) => void socket.on('error', () => {}).end('bye'));
  (await collect(await connected(server))).toString();
  const before = descriptors();
  for (let i = 0; i < 1000; i++) {
    const socket = await connected(server);
    if (i % 4 === 0) socket.destroy();
    else if (i % 4 === 1) socket.resetAndDestroy();
    else socket.resume();
    await once(socket, 'close');
  }
  t.ok(await until(() => descriptors() <= before), `${descriptors()} descriptors, ${before} before`);
  let left = -1;
  const count = (): void => void server.getConnections((_, n) => (left = n));
  t.ok(await until(() => (count(), left === 0)), `${left} connections counted`);
  await closed(server);
});

t.test('the port is free at once when close() returns', async (t) => {
  const server = await listening((socket) => void socket.resume());
  const client = await connected(server);
  const port = portOf(server);
  server.close();
  const second = net.createServer().listen(port, '127.0.0.1');
  await once(second, 'listening');
  client.destroy();
  await closed(second);
  t.pass();
});

t.test('close waits for the connections that are open', async (t) => {
  const server = await listening((socket) => void socket.resume());
  const client = await connected(server);
  await sleep(20);
  const port = portOf(server);
  let done = false;
  server.close(() => (done = true));
  await sleep(50);
  t.equal(done, false);
  t.equal(server.listening, false);
  const [refused] = (await once(net.connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
  t.equal(refused.code, 'ECONNREFUSED');
  client.end();
  t.ok(await until(() => done));
});

t.test('maxConnections drops, and says whom', async (t) => {
  const server = await listening((socket) => void socket.resume());
  server.maxConnections = 1;
  const first = await connected(server);
  await sleep(20);
  const dropped = once(server, 'drop');
  const second = await connected(server);
  const [{ localPort, remotePort }] = (await dropped) as [{ localPort: number; remotePort: number }];
  t.equal(localPort, portOf(server));
  t.equal(remotePort, second.localPort);
  second.on('error', () => {}).resume();
  await once(second, 'close');
  first.destroy();
  await closed(server);
});

const refuses = backend.name === 'node' && 'libuv closes connections that it has no descriptor for';

function withFewDescriptors(script: string): string {
  const command = `ulimit -n 1100; exec "$0" --input-type=module -e "$1"`;
  const out = execFileSync('/bin/sh', ['-c', command, process.execPath, script], {
    encoding: 'utf8',
    timeout: scaled(10_000),
  });
  return out.trim();
}

t.test('without descriptors it waits, and goes on when there are some', { skip: refuses }, async (t) => {
  const script = `
    import { stats } from 'ringcore/core';
import net from 'ringcore/net';
    import { openSync, closeSync } from 'node:fs';
    import { once } from 'node:events';
    const server = net.createServer((socket) => socket.end('served')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = net.connect(server.address().port, '127.0.0.1');
    const held = [];
    // The client's own descriptor is made in the next tick.
    await new Promise((resolve) => process.nextTick(resolve));
    try { for (;;) held.push(openSync('/dev/null')); } catch {}
    await once(socket, 'connect').catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 400));
    const accepts = stats().operations.acceptMultishot;
    for (const fd of held) closeSync(fd);
    let text = '';
    for await (const chunk of socket) text += chunk;
    console.log(text, accepts < 20 ? 'idle' : accepts);
    server.close();
  `;
  t.equal(withFewDescriptors(script), 'served idle');
});

// Broken to see it fail: ref() and unref() leave the timer alone.
t.test('ref() and unref() count while it waits for a descriptor', async (t) => {
  for (const [change, outcome] of [
    ['ref', 'alive'],
    ['unref', 'ended'],
  ] as const) {
    const script = `
      import net from 'ringcore/net';
      import { openSync } from 'node:fs';
      import { once } from 'node:events';
      const server = net.createServer(() => {}).listen(0, '127.0.0.1');
      await once(server, 'listening');
      if ('${change}' === 'ref') server.unref();
      net.connect(server.address().port, '127.0.0.1').on('error', () => {}).unref();
      await new Promise((resolve) => process.nextTick(resolve));
      try { for (;;) openSync('/dev/null'); } catch {}
      await new Promise((resolve) => setTimeout(resolve, 50));
      server.${change}();
      setTimeout(() => (console.log('alive'), process.reallyExit()), 1000).unref();
      process.on('exit', () => console.log('ended'));
    `;
    t.equal(withFewDescriptors(script), outcome, change);
  }
});

t.test('Unix sockets: path, abstract path, permissions, the path is gone after close', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ringcore-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  for (const path of [join(directory, 'a.sock'), `\0ringcore-${process.pid}`]) {
    const server = net.createServer((socket) => void socket.pipe(socket)).listen(path);
    await once(server, 'listening');
    t.equal(server.address(), path);
    const socket = net.connect(path);
    socket.end('over a path');
    t.equal((await collect(socket)).toString(), 'over a path');
    t.same(socket.address(), {});
    await closed(server);
    if (!path.startsWith('\0')) t.equal(existsSync(path), false);
  }
});

t.test('an AbortSignal closes the server', async (t) => {
  const controller = new AbortController();
  const server = net.createServer().listen({ port: 0, host: '127.0.0.1', signal: controller.signal });
  await once(server, 'listening');
  controller.abort();
  await once(server, 'close');
  t.equal(server.listening, false);
});

t.test('asyncDispose closes', async (t) => {
  const server = await listening();
  await server[Symbol.asyncDispose]();
  t.equal(server.listening, false);
  await server[Symbol.asyncDispose]();
});
