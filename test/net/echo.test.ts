// Bytes through a connection: all of them, in order, in both directions.
import { once } from 'node:events';
import { finished, pipeline } from 'node:stream/promises';
import t from 'tap';
import { connected, closed, collect, hashOf, listening, pattern, sleep } from './support.js';

t.test('echo returns the same bytes at every size', async (t) => {
  const server = await listening((socket) => void socket.pipe(socket));
  for (const bytes of [1, 2, 63, 64, 1000, 4096, 4097, 65535, 65536, 262144, 262145, 1 << 20, 5_000_003]) {
    const data = pattern(bytes, bytes);
    const socket = await connected(server);
    socket.end(data);
    const back = await collect(socket);
    t.equal(back.length, bytes, `${bytes} bytes`);
    t.equal(hashOf(back), hashOf(data), `${bytes} bytes are the same`);
    t.equal(socket.bytesRead, bytes);
    t.equal(socket.bytesWritten, bytes);
  }
  await closed(server);
});

t.test('writes of one turn arrive in order, strings and buffers', async (t) => {
  const server = await listening((socket) => void socket.pipe(socket));
  const socket = await connected(server);
  const expected: Buffer[] = [];
  for (let i = 0; i < 3000; i++) {
    const text = `line ${i} ä€\n`;
    if (i % 3 === 0) socket.write(text);
    else if (i % 3 === 1) socket.write(text, 'latin1');
    else socket.write(Buffer.from(text));
    expected.push(Buffer.from(text, i % 3 === 1 ? 'latin1' : 'utf8'));
  }
  socket.end();
  t.equal(hashOf(await collect(socket)), hashOf(Buffer.concat(expected)));
  await closed(server);
});

t.test('corked writes of more than 1024 pieces and of more than 1 MiB arrive whole', async (t) => {
  const server = await listening((socket) => void socket.pipe(socket));
  for (const [pieces, bytes] of [
    [2500, 10],
    [40, 100_000],
    [3, 2_000_000],
  ] as const) {
    const socket = await connected(server);
    const data = pattern(pieces * bytes, pieces);
    socket.cork();
    for (let i = 0; i < pieces; i++) socket.write(data.subarray(i * bytes, (i + 1) * bytes));
    socket.uncork();
    socket.end();
    t.equal(hashOf(await collect(socket)), hashOf(data), `${pieces} pieces of ${bytes} bytes`);
  }
  await closed(server);
});

t.test('hundreds of connections at once, each gets its own bytes', async (t) => {
  const server = await listening((socket) => void socket.pipe(socket));
  const results = await Promise.all(
    Array.from({ length: 300 }, async (_, i) => {
      const data = pattern(1000 + i * 97, i + 1);
      const socket = await connected(server);
      socket.end(data);
      return hashOf(await collect(socket)) === hashOf(data);
    }),
  );
  t.equal(results.filter(Boolean).length, 300);
  await closed(server);
});

t.test('a half-open socket can write after the end of the other side', async (t) => {
  const server = await listening(
    (socket) => {
      socket.resume().on('end', () => void sleep(20).then(() => socket.end('late answer')));
    },
    { allowHalfOpen: true },
  );
  const socket = await connected(server, { allowHalfOpen: true });
  socket.end('question');
  t.equal((await collect(socket)).toString(), 'late answer');
  await closed(server);
});

t.test('without allowHalfOpen the end is answered with an end', async (t) => {
  const server = await listening((socket) => void socket.resume());
  const socket = await connected(server);
  socket.resume();
  socket.end('x');
  const [hadError] = (await once(socket, 'close')) as [boolean];
  t.equal(hadError, false);
  await closed(server);
});

t.test('data, then end: what was written before destroySoon arrives', async (t) => {
  const data = pattern(3_000_000);
  const server = await listening((socket) => {
    socket.write(data);
    socket.destroySoon();
  });
  const socket = await connected(server);
  t.equal(hashOf(await collect(socket)), hashOf(data));
  await closed(server);
});

t.test('a write just before destroy arrives', async (t) => {
  const server = await listening((socket) => {
    socket.write('last words');
    socket.destroy();
  });
  const socket = await connected(server);
  t.equal((await collect(socket)).toString(), 'last words');
  await closed(server);
});

t.test('pipeline through a socket', async (t) => {
  const server = await listening((socket) => void pipeline(socket, socket));
  const socket = await connected(server);
  const data = pattern(2_500_000, 9);
  const reading = collect(socket);
  await pipeline(async function* () {
    for (let at = 0; at < data.length; at += 10_000) yield data.subarray(at, at + 10_000);
  }, socket);
  t.equal(hashOf(await reading), hashOf(data));
  await closed(server);
});

t.test('setEncoding, pause and resume', async (t) => {
  const text = 'äöü€'.repeat(50_000);
  const server = await listening((socket) => void socket.end(text));
  const socket = await connected(server);
  socket.setEncoding('utf8');
  let got = '';
  socket.on('data', (chunk: unknown) => {
    got += chunk as string;
    socket.pause();
    setImmediate(() => socket.resume());
  });
  await finished(socket);
  t.equal(got === text, true);
  await closed(server);
});
