// The server of express.mjs, with fastify; web.ts is its client.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import compress from '@fastify/compress';
import files from '@fastify/static';
import Fastify from 'fastify';
import { endless } from './endless.mjs';
import { fact, portOf } from './facts.mjs';

const [directory, uploads] = process.argv.slice(2);
const requests = new AsyncLocalStorage();
const app = Fastify({ bodyLimit: 1024 * 1024 });
let connections = 0;

await app.register(compress, { encodings: ['gzip'] });
await app.register(files, { root: directory, prefix: '/static/', maxAge: 60_000 });
app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, text, done) =>
  done(null, Object.fromEntries(new URLSearchParams(text))),
);
app.addHook('onRequest', (request, _reply, done) => requests.run({ url: request.url }, done));

app.get('/connections', () => connections);
app.get('/endless', (_request, reply) => {
  reply.hijack();
  endless(reply.raw);
});
app.get('/hello', () => 'hello');
app.post('/echo', async (request) => request.body);
app.get('/sent', (_request, reply) => reply.sendFile('large.bin'));
app.get('/streamed', (_request, reply) =>
  reply.type('application/octet-stream').send(createReadStream(join(directory, 'large.bin'))),
);
app.put('/upload/:name', { bodyLimit: 1e9 }, async (request) => {
  const path = join(uploads, request.params.name);
  await pipeline(request.body, createWriteStream(path));
  return createHash('sha1')
    .update(await readFile(path))
    .digest('hex');
});
app.get('/context/:id', async () => {
  const seen = [requests.getStore().url];
  await readFile(join(directory, 'page.html'));
  seen.push(requests.getStore().url);
  await delay(1);
  seen.push(requests.getStore().url);
  await new Promise((resolve, reject) => {
    createReadStream(join(directory, 'page.html'))
      .on('data', () => seen.push(requests.getStore().url))
      .on('error', reject)
      .on('close', resolve);
  });
  return [...seen, requests.getStore().url];
});
app.get('/slow', async () => {
  fact('began', true);
  await delay(300);
  return 'slow but whole';
});
app.get('/fails', () => readFile(join(directory, 'not there')));
app.setErrorHandler((error, _request, reply) =>
  reply.status(error.statusCode ?? 500).send({ code: error.code }),
);
app.addHook('onClose', async () => fact('closed', true));

app.server.on('connection', () => connections++);
await app.listen({ port: 0, host: '127.0.0.1' });
fact('port', portOf(app.server));
process.once('SIGTERM', () => void app.close());
