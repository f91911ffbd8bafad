// The ring is closed under its sockets: each ends with an error, and nothing is thrown at the event loop.
import t from 'tap';
import { run } from './support.js';

const preamble = `import net from 'ringcore/net'; import { ring } from 'ringcore/core'; import { once } from 'node:events';
  process.on('uncaughtException', (error) => { console.log('uncaught', error); process.exit(1); });
  const word = (name, error) => console.log(name, error?.code ?? error);
  const pair = async () => {
    const server = net.createServer().listen(0).on('error', (e) => word('server', e));
    const taken = once(server, 'connection');
    const socket = net.connect(server.address().port, '127.0.0.1');
    const [peer] = await taken;
    for (const [name, it] of [['socket', socket], ['peer', peer]]) {
      it.on('error', (e) => word(name, e)).on('close', () => console.log(name, 'close'));
    }
    return { server, socket, peer };
  };\n`;

const cases: [name: string, source: string, expected: RegExp[]][] = [
  [
    'with a send that has gone in part',
    `const { server, socket, peer } = await pair();
    // Not receiving: the end of a receive would be what the sockets learn it from.
    socket.pause(); peer.pause();
    socket.write(Buffer.alloc(32 << 20), (e) => word('write', e));
    await new Promise((r) => setTimeout(r, 50));
    ring().close(); server.close(); peer.resume();`,
    [
      /^write (ERR_INVALID_STATE|ECANCELED)$/m,
      /^socket (ERR_INVALID_STATE|ECANCELED)$/m,
      /^socket close$/m,
      /^peer close$/m,
    ],
  ],
  [
    'and a connection is used afterwards',
    `const { server, socket, peer } = await pair();
    await once(socket, 'connect').catch(() => {});
    socket.pause(); peer.pause();
    await new Promise((r) => setTimeout(r, 50));
    ring().close(); server.close();
    socket.write('late', (e) => word('write', e));
    peer.resume();`,
    [/^write (ERR_INVALID_STATE|ECANCELED|ERR_STREAM_DESTROYED)$/m, /^socket close$/m, /^peer close$/m],
  ],
  [
    'and a listener for connections comes afterwards',
    `const server = net.createServer().listen(0);
    server.on('error', (e) => word('server', e));
    await once(server, 'listening');
    ring().close();
    server.on('connection', () => {});
    setTimeout(() => { server.on('connection', () => {}); server.close(() => console.log('closed')); }, 20);`,
    [/^server ECANCELED$/m, /^closed$/m],
  ],
];

for (const [name, source, expected] of cases) {
  t.test(`the ring is closed ${name}`, async (t) => {
    const { code, stdout, stderr } = await run(preamble + source);
    t.equal(code, 0, stderr);
    t.notMatch(stdout, /uncaught/);
    for (const pattern of expected) t.match(stdout, pattern);
  });
}
