// node's http over ringcore's sockets: nothing of http knows.
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import net, { type Server, type Socket } from 'ringcore/net';
import { collect, connected, hashOf, pattern, portOf } from './support.js';

async function httpServer(
  handler: http.RequestListener,
): Promise<{ server: Server; close: () => Promise<void> }> {
  const inner = http.createServer(handler);
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    inner.emit('connection', socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const body = async (message: IncomingMessage): Promise<Buffer> => collect(message as AsyncIterable<Buffer>);

t.test('fetch: GET and POST with large bodies', async (t) => {
  const large = pattern(3_000_000);
  const { server, close } = await httpServer((request, response) => {
    if (request.method === 'POST') void body(request).then((data) => response.end(hashOf(data)));
    else response.end(large);
  });
  const url = `http://127.0.0.1:${portOf(server)}/`;
  for (let i = 0; i < 5; i++) {
    const answer = await fetch(url);
    t.equal(hashOf(new Uint8Array(await answer.arrayBuffer())), hashOf(large));
    const posted = await fetch(url, { method: 'POST', body: large });
    t.equal(await posted.text(), hashOf(large));
  }
  await close();
});

t.test('http.get with a keep-alive agent uses one connection', async (t) => {
  let connections = 0;
  const { server, close } = await httpServer((request, response) => response.end(`you asked ${request.url}`));
  server.on('connection', () => connections++);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 20; i++) {
    const request = http.get({ port: portOf(server), host: '127.0.0.1', path: `/${i}`, agent });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    t.equal((await body(response)).toString(), `you asked /${i}`);
  }
  t.equal(connections, 1);
  agent.destroy();
  await close();
});

t.test('pipelined requests are answered in order', async (t) => {
  const { server, close } = await httpServer((request, response) => {
    setTimeout(() => response.end(request.url), Math.random() * 5);
  });
  const socket = await connected(server);
  let requests = '';
  for (let i = 0; i < 50; i++) {
    const last = i === 49 ? 'Connection: close\r\n' : '';
    requests += `GET /n${i} HTTP/1.1\r\nHost: a\r\n${last}\r\n`;
  }
  socket.write(requests);
  const text = (await collect(socket)).toString();
  t.same(
    [...text.matchAll(/\/n(\d+)/g)].map(([, n]) => Number(n)),
    Array.from({ length: 50 }, (_, i) => i),
  );
  await close();
});

t.test("http's client over a ringcore socket", async (t) => {
  const server = http.createServer((request, response) => {
    void body(request).then((data) => response.end(data.toString().toUpperCase()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const request = http.request({
    method: 'POST',
    createConnection: () => net.connect(port, '127.0.0.1'),
  });
  request.end('to upper case');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  t.equal((await body(response)).toString(), 'TO UPPER CASE');
  server.close();
});
