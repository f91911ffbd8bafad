// Clients of real servers under ringcore/register, as on plain node: PostgreSQL, Redis, MariaDB, an MQTT broker.
import t from 'tap';
import { missing, serve, type ServerName } from './servers.js';
import { compare, install } from './support.js';

const lacksPackages = install();
const ring = ['connect', 'recvMultishot', 'send', 'close'];

const clients: [app: string, server: ServerName, by: 'import' | 'require'][] = [
  ['pg', 'postgresql', 'import'],
  ['ioredis', 'redis', 'require'],
  ['mysql2', 'mariadb', 'import'],
  ['mqtt', 'mosquitto', 'require'],
];

for (const [app, server, by] of clients) {
  t.test(`${app} against ${server}`, { skip: lacksPackages || missing(server) }, async (t) => {
    const port = await serve(t, server);
    await compare(t, `${app}.mjs`, { by, ring, args: [String(port)] });
  });
}
