// What was written before an end that waits for nothing has gone, as far as the kernel had room: libuv writes at once, and
// programs count on it. Broken to see it fail: no _flush() in _destroy() (all of the first), no 'exit' hook, #ahead not
// counted, or not skipped (doubled bytes).
import { once } from 'node:events';
import nodeNet from 'node:net';
import t from 'tap';
import { backend } from 'ringcore/core';
import { createServer, type Socket } from 'ringcore/net';
import { port, scenario, serving } from './scenarios.js';
import { closed, collect, hashOf, pattern, portOf, run, sleep } from './support.js';

for (const [name, write] of [
  ['two writes', (socket) => (socket.write('a'), socket.write('b'))],
  ['many', (socket) => Array.from({ length: 50 }, (_, i) => socket.write(`${i},`, 'latin1'))],
  ['2 MB', (socket) => socket.write(pattern(2_000_000))],
  ['text, and bytes', (socket) => (socket.write('é'.repeat(300_000)), socket.write(pattern(1000)))],
  ['corked', (socket) => (socket.cork(), socket.write('a'))],
] as [string, (socket: nodeNet.Socket) => unknown][]) {
  scenario(`${name}, then destroy()`, async (net, log) => {
    const server = await serving(net, {}, (socket) => {
      write(socket);
      socket.destroy();
    });
    const client = nodeNet.connect(port(server), '127.0.0.1');
    const got = await collect(client as AsyncIterable<Buffer>);
    log('client', got.length, hashOf(got));
    server.close();
    await once(server, 'close');
  });
}

scenario('a loop that ends with writes on their way', async (net, log) => {
  const server = await serving(net, {}, (socket) => {
    void (async () => {
      for await (const chunk of socket) for (let i = 0; i < 5; i++) socket.write(`${chunk}${i}`);
    })();
  });
  const client = nodeNet.connect(port(server), '127.0.0.1').end('x');
  log('client', String(await collect(client as AsyncIterable<Buffer>)));
  server.close();
  await once(server, 'close');
});

t.test('process.exit() behind writes', async (t) => {
  const received: Promise<Buffer>[] = [];
  const server = nodeNet.createServer(
    (socket) => void received.push(collect(socket as AsyncIterable<Buffer>)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { code, stderr } = await run(
    `import { connect } from 'ringcore/net';
    const socket = connect(${(server.address() as nodeNet.AddressInfo).port}, '127.0.0.1', () => setTimeout(() => {
      socket.write('a');
      socket.write('b'.repeat(100_000));
      process.exit(7);
    }, 20));`,
  );
  t.equal(code, 7, stderr);
  t.equal(String(await received[0]), `a${'b'.repeat(100_000)}`);
  server.close();
});

t.test('a socket that lives on', { skip: backend.name === 'node' && 'without a ring' }, async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bytes = pattern(6_000_000);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = nodeNet.connect(portOf(server), '127.0.0.1');
  const received = collect(client as AsyncIterable<Buffer>);
  const [socket] = await accepted;
  const flush = (): void => (socket as unknown as { _flush(): void })._flush();
  let calls = 0;
  let written = 1;
  // More than one operation takes.
  const large = 2_500_000;
  socket.write(bytes.subarray(0, large), () => calls++);
  flush();
  for (let at = large, size = 1; at < bytes.length; at += size, size = (size * 5 + 7) % 60_000) {
    const view = bytes.subarray(at, at + size);
    const sent = socket.write(view, () => calls++);
    written++;
    if (at % 3 === 0) flush();
    if (at % 7 === 0) setImmediate(flush);
    if (!sent && at % 2 === 0) await once(socket, 'drain');
    else if (at % 5 === 0) await sleep(1);
  }
  socket.end();
  t.ok(bytes.equals(await received));
  t.equal(calls, written);
  await closed(server);
});
