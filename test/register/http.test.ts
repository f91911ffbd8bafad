// ringcore/register: node's http, fetch and WebSocket's ground are on the ring; tls and http2 work over its sockets.
import t from 'tap';
import { cert, key } from '../net/certificate.js';
import { facts, ways } from './support.js';

/** What programs here begin with. `kind`: who works below a socket or server. */
const prelude = `
  import http from 'node:http';
  import net from 'node:net';
  import { once } from 'node:events';
  const kind = (object) => (object._handle?.constructor.name === 'TCP' ? 'node' : 'ring');
  const listening = async (server) => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };
  const text = async (stream) => {
    let all = '';
    for await (const chunk of stream) all += chunk;
    return all;
  };
  const get = async (options) => {
    const [response] = await once(http.get({ host: '127.0.0.1', ...options }), 'response');
    const on = kind(response.socket);
    return [await text(response), on].join();
  };
`;
const secret = `const [key, cert] = ${JSON.stringify([key.toString(), cert.toString()])};`;

for (const way of ways) {
  t.test(`${way}: http and fetch, with keep-alive`, async (t) => {
    const source = `${prelude}
      let connections = 0;
      const below = new Set();
      const server = await listening(http.createServer((request, response) => {
        below.add(kind(request.socket));
        text(request).then((body) => response.end(request.method + body));
      }));
      server.on('connection', () => connections++);
      const { port } = server.address();
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      const replies = [];
      for (let i = 0; i < 3; i++) replies.push(await get({ port, agent }));
      const byAgent = connections;
      agent.destroy();
      const { stats } = await import('ringcore/core');
      const before = stats().operations.connect;
      const fetched = await fetch('http://127.0.0.1:' + port, { method: 'POST', body: 'x'.repeat(100_000) });
      const long = (await fetched.text()).length;
      const dialled = stats().operations.connect - before;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      console.log(JSON.stringify({
        server: kind(server) , below: [...below], replies, byAgent, long, dialled,
        instances: server instanceof net.Server && server instanceof http.Server,
      }));`;
    t.same(await facts(t, 'main.mjs', source, { way }), {
      server: 'ring',
      below: ['ring'],
      replies: ['GET,ring', 'GET,ring', 'GET,ring'],
      byAgent: 1,
      long: 100_004,
      dialled: 1,
      instances: true,
    });
  });
}

t.test('http that was loaded before, and unregister()', async (t) => {
  const source = `${prelude}
    const { register, unregister } = await import('ringcore/register');
    if (!process.execArgv.some((argument) => argument.includes('register'))) unregister();
    const kinds = [];
    const servers = [];
    const step = async () => {
      const server = await listening(http.createServer((request, response) => response.end(kind(request.socket))));
      servers.push(server);
      for (const each of servers) kinds.push(await get({ port: each.address().port, agent: new http.Agent() }));
      kinds.push(server instanceof net.Server, kind(server));
    };
    await step();
    register();
    await step();
    unregister();
    await step();
    await Promise.all(servers.map(async (server) => {
      server.close();
      await once(server, 'close');
    }));
    console.log(JSON.stringify(kinds));`;
  const later = ['ring,node', 'node,node', true, 'node'];
  t.same(await facts(t, 'main.mjs', source), [
    ...['node,node', true, 'node'],
    ...['node,ring', 'ring,ring', true, 'ring'],
    ...['node,node', ...later],
  ]);
  t.same(await facts(t, 'main.mjs', source, { way: '--import' }), [
    ...['ring,ring', true, 'ring'],
    ...['ring,ring', 'ring,ring', true, 'ring'],
    ...['ring,node', ...later],
  ]);
});

