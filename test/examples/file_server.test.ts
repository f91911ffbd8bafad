// file_server: what HTTP (RFC 9110) asks for, byte for byte, and nothing from outside of the directory.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { bytesOf } from './copied_bytes.js';
import { noRing, runExample } from './run_example.js';
import { startServer, type RunningServer } from './run_server.js';

const content = bytesOf(1_000_001);
/** Of whole seconds, as dates in headers are, and a fraction, as files have it. */
const modified = new Date('2024-02-03T04:05:06.789Z');
const lastModified = 'Sat, 03 Feb 2024 04:05:06 GMT';

function makeFiles(t: Test): string {
  const directory = t.testdir({
    secret: 'nobody may see this',
    'root-beside': { file: 'nobody may see this' },
    root: {
      content,
      empty: '',
      'page.html': '<p>a page',
      'two words & more.txt': 'blanks',
      sub: { 'index.html': '<p>index', inner: 'inner' },
      bare: {},
    },
  });
  const root = join(directory, 'root');
  writeFileSync(join(root, 'big'), bytesOf(10 * 2 ** 20));
  utimesSync(join(root, 'content'), modified, modified);
  symlinkSync('content', join(root, 'link'));
  symlinkSync('../secret', join(root, 'link-out'));
  symlinkSync('..', join(root, 'directory-out'));
  symlinkSync('loop', join(root, 'loop'));
  mkdirSync(join(root, 'sub', 'deep'));
  spawnSync('mkfifo', [join(root, 'fifo')]);
  return root;
}

/** The reply to a request as it stands there: fetch() would mend it first. */
async function raw({ host, port }: RunningServer, requestLine: string, headers = ''): Promise<string> {
  const socket = createConnection(port, host);
  socket.write(`${requestLine} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`);
  return text(socket);
}

const body = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

