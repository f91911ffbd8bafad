// ringcore/register in worker threads, children and clusters; and what goes between processes.
import { readlinkSync } from 'node:fs';
import t from 'tap';
import { facts, start, ways } from './support.js';

const onRing = `require('fs').readFile === require('ringcore/fs').readFile`;

for (const way of ways) {
  t.test(`${way}: worker threads and forked children have it too`, async (t) => {
    const source = `
      const { Worker, isMainThread, parentPort } = require('worker_threads');
      const { fork } = require('child_process');
      const { once } = require('events');
      const registered = ${onRing};
      if (!isMainThread) parentPort.postMessage(registered);
      else if (process.send) process.send(registered, () => process.disconnect());
      else (async () => {
        const [worker] = await once(new Worker(__filename), 'message');
        const [bare] = await once(new Worker(__filename, { execArgv: [] }), 'message');
        const [child] = await once(fork(__filename), 'message');
        console.log(JSON.stringify({ registered, worker, bare, child }));
      })();`;
    t.same(await facts(t, 'main.cjs', source, { way }), {
      registered: true,
      worker: true,
      bare: false,
      child: true,
    });
  });
}

t.test('NODE_OPTIONS reaches all of them', async (t) => {
  const source = `
    const { Worker, isMainThread, parentPort } = require('worker_threads');
    if (!isMainThread) parentPort.postMessage(${onRing});
    else new Worker(__filename, { execArgv: [] }).on('message', (worker) => console.log(JSON.stringify({ worker })));`;
  const dir = t.testdir({ 'main.cjs': source });
  const { stdout } = await start(`${dir}/main.cjs`, { env: { NODE_OPTIONS: '--require ringcore/register' } });
  t.same(JSON.parse(stdout), { worker: true });
});

t.test('standard streams and the pipes to children are node’s', async (t) => {
  const source = `
    const { spawn } = require('child_process');
    const net = require('net'), fs = require('fs');
    const native = (stream) => stream._handle.constructor.name;
    const child = spawn('cat');
    const kinds = [process.stdin, child.stdin, child.stdout].map((stream) => [native(stream), stream instanceof net.Socket].join());
    let echoed = '';
    child.stdout.on('data', (data) => (echoed += data));
    process.stdin.pipe(child.stdin);
    child.on('close', (code) => console.log(JSON.stringify({ kinds, echoed, code })));`;
  t.same(await facts(t, 'main.cjs', source, { way: '--import', input: 'words' }), {
    kinds: ['Pipe,true', 'Pipe,true', 'Pipe,true'],
    echoed: 'words',
    code: 0,
  });
  t.ok(readlinkSync('/proc/self/fd/0'), 'with a /proc to look at');
});

/** What parent and child begin with. */
const prelude = `
  const net = require('net');
  const { once } = require('events');
  const kind = (object) => (['TCP', 'Pipe'].includes(object._handle.constructor.name) ? 'node' : 'ring');
  const text = async (stream) => { let all = ''; for await (const chunk of stream) all += chunk; return all; };
`;

/** A child that serves what it is sent. */
const child = `${prelude}
  process.on('message', (message, handle) => {
    if (message === 'socket') handle?.end('from the child');
    if (message === 'kept') handle.write('the child ');
    if (message === 'server') handle.on('connection', (socket) => socket.end('accepted by the child'));
    if (message === 'listener') {
      net.createServer((socket) => socket.end('accepted by the child')).listen(handle).on('listening', () => process.send('listening'));
    } else process.send(handle ? kind(handle) : 'nothing');
  });
  // Before --import is through, node makes what arrives by itself.
  process.send('ready');`;

