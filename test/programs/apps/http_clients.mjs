// Global fetch, undici and node's http.Agent against a server of node's http, all in this process.
import { createServer, Agent as HttpAgent, get } from 'node:http';
import { once } from 'node:events';
import { createReadStream, createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import * as undici from 'undici';
import { fact, failure, goneInTheMiddle, hashOf, pattern, portOf, refusedPort } from './facts.mjs';

const [directory] = process.argv.slice(2);
const large = pattern(20_000_000);
let connections = 0;

const routes = {
  '/hello': (_request, response) => response.end('hello'),
  '/large': (_request, response) => response.end(large),
  '/zipped': (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('zipped '.repeat(1000))),
  '/moved': (_request, response) => response.writeHead(302, { location: '/hello' }).end(),
  '/cut': (_request, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('x'.repeat(100), () => response.destroy());
  },
  '/never': () => {},
  async '/hash'(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    response.end(hashOf(Buffer.concat(chunks)));
  },
};
const server = createServer((request, response) => routes[request.url](request, response));
server.on('connection', () => connections++);
await once(server.listen(0, '127.0.0.1'), 'listening');
const base = `http://127.0.0.1:${portOf(server)}`;
const gone = await goneInTheMiddle();
const reset = await goneInTheMiddle('resetAndDestroy');

async function use(name, fetch, extra = {}) {
  const text = async (path, options) => (await fetch(base + path, { ...extra, ...options })).text();
  const bytes = async (path) => Buffer.from(await (await fetch(base + path, extra)).arrayBuffer());

  fact(`${name} hello`, await text('/hello'));
  fact(`${name} large`, hashOf(await bytes('/large')) === hashOf(large));
  fact(`${name} zipped`, (await text('/zipped')).length);
  const moved = await fetch(`${base}/moved`, extra);
  fact(`${name} moved`, [moved.redirected, moved.status, await moved.text()]);

  fact(`${name} posts`, (await text('/hash', { method: 'POST', body: large })) === hashOf(large));
  const sent = join(directory, `${name}-sent`);
  writeFileSync(sent, large);
  const body = Readable.toWeb(createReadStream(sent));
  const streamed = await text('/hash', { method: 'POST', body, duplex: 'half' });
  fact(`${name} posts a stream`, streamed === hashOf(large));
  const received = join(directory, `${name}-received`);
  const answer = await fetch(`${base}/large`, extra);
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(received));
  fact(`${name} saves`, readFileSync(received).equals(large));

  const many = await Promise.all(Array.from({ length: 200 }, () => text('/hello')));
  fact(`${name} many`, [...new Set(many)]);

  fact(`${name} refused`, await failure(fetch(`http://127.0.0.1:${refusedPort}/`, extra)));
  fact(`${name} cut`, await failure(text('/cut')));
  fact(`${name} gone`, await failure(fetch(`http://127.0.0.1:${portOf(gone)}/`, extra)));
  fact(`${name} reset`, await failure(fetch(`http://127.0.0.1:${portOf(reset)}/`, extra)));
  fact(`${name} aborted`, await failure(text('/never', { signal: AbortSignal.timeout(50) })));
}

await use('fetch', fetch);
const dispatcher = new undici.Agent({ connections: 10 });
await use('undici', undici.fetch, { dispatcher });

// undici's own ways in.
const client = new undici.Client(base, { pipelining: 10 });
const before = connections;
const pipelined = await Promise.all(
  Array.from({ length: 50 }, async () =>
    (await client.request({ path: '/hello', method: 'GET' })).body.text(),
  ),
);
fact('undici pipelined', [[...new Set(pipelined)], connections - before]);
const saved = join(directory, 'undici-stream');
await client.stream({ path: '/large', method: 'GET' }, () => createWriteStream(saved));
fact('undici stream', hashOf(readFileSync(saved)) === hashOf(large));
fact('undici refused', await failure(undici.request(`http://127.0.0.1:${refusedPort}/`)));
await client.close();
await dispatcher.close();

// node's agent: sockets kept, at most so many.
const agent = new HttpAgent({ keepAlive: true, maxSockets: 5 });
const held = connections;
const bodies = await Promise.all(
  Array.from({ length: 100 }, async () => {
    const [response] = await once(get(`${base}/hello`, { agent }), 'response');
    return (await response.toArray()).join('');
  }),
);
fact('agent', [[...new Set(bodies)], connections - held]);
agent.destroy();
gone.close();
reset.close();
// Connections of the global fetch are still open, and idle.
server.close(() => fact('closed', true));
