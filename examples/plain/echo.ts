// The twin of echo (and multishot_accept, ping_pong) on plain node: 'connection' events, and a pipe for each: --port N.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import process from 'node:process';
import { pipeline } from 'node:stream';
import { parseArgs } from 'node:util';
import { run } from '../support/run.js';

await run('echo', async () => {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '7007' } } });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    pipeline(socket, socket, (error) => {
      if (error) console.error(`echo: ${error.message}`);
    });
  }).listen(Number(values.port), '127.0.0.1');
  await once(server, 'listening');
  console.log(`listening on 127.0.0.1:${(server.address() as AddressInfo).port}`);
  process.once('SIGINT', () => server.close());
  await once(server, 'close');
});