t.test('sockets and servers can be sent to a child', async (t) => {
  const source = `${prelude}
    const { fork } = require('child_process');
    (async () => {
      const facts = {};
      const child = fork(__dirname + '/child.cjs');
      await once(child, 'message');
      const send = async (...args) => {
        child.send(...args);
        const [reply] = await once(child, 'message');
        return reply;
      };
      const listening = async (options) => {
        const server = net.createServer(options).listen(0, '127.0.0.1');
        await once(server, 'listening');
        return server;
      };
      const server = await listening({ pauseOnConnect: true });
      const connect = async () => {
        const client = net.connect(server.address().port, '127.0.0.1');
        const [socket] = await once(server, 'connection');
        return [client, socket];
      };
      const connections = () => new Promise((resolve) => server.getConnections((error, count) => resolve(count)));

      const [client, socket] = await connect();
      facts.sent = await send('socket', socket);
      facts.here = [socket._handle, server._connections, socket.destroyed];
      facts.elsewhere = [await connections(), server._workers.length];
      facts.text = await text(client);
      facts.again = await send('socket', socket);

      const [other, kept] = await connect();
      facts.kept = await send('kept', kept, { keepOpen: true });
      await once(other, 'readable');
      kept.end('and the parent');
      facts.both = await text(other);
      kept.destroy();

      for (const what of ['server', 'listener']) {
        const shared = await listening();
        await send(what, what === 'server' ? shared : shared._handle);
        const { port } = shared.address();
        shared.close();
        facts[what] = await text(net.connect(port, '127.0.0.1'));
      }
      // It waits for the sockets that it has given away.
      server.close();
      child.kill();
      await Promise.all([once(server, 'close'), once(child, 'exit')]);
      facts.left = server._workers.length;
      console.log(JSON.stringify(facts));
    })();`;
  const files = { 'child.cjs': child };
  const node = (await facts(t, 'main.cjs', source, { files })) as Record<string, unknown>;
  t.same(node, {
    sent: 'node',
    here: [null, 0, false],
    elsewhere: [1, 1],
    text: 'from the child',
    again: 'nothing',
    kept: 'node',
    both: 'the child and the parent',
    server: 'accepted by the child',
    listener: 'accepted by the child',
    left: 0,
  });
  const ring = { ...node, sent: 'ring', kept: 'ring' };
  for (const way of ways) t.same(await facts(t, 'main.cjs', source, { way, files }), ring, way);
});

t.test('what was written before a socket is sent goes first, and is called back', async (t) => {
  const source = `${prelude}
    const { fork } = require('child_process');
    (async () => {
      const child = fork(__dirname + '/child.cjs');
      await once(child, 'message');
      const server = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const client = net.connect(server.address().port, '127.0.0.1');
      const [socket] = await once(server, 'connection');
      const calls = [];
      for (const part of ['1 ', 'zwölf ', Buffer.from('3 ')]) socket.write(part, (error) => calls.push(error?.code ?? 'fine'));
      child.send('socket', socket);
      const facts = { text: await text(client), calls: [...calls] };
      // Another connection is another peer's.
      const second = net.createServer((other) => text(other).then((got) => (facts.second = got, second.close())));
      second.listen(0, '127.0.0.1');
      await once(second, 'listening');
      const again = net.connect(server.address().port, '127.0.0.1');
      const [given] = await once(server, 'connection');
      for (const part of ['a ', 'b ', 'c ']) given.write(part);
      const ended = once(second, 'close');
      child.send('socket', given);
      given.connect(second.address().port, '127.0.0.1', () => given.end('d'));
      facts.first = await text(again);
      await ended;
      socket.write('too late', (error) => (facts.late = error.code));
      const [error] = await once(socket, 'error');
      facts.error = error.code;
      server.close();
      child.kill();
      console.log(JSON.stringify(facts));
    })();`;
  const files = { 'child.cjs': child };
  const node = await facts(t, 'main.cjs', source, { files });
  t.match(node, {
    text: '1 zwölf 3 from the child',
    calls: ['fine', 'fine', 'fine'],
    first: /^a b c /,
    second: 'd',
  });
  for (const way of ways) t.same(await facts(t, 'main.cjs', source, { way, files }), node, way);
});

t.test('sockets that a child did not take any more stay usable here', async (t) => {
  const source = `
    const net = require('net');
    const { fork } = require('child_process');
    const { once } = require('events');
    // It takes none: node sends the next when the one before has arrived.
    const busy = \`process.on('message', () => { for (;;); }); process.send('ready');\`;
    const clients = [], sockets = [];
    const server = net.createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1', async () => {
      const child = fork('-e', [busy], { execArgv: [] });
      await once(child, 'message');
      const { port } = server.address();
      for (let i = 0; i < 3; i++) clients.push(net.connect(port, '127.0.0.1').resume());
      while (sockets.length < 3) await once(server, 'connection');
      let refused;
      try { child.send(() => {}, sockets[2]); } catch (error) { refused = error.code; }
      child.send('busy');
      for (const socket of sockets) child.send('socket', socket);
      const here = sockets.map((socket) => socket._handle !== null);
      child.kill('SIGKILL');
      await once(child, 'exit');
      // The first has gone; node does not close it here.
      const ended = clients.slice(1).map((client) => once(client, 'close'));
      for (const socket of sockets) socket.destroy();
      await Promise.all(ended);
      console.log(JSON.stringify({ refused, here }));
      process.exit();
    });`;
  t.same(await facts(t, 'main.cjs', source, { way: '--require' }), {
    refused: 'ERR_INVALID_ARG_TYPE',
    here: [false, true, true],
  });
});

