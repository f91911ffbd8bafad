// node's http.createServer on ringcore's sockets, by its 'connection' event: --port N.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { backend, core } from 'ringcore';
import { report, run } from './support/run.js';
import { serve } from './support/http_server.js';

let requests = 0;

function sendText(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(text);
  // To a HEAD request node sends the header only.
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'content-length': body.length });
  response.end(body);
}

/** The body goes back as it comes, and no faster than the client takes it. */
async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const type = request.headers['content-type'] ?? 'application/octet-stream';
  response.writeHead(200, { 'content-type': type });
  try {
    await pipeline(request, response);
  } catch (error) {
    // The client went away in the middle. That is no reason to end.
    console.error(`http_server: ${(error as Error).message}`);
  }
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  requests++;
  const path = request.url?.split('?', 1)[0];
  const allowed = path === '/' ? ['GET', 'HEAD'] : path === '/echo' ? ['POST', 'PUT'] : undefined;
  if (allowed === undefined) {
    sendText(response, 404, 'not found\n');
  } else if (!allowed.includes(request.method ?? '')) {
    response.setHeader('allow', allowed.join(', '));
    sendText(response, 405, 'method not allowed\n');
  } else if (path === '/echo') {
    echo(request, response).catch((error: unknown) => report('http_server', error));
  } else {
    sendText(response, 200, 'hello from ringcore\n');
  }
}

await run('http_server', async () => {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8080' },
      host: { type: 'string', default: '127.0.0.1' },
    },
  });
  console.log(`backend: ${backend.name}${backend.reason === undefined ? '' : ` (${backend.reason})`}`);
  await serve(createServer(answer), Number(values.port), values.host);
  console.log(`${requests} requests answered`);
  if (backend.name === 'io_uring') {
    const { submitted, enters } = core.stats();
    console.log(`${submitted} operations of the ring in ${enters} io_uring_enters`);
  }
});
