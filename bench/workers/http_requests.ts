/** HTTP requests, each on a connection of its own, client and server in this process, `depth` at once. */
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadNet } from './implementation.js';
import { measure, verify } from './measure.js';

const body = 'hello world\n';
const net = await loadNet();
const inner = http.createServer((request, response) => response.end(`${request.url} ${body}`));
const server = net.createServer((socket) => inner.emit('connection', socket));
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

await measure(async (index) => {
  const path = `/${index}`;
  const request = http.get({
    path,
    createConnection: () => net.connect(port, '127.0.0.1'),
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await once(response, 'end');
  verify(response.statusCode === 200 && text === `${path} ${body}`, path);
});
server.close();