t.test('so can those of another copy of ringcore', async (t) => {
  const source = `${prelude}
    const { fork } = require('child_process');
    const other = require('ringcore/net');
    (async () => {
      const child = fork(__dirname + '/child.cjs');
      await once(child, 'message');
      const server = other.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const client = net.connect(server.address().port, '127.0.0.1');
      const [socket] = await once(server, 'connection');
      const facts = { other: !(socket instanceof net.Socket) };
      child.send('socket', socket);
      facts.socket = await text(client);
      child.send('server', server);
      await once(child, 'message');
      child.send('listener', server._handle);
      await once(child, 'message');
      const { port } = server.address();
      server.close();
      facts.server = await text(net.connect(port, '127.0.0.1'));
      child.kill();
      console.log(JSON.stringify(facts));
    })();`;
  const files = { 'child.cjs': child };
  for (const way of ways) {
    t.same(await facts(t, 'main.cjs', source, { way, files, hasCopy: true }), {
      other: true,
      socket: 'from the child',
      server: 'accepted by the child',
    });
  }
});

t.test('a socket can be a standard stream of a child', async (t) => {
  const source = `${prelude}
    const { spawn } = require('child_process');
    (async () => {
      const server = net.createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const client = net.connect(server.address().port, '127.0.0.1');
      const [socket] = await once(server, 'connection');
      // It is being read when the child takes it over.
      let here = '';
      socket.on('data', (data) => (here += data));
      client.write('first ');
      await once(socket, 'data');
      const child = spawn('cat', { stdio: [socket, socket, 'inherit'] });
      await once(child, 'spawn');
      child.on('exit', () => socket.destroy());
      client.end('there and back');
      console.log(JSON.stringify({ back: await text(client), here, stdio: child.stdio.slice(0, 2) }));
      server.close();
    })();`;
  const node = await facts(t, 'main.cjs', source);
  t.same(node, { back: 'there and back', here: 'first ', stdio: [null, null] });
  for (const way of ways) t.same(await facts(t, 'main.cjs', source, { way }), node, way);
});

t.test('a cluster', async (t) => {
  const source = `${prelude}
    const cluster = require('cluster'), http = require('http'), fs = require('fs');
    if (cluster.isPrimary) (async () => {
      const workers = [cluster.fork(), cluster.fork()];
      const addresses = await Promise.all(workers.map(async (worker) => (await once(worker, 'listening'))[0]));
      const replies = [];
      for (let i = 0; i < 4; i++) {
        const agent = new http.Agent();
        const [response] = await once(http.get({ port: addresses[0].port, host: '127.0.0.1', agent }), 'response');
        replies.push(await text(response));
      }
      for (const worker of workers) worker.disconnect();
      await Promise.all(workers.map((worker) => once(worker, 'exit')));
      console.log(JSON.stringify({ replies: [...new Set(replies)].sort() }));
    })();
    else http.createServer((request, response) => response.end(cluster.worker.id + kind(request.socket))).listen(0, '127.0.0.1');`;
  for (const way of ways)
    t.same(await facts(t, 'main.cjs', source, { way }), { replies: ['1ring', '2ring'] }, way);
});

t.test('a listen() that the primary of a cluster has patched is called for its workers', async (t) => {
  const source = `${prelude}
    const cluster = require('cluster');
    if (cluster.isPrimary) (async () => {
      const { listen } = net.Server.prototype;
      const calls = [];
      net.Server.prototype.listen = function (...args) {
        calls.push(args[0].backlog);
        return listen.apply(this, args);
      };
      const worker = cluster.fork();
      const [{ port }] = await once(worker, 'listening');
      const reply = await text(net.connect(port, '127.0.0.1'));
      worker.disconnect();
      await once(worker, 'exit');
      const server = net.createServer().listen({ port: 0, backlog: 8 });
      await once(server, 'listening');
      server.close();
      console.log(JSON.stringify({ calls, reply }));
    })();
    else net.createServer((socket) => socket.end(kind(socket))).listen({ port: 0, host: '127.0.0.1', backlog: 7 });`;
  for (const way of [undefined, ...ways]) {
    const expected = { calls: [7, 8], reply: way === undefined ? 'node' : 'ring' };
    t.same(await facts(t, 'main.cjs', source, { way }), expected, way ?? 'node');
  }
});
