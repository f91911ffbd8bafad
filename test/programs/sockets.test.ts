// Clients and servers of other protocols under ringcore/register, as on plain node.
import t from 'tap';
import { compare, install } from './support.js';

const skip = install();
const ring = ['acceptMultishot', 'connect', 'recvMultishot', 'send', 'close'];

t.test('fetch, undici and node’s http.Agent', { skip }, async (t) => {
  await compare(t, 'http_clients.mjs', { ring: [...ring, 'read', 'write'], args: [t.testdir()] });
});

t.test('ws', { skip }, async (t) => {
  await compare(t, 'ws.mjs', { by: 'require', ring });
});

t.test('socket.io', { skip }, async (t) => {
  await compare(t, 'socket_io.mjs', { ring });
});

t.test('grpc-js', { skip }, async (t) => {
  await compare(t, 'grpc.mjs', { by: 'require', ring });
});

t.test('nodemailer and smtp-server', { skip }, async (t) => {
  await compare(t, 'mail.mjs', { ring: [...ring, 'read'], args: [t.testdir()] });
});
