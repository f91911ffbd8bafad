// http_client and http_stress_client, against http_server, file_server, and servers that are wrong.
import { readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { bytesOf } from './copied_bytes.js';
import { noRing, runExample } from './run_example.js';
import { startServer } from './run_server.js';

/** A server of this process; returns its URL. */
async function serveHere(t: Test, listener: http.RequestListener): Promise<string> {
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

for (const backend of ['io_uring', 'node']) {
  const skip = backend === 'io_uring' && noRing;

  t.test(`http_client on ${backend}`, { skip }, async (t) => {
    const content = bytesOf(3_000_001);
    const directory = t.testdir({ content, served: { content, empty: '' } });
    const files = await startServer(t, ['file_server', '--port', '0', join(directory, 'served')], backend);
    const server = await startServer(t, ['http_server', '--port', '0'], backend);

    const get = await runExample(['http_client', `${files.url}/content`], { backend });
    t.equal(get.stderr, '');
    t.equal(get.code, 0);
    t.ok(get.stdout.equals(content));

    const empty = await runExample(['http_client', `${files.url}/empty`], { backend });
    t.same([empty.code, empty.stdout.length], [0, 0]);

    const part = await runExample(
      ['http_client', '--include', '--header', 'Range: bytes=10-19', `${files.url}/content`],
      { backend },
    );
    const [head, body] = part.stdout.toString('latin1').split('\r\n\r\n');
    t.match(head, /^HTTP\/1\.1 206 Partial Content\r\n/);
    t.match(head, /\r\ncontent-range: bytes 10-19\/3000001(\r\n|$)/);
    t.equal(body, content.toString('latin1', 10, 20));

    const output = join(directory, 'output');
    const upload = await runExample(
      // By name: the addresses of both families are tried.
      [
        'http_client',
        '--upload',
        join(directory, 'content'),
        '--output',
        output,
        `${server.url.replace('127.0.0.1', 'localhost')}/echo`,
      ],
      { backend },
    );
    t.same([upload.code, upload.stdout.length, upload.stderr], [0, 0, '']);
    t.ok(readFileSync(output).equals(content));

    const missing = await runExample(['http_client', `${files.url}/nothing`], { backend });
    t.equal(missing.code, 1);
    t.equal(missing.stdout.toString(), 'not found\n');
    t.equal(missing.stderr, 'http_client: 404 Not Found\n');

    for (const running of [files, server]) {
      running.kill('SIGINT');
      t.equal((await running.ended).code, 0);
    }
    const refused = await runExample(['http_client', server.url], { backend });
    t.equal(refused.code, 1);
    t.match(refused.stderr, /^http_client: .*ECONNREFUSED/);
  });

  t.test(`http_client on ${backend}: content that is not complete is an error`, { skip }, async (t) => {
    const url = await serveHere(t, (request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('not all', () => response.destroy());
    });
    const { code, stdout, stderr } = await runExample(['http_client', url], { backend });
    t.equal(code, 1);
    t.equal(stdout.toString(), 'not all');
    t.match(stderr, /^http_client: aborted/);
  });

  t.test(`http_client on ${backend} --timeout`, { skip }, async (t) => {
    const silent = await serveHere(t, () => {});
    const slow = await serveHere(t, (request, response) => void response.write('begun'));
    for (const url of [silent, slow]) {
      const { code, stderr } = await runExample(['http_client', '--timeout', '300', url], { backend });
      t.equal(code, 1);
      t.match(stderr, /^http_client: .*abort/i);
    }
  });

  t.test(`http_stress_client on ${backend}`, { skip }, async (t) => {
    const content = bytesOf(300_001);
    const directory = t.testdir({ content });
    const files = await startServer(t, ['file_server', '--port', '0', directory], backend);
    const server = await startServer(t, ['http_server', '--port', '0'], backend);
    const small = await runExample(['http_stress_client', '--requests', '1000', server.url], { backend });
    const smallOutput = small.stdout.toString();
    t.equal(small.stderr, '');
    t.equal(small.code, 0);
    t.match(smallOutput, /^1000 good replies of 20 bytes in [\d.]+ s$/m);
    t.match(smallOutput, /^\d+ replies\/s, [\d.]+ MiB\/s$/m);
    t.match(smallOutput, /^latency: median [\d.]+ ms, 99 % [\d.]+ ms, most [\d.]+ ms$/m);
    t.match(smallOutput, /\n0 failures\n$/);

    const large = await runExample(
      [
        'http_stress_client',
        '--requests',
        '100',
        '--connections',
        '7',
        '--file',
        join(directory, 'content'),
        `${files.url}/content`,
      ],
      { backend },
    );
    t.equal(large.code, 0);
    t.match(large.stdout.toString(), /^100 good replies of 300001 bytes/m);

    // The server is as ever, but it is not the file that was to be expected.
    writeFileSync(join(directory, 'other'), bytesOf(300_001).fill(0, 150_000, 150_001));
    const other = await runExample(
      ['http_stress_client', '--requests', '10', '--file', join(directory, 'other'), `${files.url}/content`],
      { backend },
    );
    t.equal(other.code, 1);
    t.match(other.stdout.toString(), /\n10 failures\n {2}10 times: other bytes\n$/);
  });
}

t.test('http_stress_client: every kind of wrong reply is counted', { skip: noRing }, async (t) => {
  let requests = 0;
  const url = await serveHere(t, (request, response) => {
    // The first one is the reply that all the others are to be.
    switch (requests++) {
      case 3:
        return response.end('good reply.');
      case 5:
        return response.end('good rep');
      case 7:
        return response.end('good reply and more');
      case 9:
        return response.writeHead(500).end('good reply!');
      case 11:
        response.writeHead(200, { 'content-length': 11 });
        return response.write('good', () => response.destroy());
      case 13:
        return; // never
      default:
        return response.end('good reply!');
    }
  });
  const args = ['http_stress_client', '--requests', '30', '--connections', '3', '--timeout', '3000', url];
  const { code, stdout } = await runExample(args);
  const output = stdout.toString();
  t.equal(code, 1);
  t.match(output, /^24 good replies of 11 bytes/m);
  t.match(output, /^6 failures$/m);
  t.match(output, /^ {2}1 times: other bytes$/m);
  t.match(output, /^ {2}1 times: 8 bytes instead of 11$/m);
  t.match(output, /^ {2}1 times: 19 bytes instead of 11$/m);
  t.match(output, /^ {2}1 times: status 500$/m);
  t.match(output, /^ {2}1 times: aborted$/m);
  t.match(output, /^ {2}1 times: .*abort.*$/im);
  t.equal(requests, 31);
});

t.test('http_stress_client has so many requests in flight', { skip: noRing }, async (t) => {
  let inFlight = 0;
  let most = 0;
  const connections = new Set();
  const url = await serveHere(t, (request, response) => {
    most = Math.max(most, ++inFlight);
    connections.add(request.socket);
    setTimeout(() => {
      inFlight--;
      response.end('x');
    }, 20);
  });
  await runExample(['http_stress_client', '--requests', '100', '--connections', '10', url]);
  t.equal(most, 10);
  t.ok(connections.size <= 10, `${connections.size} connections`);
});

t.test('clients refuse what they cannot do', async (t) => {
  for (const args of [['http_client'], ['http_stress_client', '--requests', '0', 'http://localhost/']]) {
    const { code, stderr } = await runExample(args);
    t.equal(code, 1);
    t.match(stderr, /usage/);
  }
  const { code, stderr } = await runExample(['http_client', 'https://localhost/']);
  t.equal(code, 1);
  t.match(stderr, /only http: URLs/);
});
