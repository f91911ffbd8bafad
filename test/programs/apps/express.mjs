// A web server with express; web.ts is its client.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import compression from 'compression';
import express from 'express';
import { endless } from './endless.mjs';
import { fact, portOf } from './facts.mjs';

const [directory, uploads] = process.argv.slice(2);
const requests = new AsyncLocalStorage();
const app = express();
let connections = 0;

app.disable('x-powered-by');
app.get('/connections', (_request, response) => response.json(connections));
app.get('/endless', (_request, response) => endless(response));
app.use(compression());
app.use('/static', express.static(directory, { maxAge: 60_000 }));
app.use(express.json({ limit: '1mb' }));
app.use(express.urlencoded({ extended: true }));
app.use((request, _response, next) => requests.run({ url: request.url }, next));

app.get('/hello', (_request, response) => response.type('text').send('hello'));
app.post('/echo', (request, response) => response.json(request.body));
app.get('/sent', (_request, response) => response.sendFile('large.bin', { root: directory }));
app.get('/streamed', (_request, response) =>
  createReadStream(join(directory, 'large.bin')).pipe(response.type('application/octet-stream')),
);
app.put('/upload/:name', async (request, response) => {
  const path = join(uploads, request.params.name);
  await pipeline(request, createWriteStream(path));
  response.send(
    createHash('sha1')
      .update(await readFile(path))
      .digest('hex'),
  );
});
app.get('/context/:id', async (_request, response) => {
  const seen = [requests.getStore().url];
  await readFile(join(directory, 'page.html'));
  seen.push(requests.getStore().url);
  await delay(1);
  seen.push(requests.getStore().url);
  createReadStream(join(directory, 'page.html'))
    .on('data', () => seen.push(requests.getStore().url))
    .on('close', () => response.json([...seen, requests.getStore().url]));
});
app.get('/slow', async (_request, response) => {
  fact('began', true);
  await delay(300);
  response.send('slow but whole');
});
app.get('/fails', async () => {
  await readFile(join(directory, 'not there'));
});
app.use((error, _request, response, _next) => {
  response.status(error.status ?? 500).json({ code: error.code, type: error.type });
});

const server = app.listen(0, '127.0.0.1', () => fact('port', portOf(server)));
server.on('connection', () => connections++);
process.once('SIGTERM', () => {
  server.close(() => fact('closed', true));
});
