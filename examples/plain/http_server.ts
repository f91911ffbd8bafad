// The twin of http_server (and file_server) on plain node: http.createServer on its own sockets: --port N.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { run } from '../support/run.js';

await run('http_server', async () => {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });
  const server = createServer((request, response) => {
    if (request.url === '/echo') request.pipe(response);
    else response.end('hello from node\n');
  }).listen(Number(values.port), '127.0.0.1');
  await once(server, 'listening');
  console.log(`listening on 127.0.0.1:${(server.address() as AddressInfo).port}`);
  process.once('SIGINT', () => server.close());
  await once(server, 'close');
});