for (const backend of ['io_uring', 'node']) {
  const skip = backend === 'io_uring' && noRing;

  t.test(`file_server on ${backend}`, { skip }, async (t) => {
    const root = makeFiles(t);
    const server = await startServer(t, ['file_server', '--port', '0', root], backend);
    const { url } = server;

    t.test('GET and HEAD', async (t) => {
      const get = await fetch(`${url}/content`);
      t.equal(get.status, 200);
      t.equal(get.headers.get('content-length'), '1000001');
      t.equal(get.headers.get('last-modified'), lastModified);
      t.equal(get.headers.get('accept-ranges'), 'bytes');
      t.equal(get.headers.get('content-type'), 'application/octet-stream');
      t.ok((await body(get)).equals(content));

      const head = await fetch(`${url}/content`, { method: 'HEAD' });
      t.equal(head.status, 200);
      for (const name of ['content-length', 'etag', 'last-modified', 'content-type']) {
        t.equal(head.headers.get(name), get.headers.get(name), name);
      }
      t.equal((await body(head)).length, 0);

      const empty = await fetch(`${url}/empty`);
      t.same([empty.status, empty.headers.get('content-length')], [200, '0']);
      t.equal((await body(empty)).length, 0);

      for (const [path, type, expected] of [
        ['page.html', 'text/html; charset=utf-8', '<p>a page'],
        ['page.html?a=b/', 'text/html; charset=utf-8', '<p>a page'],
        ['two%20words%20%26%20more.txt', 'text/plain; charset=utf-8', 'blanks'],
        ['sub/inner', 'application/octet-stream', 'inner'],
        ['sub/', 'text/html; charset=utf-8', '<p>index'],
      ] as const) {
        const response = await fetch(`${url}/${path}`);
        t.equal(response.headers.get('content-type'), type, path);
        t.equal(await response.text(), expected, path);
      }
      t.ok((await body(await fetch(`${url}/link`))).equals(content), 'a link that stays inside');
      t.match(
        await raw(server, `GET ${url}/page.html`),
        /^HTTP\/1\.1 200 [^]*<p>a page$/,
        'the absolute form',
      );
    });

    t.test('ranges', async (t) => {
      const size = content.length;
      for (const [range, start, end] of [
        ['bytes=0-0', 0, 0],
        ['bytes=5-99999', 5, 99_999],
        ['bytes=70000-', 70_000, size - 1],
        ['bytes=-1', size - 1, size - 1],
        ['bytes=-70000', size - 70_000, size - 1],
        ['bytes=-9999999', 0, size - 1],
        ['bytes=1000000-9999999', 1_000_000, size - 1],
        ['Bytes=1-2', 1, 2],
      ] as const) {
        const response = await fetch(`${url}/content`, { headers: { range } });
        t.equal(response.status, 206, range);
        t.equal(response.headers.get('content-range'), `bytes ${start}-${end}/${size}`);
        t.equal(response.headers.get('content-length'), String(end - start + 1));
        t.ok((await body(response)).equals(content.subarray(start, end + 1)), range);
      }
      for (const [path, range] of [
        ['content', 'bytes=1000001-'],
        ['content', 'bytes=-0'],
        ['empty', 'bytes=0-'],
        ['empty', 'bytes=-5'],
      ] as const) {
        const response = await fetch(`${url}/${path}`, { headers: { range } });
        t.equal(response.status, 416, `${path} ${range}`);
        t.equal(response.headers.get('content-range'), `bytes */${path === 'empty' ? 0 : size}`);
        await response.text();
      }
      for (const range of ['bytes=9-5', 'bytes=-', 'bytes=a-b', 'bytes=0-1,5-6', 'lines=1-2', '0-5']) {
        const response = await fetch(`${url}/content`, { headers: { range } });
        t.equal(response.status, 200, `${range} is ignored`);
        t.equal((await body(response)).length, size);
      }
      const exact = await raw(server, 'GET /page.html', 'Range: bytes=3-3\r\n');
      t.match(exact, /\r\n\r\na$/, 'and not a byte more');
      const head = await fetch(`${url}/content`, { method: 'HEAD', headers: { range: 'bytes=0-1' } });
      t.same([head.status, head.headers.get('content-length')], [200, String(size)], 'a range is for GET');
    });

    t.test('conditional requests', async (t) => {
      const etag = (await fetch(`${url}/content`, { method: 'HEAD' })).headers.get('etag')!;
      t.match(etag, /^"[^"]+"$/);
      const before = 'Sat, 03 Feb 2024 04:05:05 GMT';
      const after = 'Sat, 03 Feb 2024 04:05:07 GMT';
      const cases: [status: number, headers: Record<string, string>][] = [
        [304, { 'if-none-match': etag }],
        [304, { 'if-none-match': `"other", W/${etag}` }],
        [304, { 'if-none-match': '*' }],
        [200, { 'if-none-match': '"other"' }],
        [200, { 'if-none-match': '"other"', 'if-modified-since': after }],
        [304, { 'if-modified-since': lastModified }],
        [304, { 'if-modified-since': after }],
        [200, { 'if-modified-since': before }],
        [200, { 'if-modified-since': 'when it was' }],
        [200, { 'if-match': etag }],
        [200, { 'if-match': '*' }],
        [412, { 'if-match': '"other"' }],
        [412, { 'if-match': `W/${etag}` }],
        [200, { 'if-unmodified-since': lastModified }],
        [412, { 'if-unmodified-since': before }],
        [200, { 'if-match': etag, 'if-unmodified-since': before }],
        [206, { range: 'bytes=0-9', 'if-range': etag }],
        [206, { range: 'bytes=0-9', 'if-range': lastModified }],
        [200, { range: 'bytes=0-9', 'if-range': '"other"' }],
        [200, { range: 'bytes=0-9', 'if-range': `W/${etag}` }],
        [200, { range: 'bytes=0-9', 'if-range': after }],
        [200, { range: 'bytes=9999999-', 'if-range': '"other"' }],
        [304, { range: 'bytes=0-9', 'if-none-match': etag }],
      ];
      for (const [status, headers] of cases) {
        // fetch() adds `cache-control` of its own, but no precondition.
        const response = await fetch(`${url}/content`, { headers });
        t.equal(response.status, status, JSON.stringify(headers));
        t.equal(response.headers.get('etag'), etag);
        const { length } = await body(response);
        if (status === 304) t.equal(length, 0);
      }

      // The same size, the same second: another version.
      writeFileSync(join(root, 'changing'), 'one');
      utimesSync(join(root, 'changing'), modified, modified);
      const old = (await fetch(`${url}/changing`, { method: 'HEAD' })).headers.get('etag')!;
      writeFileSync(join(root, 'changing'), 'two');
      utimesSync(join(root, 'changing'), modified, new Date(modified.getTime() + 1));
      const changed = await fetch(`${url}/changing`, { headers: { 'if-none-match': old } });
      t.same([changed.status, await changed.text()], [200, 'two']);
    });

    t.test('nothing from outside', async (t) => {
      for (const path of [
        '/../secret',
        '/sub/../content',
        '/sub/../../secret',
        '/%2e%2e/secret',
        '/..%2fsecret',
        '/%2e%2e%2fsecret',
        '/sub/..%2f..%2fsecret',
        '/..%00/secret',
        '/content%00.html',
        '/link-out',
        '/directory-out/secret',
        '/directory-out/root-beside/file',
        '/../root-beside/file',
        `/${encodeURIComponent(join(root, '..', 'secret'))}`,
        'http://localhost/../secret',
      ]) {
        const reply = await raw(server, `GET ${path}`);
        t.match(reply, /^HTTP\/1\.1 403 /, path);
        t.notMatch(reply, /nobody may see this/, path);
      }
      for (const path of ['//secret', `/${join(root, '..', 'secret')}`, '/..\\secret', '/...', '/..secret']) {
        t.match(await raw(server, `GET ${path}`), /^HTTP\/1\.1 404 /, path);
      }
    });

    t.test('errors', async (t) => {
      for (const path of ['nothing', 'content/more', 'page.html/', 'loop', 'bare/', 'x'.repeat(300)]) {
        const response = await fetch(`${url}/${path}`);
        t.equal(response.status, 404, path);
        t.equal(await response.text(), 'not found\n');
      }
      t.equal((await fetch(`${url}/%zz`)).status, 400);
      t.equal((await fetch(`${url}/fifo`)).status, 403, 'it does not wait for a writer');
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
        const response = await fetch(`${url}/content`, {
          method,
          ...(method === 'PUT' ? { body: content } : {}),
        });
        t.equal(response.status, 405, method);
        t.equal(response.headers.get('allow'), 'GET, HEAD');
        await response.text();
      }
      const moved = await fetch(`${url}/sub`, { redirect: 'manual' });
      t.same([moved.status, moved.headers.get('location')], [301, '/sub/']);
      t.match(
        await raw(server, 'GET //sub/deep'),
        /\r\nlocation: \/sub\/deep\/\r\n/,
        'never to another host',
      );
      t.match(
        await raw(server, 'HEAD /nothing'),
        /^HTTP\/1\.1 404 [^]*\r\ncontent-length: 10\r\n[^]*\r\n\r\n$/,
      );
    });

    t.test('many at once, all of them as they are in the file', async (t) => {
      const whole = bytesOf(10 * 2 ** 20);
      const downloads = Array.from({ length: 24 }, async (_, index) => {
        if (index % 3 === 0) return (await body(await fetch(`${url}/big`))).equals(whole);
        const [start, end] = [index * 100_003, index * 200_003 + 1];
        const response = await fetch(`${url}/big`, { headers: { range: `bytes=${start}-${end}` } });
        return (await body(response)).equals(whole.subarray(start, end + 1));
      });
      t.same(await Promise.all(downloads), Array(24).fill(true));
    });

    t.test('backpressure, a client that goes away, a file that is truncated', async (t) => {
      // A hole of 64 MiB: more than the sockets' buffers take.
      const size = 2 ** 26;
      const huge = join(root, 'huge');
      writeFileSync(huge, '');
      truncateSync(huge, size);
      // The second one is never answered: what came would be taken for what is missing of the first.
      const request = 'GET /huge HTTP/1.1\r\nHost: a\r\n\r\nGET /empty HTTP/1.1\r\nHost: a\r\n\r\n';
      const gone = createConnection(server.port, server.host);
      gone.write(request);
      await once(gone, 'data');
      gone.resetAndDestroy();

      // It reads the beginning, and then nothing until another one has had the whole file, and it is shorter.
      const slow = createConnection(server.port, server.host);
      slow.write(request);
      await once(slow, 'readable');
      t.equal((await body(await fetch(`${url}/huge`))).length, size);
      truncateSync(huge, size - 1);
      const chunks: Buffer[] = [];
      slow.on('data', (chunk: Buffer) => chunks.push(chunk));
      slow.on('error', () => {});
      await once(slow, 'close');
      const received = Buffer.concat(chunks);
      const bytes = received.length - received.indexOf('\r\n\r\n') - 4;
      t.ok(bytes > 0 && bytes < size, `${bytes} bytes, and the end of the connection`);
    });

    t.test('SIGINT', async (t) => {
      server.kill('SIGINT');
      const { code, stderr } = await server.ended;
      t.equal(stderr, '');
      t.equal(code, 0);
    });
  });
}

t.test('file_server wants a directory', async (t) => {
  const directory = t.testdir({ file: '' });
  for (const [args, why] of [
    [[], /usage/],
    [['a', 'b'], /usage/],
    [[join(directory, 'file')], /is not a directory/],
    [[join(directory, 'nothing')], /ENOENT/],
  ] as const) {
    const { code, stderr } = await runExample(['file_server', ...args]);
    t.equal(code, 1);
    t.match(stderr, why);
  }
});
