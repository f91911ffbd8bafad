import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { noRing, runExample } from './run_example.js';
import { startServer, type RunningServer } from './run_server.js';

/** What a client is told. It sends something first: closing must not reset the connection for that. */
async function greeting(server: RunningServer): Promise<string> {
  const socket = connect(server.port, server.host);
  socket.end('GET / HTTP/1.1\r\n\r\n');
  return text(socket);
}

t.test('multishot_accept: a burst by one request, and SIGINT', { skip: noRing }, async (t) => {
  const server = await startServer(t, ['multishot_accept', '--port', '0'], 'io_uring');
  const greetings = await Promise.all(Array.from({ length: 50 }, () => greeting(server)));
  const numbers = greetings.map((line) => Number(/^you are connection (\d+)\n$/.exec(line)?.[1]));
  t.same(
    numbers.sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, index) => index + 1),
  );

  // Closing does not reset the connection, whatever the client has sent and goes on to send.
  const talkative = connect({ port: server.port, host: server.host, allowHalfOpen: true });
  talkative.write('not asked for');
  talkative.resume();
  await once(talkative, 'end');
  talkative.write('nor this');
  talkative.end();
  t.same(await once(talkative, 'close'), [false]);

  // One that resets its connection, and one that never ends its side.
  const rude = connect(server.port, server.host);
  await once(rude, 'connect');
  rude.resetAndDestroy();
  const quiet: Socket = connect({ port: server.port, host: server.host, allowHalfOpen: true });
  t.match(String((await once(quiet, 'data'))[0]), /^you are connection 5\d\n$/);

  server.kill('SIGINT');
  const { code, stdout, stderr } = await server.ended;
  quiet.destroy();
  t.equal(stderr, '');
  t.equal(code, 0);
  t.match(stdout, /\n53 connections by 1 accept request\n$/);
});

t.test('multishot_accept --connections N ends by itself', { skip: noRing }, async (t) => {
  const server = await startServer(t, ['multishot_accept', '--port', '0', '--connections', '2'], 'io_uring');
  t.equal(await greeting(server), 'you are connection 1\n');
  t.equal(await greeting(server), 'you are connection 2\n');
  const { code, stdout } = await server.ended;
  t.equal(code, 0);
  t.match(stdout, /\n2 connections by 1 accept request\n$/);
  // Nobody listens there any more.
  const [error] = (await once(connect(server.port, server.host), 'error')) as [NodeJS.ErrnoException];
  t.equal(error.code, 'ECONNREFUSED');
});

t.test('multishot_accept says why it cannot listen', { skip: noRing }, async (t) => {
  const server = await startServer(t, ['multishot_accept', '--port', '0'], 'io_uring');
  const { code, stderr } = await runExample(['multishot_accept', '--port', String(server.port)]);
  t.equal(code, 1);
  t.match(stderr, /^multishot_accept: .*EADDRINUSE/);
});

t.test('multishot_accept without io_uring says what is missing', async (t) => {
  const { code, stderr } = await runExample(['multishot_accept'], { backend: 'node' });
  t.equal(code, 1);
  t.match(stderr, /^multishot_accept: io_uring is not available/);
});
