import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import t from 'tap';
import { bytesOf } from './copied_bytes.js';
import { noRing } from './run_example.js';
import { startServer } from './run_server.js';

for (const backend of ['io_uring', 'node']) {
  const skip = backend === 'io_uring' && noRing;

  t.test(`http_server on ${backend}`, { skip }, async (t) => {
    const server = await startServer(t, ['http_server', '--port', '0'], backend);
    const { url } = server;

    const hello = await fetch(url);
    t.equal(hello.status, 200);
    t.equal(hello.headers.get('content-type'), 'text/plain; charset=utf-8');
    t.equal(await hello.text(), 'hello from ringcore\n');

    const head = await fetch(url, { method: 'HEAD' });
    t.equal(head.status, 200);
    t.equal(head.headers.get('content-length'), '20');
    t.equal(await head.text(), '');

    for (const size of [0, 1, 5_000_001]) {
      const body = bytesOf(size);
      const echoed = await fetch(`${url}/echo`, { method: 'POST', body });
      t.ok(body.equals(Buffer.from(await echoed.arrayBuffer())), `${size} bytes came back`);
    }

    const refused = await fetch(`${url}/echo`);
    t.equal(refused.status, 405);
    t.equal(refused.headers.get('allow'), 'POST, PUT');
    t.equal((await fetch(url, { method: 'DELETE' })).headers.get('allow'), 'GET, HEAD');
    t.equal((await fetch(`${url}/nothing`)).status, 404);

    // What is no HTTP is refused, and a client that goes away in the middle is no reason to end.
    const stranger = connect(server.port, server.host);
    stranger.end('hello?\r\n\r\n');
    t.match(await text(stranger), /^HTTP\/1\.1 400 /);
    const rude = connect(server.port, server.host);
    rude.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc');
    await once(rude, 'data');
    rude.resetAndDestroy();
    t.equal((await fetch(url)).status, 200);

    server.kill('SIGINT');
    const { code, stdout } = await server.ended;
    t.equal(code, 0);
    t.match(stdout, /\n10 requests answered\n/);
    if (backend === 'io_uring') t.match(stdout, /\d+ operations of the ring in \d+ io_uring_enters\n$/);
  });

  t.test(`http_server on ${backend} answers what it has begun, then it ends`, { skip }, async (t) => {
    const server = await startServer(t, ['http_server', '--port', '0'], backend);
    const { host, port } = server;
    const agent = new http.Agent({ keepAlive: true });

    // A connection that is kept alive, idle now.
    const request = http.get({ host, port, agent });
    const [first] = (await once(request, 'response')) as [IncomingMessage];
    const idle = request.socket!;
    await buffer(first);

    // Another one, kept alive too, with an answer that has begun.
    const upload = connect(port, host);
    upload.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 19\r\n\r\nbegun, ');
    let answer = '';
    upload.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    await once(upload, 'data');

    const idleEnded = once(idle, 'close');
    server.kill('SIGINT');
    await idleEnded;
    const late = connect(port, host);
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    t.equal(error.code, 'ECONNREFUSED');

    const begin = performance.now();
    upload.write('and finished');
    await once(upload, 'close');
    t.match(answer, /^HTTP\/1\.1 200 [^]*begun, [^]*and finished[^]*\r\n0\r\n\r\n$/);
    t.equal((await server.ended).code, 0);
    t.ok(performance.now() - begin < 4_000, 'it does not wait for another request until keepAliveTimeout');
    agent.destroy();
  });
}
