// A TCP echo server, one `for await` over its connections: --port N to listen, --self-test to try it.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import process from 'node:process';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { backend, connect, createServer, type Server, type Socket } from 'ringcore';
import type { AddressInfo } from 'node:net';
import { run } from './support/run.js';

/** What comes in goes out. A peer that sends its FIN gets the rest, and then ours. */
async function echo(socket: Socket): Promise<void> {
  try {
    await pipeline(socket, socket);
  } catch (error) {
    // One connection's failure (a reset, say) is no reason to end the others.
    console.error(`echo: ${(error as Error).message}`);
  }
}

/** One multishot accept in the kernel, for as long as the loop runs; it ends when the server is closed. */
async function serve(server: Server): Promise<void> {
  const connections = new Set<Promise<void>>();
  for await (const socket of server) {
    const connection = echo(socket);
    connections.add(connection);
    void connection.finally(() => connections.delete(connection));
  }
  await Promise.all(connections);
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Sends `data` and its FIN, and reads until the server's. */
async function roundTrip(port: number, data: Buffer): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.end(data);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function selfTest(): Promise<void> {
  const server = createServer({ allowHalfOpen: true });
  const port = await listen(server, 0, '127.0.0.1');
  const served = serve(server);
  const sizes = [0, 1, 64, 4096, 65_536, 65_537, 1_000_000, 4_000_000];
  let bytes = 0;
  await Promise.all(
    sizes.map(async (size) => {
      const data = randomBytes(size);
      const back = await roundTrip(port, data);
      if (!back.equals(data)) throw new Error(`${size} bytes came back as ${back.length} others`);
      bytes += size;
    }),
  );
  server.close();
  await served;
  console.log(`self-test: ${bytes} bytes over ${sizes.length} connections came back as they were`);
}

await run('echo', async () => {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '7007' },
      host: { type: 'string', default: '127.0.0.1' },
      'self-test': { type: 'boolean', default: false },
    },
  });
  console.log(`backend: ${backend.name}${backend.reason === undefined ? '' : ` (${backend.reason})`}`);
  if (values['self-test']) return selfTest();

  // Half-open: the peer may end its side first and still read the answer.
  const server = createServer({ allowHalfOpen: true });
  const port = await listen(server, Number(values.port), values.host);
  console.log(`listening on ${values.host}:${port}; try: nc ${values.host} ${port}`);
  // The first Ctrl-C: no new connections, and the end when those that are open have ended. The second one: the end.
  process.once('SIGINT', () => server.close());
  await serve(server);
});
