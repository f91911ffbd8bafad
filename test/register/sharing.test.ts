// A server that a child has got, by send() or as a descriptor: both accept, and whoever is busy holds nothing up.
// Broken to see it fail: no share() in sending.ts, or none in stdio.ts (the parent gets all); accept instead of poll in the
// Listener (one connection waits for the busy parent).
import t from 'tap';
import { facts } from './support.js';

const count = 40;

const main = `
  const { fork } = require('child_process');
  const { once } = require('events');
  const { existsSync } = require('fs');
  const net = require('net');

  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
  const start = async (file, descriptors, options) => {
    const child = fork(__dirname + '/' + file, { stdio: [...stdio, ...descriptors], ...options });
    await once(child, 'message');
    return child;
  };
  /** Who answers 'clients', one after the other. This process is busy until they have made 'file'. */
  const ask = async (clients, port, file) => {
    clients.send({ port, file });
    if (file) for (const end = Date.now() + 20_000; Date.now() < end && !existsSync(file); );
    return (await once(clients, 'message'))[0];
  };

  (async () => {
    const facts = {};
    const clients = await start('clients.cjs', [], { execArgv: [] });
    for (const way of ['server', 'listener', 'descriptor']) {
      const server = net.createServer((socket) => socket.end('parent')).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address();
      const child = await start('child.cjs', way === 'descriptor' ? [server._handle.fd] : []);
      // It accepts already when it is shared.
      child.send(way, { server, listener: server._handle }[way]);
      await once(child, 'message');
      const idle = Object.keys(await ask(clients, port)).sort();
      facts[way] = { idle, busy: await ask(clients, port, __dirname + '/' + way) };
      server.close();
      facts[way].left = await ask(clients, port);
      child.kill();
      await once(child, 'exit');
    }
    clients.kill();
    console.log(JSON.stringify(facts));
  })();`;

const child = `
  const net = require('net');
  process.on('message', (way, handle) => {
    const server = way === 'server' ? handle : net.createServer().listen(handle ?? { fd: 4 });
    server.on('connection', (socket) => socket.end('child'));
    process.send('listens');
  });
  process.send('ready');`;

const clients = `
  const net = require('net');
  const answer = async (port) => {
    let text = '';
    for await (const data of net.connect(port, '127.0.0.1')) text += data;
    return text;
  };
  process.on('message', async ({ port, file }) => {
    const answers = {};
    for (let i = 0; i < ${count}; i++) {
      const who = await answer(port);
      answers[who] = (answers[who] ?? 0) + 1;
    }
    if (file) require('fs').writeFileSync(file, '');
    process.send(answers);
  });
  process.send('ready');`;

const files = { 'child.cjs': child, 'clients.cjs': clients };
const shared = { idle: ['child', 'parent'], busy: { child: count }, left: { child: count } };
const expected = { server: shared, listener: shared, descriptor: shared };

t.test('node', async (t) => {
  t.same(await facts(t, 'main.cjs', main, { files }), expected);
});

t.test('the ring', async (t) => {
  t.same(await facts(t, 'main.cjs', main, { way: '--require', files }), expected);
});