t.test('https and tls: on node, and over sockets of the ring', async (t) => {
  const source = `${prelude}${secret}
    import https from 'node:https';
    import tls from 'node:tls';
    const facts = {};
    const web = await listening(https.createServer({ key, cert }, (request, response) => response.end('https')));
    facts.web = [kind(web), web instanceof net.Server, web instanceof tls.Server].join();
    const [response] = await once(https.get({ port: web.address().port, host: '127.0.0.1', ca: cert, agent: false }), 'response');
    facts.https = await text(response);
    web.close();
    await once(web, 'close');

    const secure = tls.createServer({ key, cert }, (socket) => socket.end('emitted'));
    const raw = await listening(net.createServer((socket) => secure.emit('connection', socket)));
    const below = net.connect(raw.address().port, '127.0.0.1');
    const client = tls.connect({ socket: below, ca: cert, servername: 'localhost' });
    const events = [];
    for (const event of ['connect', 'secureConnect', 'end', 'close']) client.on(event, () => events.push(event));
    facts.instances = [kind(below), below instanceof net.Socket, client instanceof net.Socket].join();
    facts.emitted = await text(client);
    if (!client.closed) await once(client, 'close');
    facts.events = events;
    raw.close();
    await once(raw, 'close');

    const wrapping = await listening(net.createServer((socket) => new tls.TLSSocket(socket, { isServer: true, key, cert }).end('wrapped')));
    const direct = tls.connect({ port: wrapping.address().port, host: '127.0.0.1', ca: cert, servername: 'localhost' });
    facts.wrapped = await text(direct);
    wrapping.close();
    await once(wrapping, 'close');
    console.log(JSON.stringify(facts));`;
  const expected = {
    web: 'node,true,true',
    https: 'https',
    instances: 'ring,true,true',
    emitted: 'emitted',
    events: ['connect', 'secureConnect', 'end', 'close'],
    wrapped: 'wrapped',
  };
  for (const way of ways) t.same(await facts(t, 'main.mjs', source, { way }), expected, way);
});

t.test('tls over a socket whose peer has ended can still be written to', async (t) => {
  const source = `${prelude}${secret}
    import tls from 'node:tls';
    const facts = {};
    // It has ended when it gets the answer.
    let answer;
    const server = await listening(tls.createServer({ key, cert, allowHalfOpen: true }, (socket) => {
      socket.end('question');
      answer = text(socket);
    }));
    const below = net.connect(server.address().port, '127.0.0.1');
    const client = tls.connect({ socket: below, ca: cert, servername: 'localhost' });
    await once(client, 'readable');
    // The peer's end comes, and TLS has not read as far. Node's socket below does not end then.
    await new Promise((resolve) => setTimeout(resolve, 100));
    client.write('answer');
    facts.question = await text(client);
    facts.answer = await answer;
    server.close();
    console.log(JSON.stringify(facts));`;
  const expected = { question: 'question', answer: 'answer' };
  t.same(await facts(t, 'main.mjs', source), expected);
  for (const way of ways) t.same(await facts(t, 'main.mjs', source, { way }), expected, way);
});

t.test('http2: on node, and over sockets of the ring', async (t) => {
  const source = `${prelude}${secret}
    import http2 from 'node:http2';
    const answer = (stream) => { stream.respond(); stream.end('http2'); };
    const request = async (session) => {
      const reply = await text(session.request({ ':path': '/' }));
      session.close();
      return reply;
    };
    const facts = {};
    const plain = await listening(http2.createServer().on('stream', answer));
    const { port } = plain.address();
    facts.plain = [kind(plain), await request(http2.connect({ protocol: 'http:', hostname: '127.0.0.1', port }))].join();
    const below = net.connect(port, '127.0.0.1');
    facts.client = [kind(below), await request(http2.connect('http://127.0.0.1', { createConnection: () => below }))].join();
    const raw = await listening(net.createServer((socket) => plain.emit('connection', socket)));
    facts.server = await request(http2.connect('http://127.0.0.1:' + raw.address().port));
    const secure = await listening(http2.createSecureServer({ key, cert }).on('stream', answer));
    const session = http2.connect('https://127.0.0.1:' + secure.address().port, { ca: cert });
    facts.secure = [kind(secure), await request(session)].join();
    for (const server of [plain, raw, secure]) server.close();
    console.log(JSON.stringify(facts));`;
  const expected = { plain: 'node,http2', client: 'ring,http2', server: 'http2', secure: 'node,http2' };
  t.same(await facts(t, 'main.mjs', source, { way: '--import' }), expected);
});
