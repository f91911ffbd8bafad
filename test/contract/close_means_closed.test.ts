// Promise 6: close and destroy flush or cancel what is in flight, send the FIN or RST, free the port at once; a reused
// descriptor never sees an old operation.
// Shown to fail: `Connection.close` (lib/net/connection.ts) not closing its receiver: no FIN came. `closeWithReset` doing
// nothing: a FIN where a RST was due. `Listener.close` (lib/net/listener.ts) not letting go at once: the port was taken.
// `Listener.#handle` keeping what comes behind that: the client waited. `OpTable::find` (native/op/op_table.cc) without the
// generation: bytes of others. `Connection.settled` not asking whether a receive, a send or a connect is in flight, each by
// itself: the descriptor was closed before that had ended.
import { once } from 'node:events';
import t from 'tap';
import nodeNet from 'node:net';
import net from 'ringcore/net';
import { core } from 'ringcore';
import { portOf, listening, until } from '../net/support.js';
import { underFaults } from './faulty.js';

t.test('the FIN, with a receive in flight; the RST', async (t) => {
  for (const how of ['destroy', 'resetAndDestroy'] as const) {
    const server = await listening((socket) => {
      socket.on('error', () => {}).resume();
      setTimeout(() => socket[how](), 10);
    });
    const peer = nodeNet.connect(portOf(server), '127.0.0.1').resume();
    let code = '';
    peer.on('error', (error: NodeJS.ErrnoException) => (code = error.code!));
    let ended = false;
    peer.on('end', () => (ended = true));
    await new Promise((resolve) => peer.once('close', resolve));
    t.strictSame([ended, code], how === 'destroy' ? [true, ''] : [false, 'ECONNRESET'], how);
    server.close();
    await once(server, 'close');
  }
});

t.test('what was written before comes first', async (t) => {
  const server = await listening((socket) => {
    socket.write(Buffer.alloc(100_000, 'a'));
    socket.destroySoon();
  });
  const peer = nodeNet.connect(portOf(server), '127.0.0.1');
  let bytes = 0;
  peer.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await once(peer, 'close');
  t.equal(bytes, 100_000);
  server.close();
});

t.test('the port is free when close() returns', async (t) => {
  const first = await listening();
  const port = portOf(first);
  for (let round = 0; round < 20; round++) {
    const peer = nodeNet.connect(port, '127.0.0.1').on('error', () => {});
    first.close();
    const second = nodeNet.createServer().listen(port, '127.0.0.1');
    await once(second, 'listening');
    second.close();
    peer.destroy();
    await once(second, 'close');
    await new Promise<void>((resolve) => first.listen(port, '127.0.0.1', () => resolve()));
  }
  first.close();
  t.pass('20 times');
});

t.test('a reused descriptor sees no old operation', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    let wrong = 0;
    const server = await listening((socket) => {
      socket.on('error', () => {});
      socket.on('data', (name) => { for (let i = 0; i < 5; i++) socket.write(name); socket.end(); });
    });
    const { port } = server.address();
    plan.begin(1, { delay: 500, reorder: 500, duplicate: 500, enter: 100 });
    for (let round = 0; round < 40; round++) {
      // Destroyed with its receive armed and data on the way; the next ones get the same numbers.
      const doomed = Array.from({ length: 5 }, () => net.connect(port).on('error', () => {}).on('data', () => {}));
      await Promise.all(doomed.map((socket) => once(socket, 'connect')));
      for (const socket of doomed) { socket.write('doomed'); setImmediate(() => socket.destroy()); }
      await turns(2);
      await Promise.all(Array.from({ length: 5 }, async (_, i) => {
        const socket = net.connect(port);
        const name = 'r' + round + 'i' + i + ';';
        let got = '';
        socket.on('data', (chunk) => (got += chunk));
        socket.write(name);
        await once(socket, 'close');
        if (got !== name.repeat(5)) wrong++;
      }));
    }
    plan.end();
    server.close();
    console.log(JSON.stringify({ wrong, duplicated: plan.counts().duplicated > 0 }));`,
  );
  t.strictSame(result, { wrong: 0, duplicated: true });
});

t.test('a connection that comes though the server is closed, is closed', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    let taken = 0;
    const server = await listening(() => taken++);
    const { port } = server.address();
    // The kernel does not find the accept, and goes on with it.
    plan.begin(1, { fail: 1000 }, { spared: allButCancel });
    server.close();
    await turns(5);
    const client = createRequire('/')('node:net').connect(port, '127.0.0.1').on('error', () => {}).resume();
    const closed = await Promise.race([
      once(client, 'close').then(() => true),
      new Promise((resolve) => setTimeout(resolve, 5000, false)),
    ]);
    process.stdout.write(JSON.stringify({ taken, closed, cancelled: plan.counts().failed === 0 }), () => process.exit());`,
  );
  t.strictSame(result, { taken: 0, closed: true, cancelled: false });
});

t.test('the descriptor is not closed before what is in flight on it has ended', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    const full = await core.socket(core.constants.AF_INET, core.constants.SOCK_STREAM);
    await bind(full, { address: '127.0.0.1', port: 0 });
    await listen(full, 0);
    const fullPort = core.localAddress(full).port;
    const peers = [];
    const server = await listening((peer) => peers.push(peer.pause().on('error', () => {})));
    const connected = async (options) => {
      const socket = net.connect({ port: server.address().port, ...options }).on('error', () => {});
      await once(socket, 'connect');
      return socket;
    };
    const inFlight = {
      receive: async () => (await connected()).resume(),
      send: async () => {
        const socket = (await connected({ allowHalfOpen: true })).resume();
        while (peers.length < 2) await turn();
        // Nothing more is received then.
        peers[1].end();
        await once(socket, 'end');
        socket.write(Buffer.alloc(16 * 1024 * 1024));
        return socket;
      },
      connect: async () => {
        for (;;) {
          const socket = net.connect(fullPort, '127.0.0.1').on('error', () => {});
          await turns(20);
          if (socket.connecting) return socket;
          socket.destroy();
        }
      },
    };
    const sockets = [];
    for (const begin of Object.values(inFlight)) sockets.push(await begin());
    await turns(20);
    const paths = sockets.map((socket) => '/proc/self/fd/' + socket._handle.fd);
    const open = () => paths.filter((path) => nodeFs.existsSync(path)).length;
    let closed = 0;
    for (const socket of sockets) socket.on('close', () => closed++);
    // The kernel does not find what is to be cancelled.
    plan.begin(1, { fail: 1000 }, { spared: allButCancel });
    for (const socket of sockets) socket.destroy();
    await turns(50);
    const during = { open: open(), closed };
    plan.end();
    for (const peer of peers) peer.resetAndDestroy();
    const end = Date.now() + 5000;
    while (closed < sockets.length && Date.now() < end) await turn();
    process.stdout.write(JSON.stringify({ during, after: { open: open(), closed } }), () => process.exit());`,
  );
  t.strictSame(result, { during: { open: 3, closed: 0 }, after: { open: 0, closed: 3 } });
});

t.test('nothing is in flight behind the end', async (t) => {
  const before = core.stats().inFlight;
  const server = await listening((socket) => socket.resume());
  const sockets = Array.from({ length: 20 }, () => net.connect(portOf(server), '127.0.0.1').resume());
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
  t.ok(await until(() => core.stats().inFlight <= before, 5000));
});
