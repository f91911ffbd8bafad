// A client for apps/express.mjs and apps/fastify.mjs, on the node that runs the tests: what it finds is compared.
import { once } from 'node:events';
import http, { type Agent, type IncomingMessage, type RequestOptions } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { hashOf } from '../shared/bytes.js';
import type { Program } from './support.js';

interface Answer {
  status: number | undefined;
  headers: Record<string, unknown>;
  body: string;
}

export interface Site {
  /** Of the large file. */
  large: Buffer;
}

/** One request and its answer, as far as it is the same each time. A long body is told by its hash. */
async function ask(
  port: number,
  path: string,
  { body, ...options }: RequestOptions & { body?: string | Buffer } = {},
): Promise<Answer> {
  const request = http.request({ port, host: '127.0.0.1', path, ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  let data = Buffer.concat(chunks);
  const headers = { ...response.headers, date: undefined };
  if (headers['content-encoding'] === 'gzip') {
    data = gunzipSync(data);
    // As many bytes as zlib made of it at that speed.
    headers['content-length'] = undefined;
  }
  return {
    status: response.statusCode,
    headers,
    body: data.length > 1000 ? hashOf(data) : data.toString(),
  };
}

const json = { 'content-type': 'application/json' };

/** Static files, bodies, errors: one request after the other. */
async function singleRequests(port: number): Promise<Record<string, Answer>> {
  const page = await ask(port, '/static/page.html');
  const found: Record<string, Answer> = {
    page,
    unchanged: await ask(port, '/static/page.html', {
      headers: { 'if-none-match': page.headers['etag'] as string },
    }),
    head: await ask(port, '/static/page.html', { method: 'HEAD' }),
    part: await ask(port, '/static/large.bin', { headers: { range: 'bytes=1000000-1999999' } }),
    'beyond the end': await ask(port, '/static/large.bin', { headers: { range: 'bytes=99000000-' } }),
    missing: await ask(port, '/static/missing.html'),
    outside: await ask(port, '/static/%2e%2e/%2e%2e/etc/passwd'),
    zipped: await ask(port, '/static/style.css', { headers: { 'accept-encoding': 'gzip' } }),
    hello: await ask(port, '/hello'),
    json: await ask(port, '/echo', {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ list: [1, 'ä', { b: null }], long: 'x'.repeat(500_000) }),
    }),
    form: await ask(port, '/echo', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'a=1&b=%C3%A4+%26',
    }),
    'not json': await ask(port, '/echo', { method: 'POST', headers: json, body: '{"a":' }),
    'too large': await ask(port, '/echo', {
      method: 'POST',
      headers: json,
      body: JSON.stringify('x'.repeat(1_100_000)),
    }),
    fails: await ask(port, '/fails'),
    sent: await ask(port, '/sent'),
    streamed: await ask(port, '/streamed'),
  };
  return found;
}

async function keptAlive(port: number): Promise<unknown> {
  const before = Number((await ask(port, '/connections')).body);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const bodies = new Set<string>();
  for (let i = 0; i < 50; i++) bodies.add((await ask(port, '/hello', { agent })).body);
  const after = Number((await ask(port, '/connections', { agent })).body);
  agent.destroy();
  return { bodies: [...bodies], connections: after - before };
}

/** Many at once: each sees the context of its own request. */
async function manyAtOnce(port: number): Promise<unknown> {
  const agent: Agent = new http.Agent({ keepAlive: true, maxSockets: 100 });
  const answers = await Promise.all(
    Array.from({ length: 300 }, async (_, id) => {
      const { body } = await ask(port, `/context/${id}`, { agent });
      return (JSON.parse(body) as string[]).map((url) => (url === `/context/${id}` ? 'own' : url));
    }),
  );
  agent.destroy();
  return [...new Set(answers.map((urls) => urls.join()))];
}

async function uploads(port: number, { large }: Site): Promise<string[]> {
  const parts = Array.from({ length: 8 }, (_, i) => large.subarray(i * 1_000_000));
  const answers = await Promise.all(
    parts.map((body, i) =>
      ask(port, `/upload/${i}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/octet-stream' },
        body,
      }),
    ),
  );
  return answers.map(({ status, body }, i) => `${status} ${body === hashOf(parts[i]!) ? 'whole' : body}`);
}

/** Goes away while the answer comes, and while a body is sent. */
async function goneInTheMiddle(program: Program, port: number): Promise<string> {
  const request = http.get({ port, host: '127.0.0.1', path: '/endless' });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  await once(response, 'data');
  request.destroy();
  await program.told('gone');
  const upload = http.request({
    port,
    host: '127.0.0.1',
    path: '/upload/broken',
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', 'content-length': 1_000_000 },
  });
  upload.on('error', () => {});
  upload.write(Buffer.alloc(100_000));
  await once(upload, 'socket');
  upload.destroy();
  return (await ask(port, '/hello')).body;
}

/** SIGTERM while an answer is made, and an idle connection is open. */
async function gracefulEnd(program: Program, port: number): Promise<unknown> {
  const agent = new http.Agent({ keepAlive: true });
  await ask(port, '/hello', { agent });
  const busy = new http.Agent({ keepAlive: true });
  const slow = ask(port, '/slow', { agent: busy });
  await program.told('began');
  program.child.kill('SIGTERM');
  const { status, body, headers } = await slow;
  // The server waits for this one, which was not idle then, as long as it may be kept.
  busy.destroy();
  await program.outcome;
  agent.destroy();
  const refused = await ask(port, '/hello').catch((error: NodeJS.ErrnoException) => error.code);
  return { status, body, connection: headers['connection'], refused };
}

export async function browse(program: Program, site: Site): Promise<Record<string, unknown>> {
  const port = await program.told<number>('port');
  return {
    ...(await singleRequests(port)),
    keptAlive: await keptAlive(port),
    manyAtOnce: await manyAtOnce(port),
    uploads: await uploads(port, site),
    afterClients: await goneInTheMiddle(program, port),
    end: await gracefulEnd(program, port),
  };
}
