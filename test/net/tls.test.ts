// node's TLS on sockets of node:net and of ringcore/net, at both ends: what is seen of it is the same.
import { once } from 'node:events';
import type nodeNet from 'node:net';
import tls from 'node:tls';
import { cert, key } from './certificate.js';
import { describe, port, scenario, serving, type Log, type Net } from './scenarios.js';
import { collect, hashOf, pattern } from './support.js';

const secureContext = tls.createSecureContext({ key, cert });

interface Pair {
  client: tls.TLSSocket;
  server: tls.TLSSocket;
  /** Below the TLS sockets. */
  bare: { client: nodeNet.Socket; server: nodeNet.Socket };
  close: () => Promise<void>;
}

/** The end of a socket, whatever ended it. */
const closing = (socket: nodeNet.Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });

/** TLS at both ends of a connection of `net`; the handshake has begun. */
async function pair(
  net: Net,
  serverOptions: tls.TLSSocketOptions = {},
  clientOptions: tls.ConnectionOptions = {},
): Promise<Pair> {
  const listener = await serving(net, { allowHalfOpen: true });
  const accepted = once(listener, 'connection') as Promise<[nodeNet.Socket]>;
  const bareClient = net.connect({ port: port(listener), host: '127.0.0.1', allowHalfOpen: true });
  const client = tls.connect({ socket: bareClient, ca: cert, servername: 'localhost', ...clientOptions });
  const [bareServer] = await accepted;
  const server = new tls.TLSSocket(bareServer, { isServer: true, secureContext, ...serverOptions });
  return {
    client,
    server,
    bare: { client: bareClient, server: bareServer },
    async close() {
      const ends = [client, server, bareClient, bareServer].map(closing);
      client.destroy();
      server.destroy();
      await Promise.all(ends);
      listener.close();
      await once(listener, 'close');
    },
  };
}

const secured = async ({ client, server }: Pair): Promise<void> => {
  await Promise.all([once(client, 'secureConnect'), once(server, 'secure')]);
};

scenario('what both ends agree on', async (net, log) => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const ends = await pair(
      net,
      { ALPNProtocols: ['b', 'a'] },
      {
        ALPNProtocols: ['a', 'b'],
        maxVersion,
      },
    );
    await secured(ends);
    const { client, server } = ends;
    log('client', client.authorized, client.getProtocol(), client.getCipher().name, client.alpnProtocol);
    log('client', client.getPeerCertificate().subject, client.encrypted);
    log('server', server.getProtocol(), server.alpnProtocol, (server as { servername?: string }).servername);
    await ends.close();
  }
});

/** Takes in so many bytes, or what comes before the end. */
async function take(socket: tls.TLSSocket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let taken = 0;
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if ((taken += chunk.length) >= bytes) resolve();
    });
    socket.once('close', () => resolve());
  });
  return Buffer.concat(chunks);
}

scenario('large transfers, both ways at once', async (net, log) => {
  const ends = await pair(net);
  const { client, server } = ends;
  const data = pattern(8_000_000);
  const other = pattern(6_000_000, 2);
  client.write(data);
  server.write(other);
  const [atServer, atClient] = await Promise.all([take(server, data.length), take(client, other.length)]);
  log('server', hashOf(atServer), hashOf(data));
  log('client', hashOf(atClient), hashOf(other));
  await ends.close();
});

scenario('many small messages, one after the other', async (net, log) => {
  const ends = await pair(net);
  const { client, server } = ends;
  server.pipe(server);
  for (let i = 0; i < 200; i++) {
    client.write(`message ${i}`);
    const [reply] = (await once(client, 'data')) as [Buffer];
    if (i % 50 === 0) log('client', reply.toString());
  }
  await ends.close();
});

scenario('half-open: one end goes on when the other has ended', async (net, log) => {
  const ends = await pair(
    net,
    { allowHalfOpen: true } as tls.TLSSocketOptions,
    { allowHalfOpen: true } as object,
  );
  const { client, server } = ends;
  client.end('all of it');
  log('server', (await collect(server as AsyncIterable<Buffer>)).toString());
  log('server', server.writable);
  server.write('late ');
  server.end('answer');
  log('client', (await collect(client as AsyncIterable<Buffer>)).toString());
  await ends.close();
});

scenario('a slow reader holds the writer back', async (net, log) => {
  const ends = await pair(net);
  const { client, server } = ends;
  await secured(ends);
  const data = pattern(4_000_000, 3);
  server.pause();
  log('client', client.write(data));
  const drained = once(client, 'drain');
  const reading = collect(server as AsyncIterable<Buffer>);
  await drained;
  client.end();
  log('server', hashOf(await reading), hashOf(data));
  await ends.close();
});

scenario('a certificate that nobody trusts', async (net, log) => {
  const ends = await pair(net, {}, { ca: [] });
  ends.server.on('error', () => {});
  const [error] = (await once(ends.client, 'error')) as [Error];
  log('client', describe(error), ends.client.authorized);
  await ends.close();
});

scenario('a certificate of another name, and one that is not asked about', async (net, log) => {
  const wrong = await pair(net, {}, { servername: 'elsewhere' });
  wrong.server.on('error', () => {});
  const [error] = (await once(wrong.client, 'error')) as [NodeJS.ErrnoException];
  log('client', error.code);
  await wrong.close();
  const careless = await pair(net, {}, { ca: [], rejectUnauthorized: false });
  await secured(careless);
  log('client', careless.client.authorized, careless.client.authorizationError);
  await careless.close();
});

scenario('no common protocol version', async (net, log) => {
  const old = tls.createSecureContext({ key, cert, maxVersion: 'TLSv1.2' });
  const ends = await pair(net, { secureContext: old }, { minVersion: 'TLSv1.3' });
  const failed = async (name: string, socket: tls.TLSSocket): Promise<void> => {
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve));
    log(name, error.code, error.syscall);
  };
  await Promise.all([failed('client', ends.client), failed('server', ends.server)]);
  await ends.close();
});

scenario('a peer that speaks no TLS', async (net, log) => {
  const listener = await serving(net, {}, (socket) => {
    const secure = new tls.TLSSocket(socket, { isServer: true, secureContext });
    secure.on('error', (error: NodeJS.ErrnoException) => log('server', error.code));
    secure.on('close', (hadError) => log('server', 'close', hadError));
  });
  const socket = net.connect(port(listener), '127.0.0.1');
  socket.on('error', () => {});
  const end = closing(socket);
  socket.resume().write('good morning, how are you today?\r\n\r\n');
  await end;
  listener.close();
  await once(listener, 'close');
});

scenario('the connection ends below', async (net, log) => {
  const ends = await pair(net);
  const { client, server, bare } = ends;
  client.on('error', (error) => log('client', describe(error)));
  client.on('end', () => {
    log('client', 'end');
    client.end();
  });
  client.on('close', (hadError) => log('client', 'close', hadError));
  const end = closing(client);
  await secured(ends);
  server.on('error', () => {}).write('x');
  await once(client, 'data');
  bare.server.destroy();
  await end;
  await ends.close();
});

scenario('a session is resumed', async (net, log) => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    let session: Buffer | undefined;
    const context = tls.createSecureContext({ key, cert, sessionIdContext: 'ringcore' });
    for (let i = 0; i < 3; i++) {
      const options = { maxVersion, ...(session === undefined ? {} : { session }) };
      const ends = await pair(net, { secureContext: context }, options);
      const given = new Promise<Buffer>((resolve) => ends.client.once('session', resolve));
      await secured(ends);
      // Tickets of TLS 1.3 come behind the handshake, and are noticed when something is read.
      ends.server.write('done');
      await once(ends.client, 'data');
      log('client', maxVersion, i, ends.client.isSessionReused());
      if (session === undefined) session = await given;
      await ends.close();
    }
  }
});

scenario('a tls.Server fed by its connection event, a timeout, and counters', async (net, log) => {
  const inner = tls.createServer({ key, cert });
  const listener = await serving(net, {}, (socket) => inner.emit('connection', socket));
  inner.on('secureConnection', (socket: tls.TLSSocket) => {
    socket.once('timeout', () => {
      log('server', 'timeout', socket.bytesRead > 0, socket.bytesWritten > 0);
      socket.end('too late');
    });
    socket.resume().setTimeout(40);
  });
  const client = tls.connect({ socket: net.connect(port(listener), '127.0.0.1'), ca: cert });
  client.on('error', (error) => log('client', describe(error)));
  client.write('first');
  log('client', (await collect(client as AsyncIterable<Buffer>)).toString());
  await closing(client);
  listener.close();
  await once(listener, 'close');
});

scenario('TLS inside TLS', async (net: Net, log: Log) => {
  const outer = await pair(net);
  await secured(outer);
  const inner = new tls.TLSSocket(outer.server, { isServer: true, secureContext });
  const client = tls.connect({ socket: outer.client, ca: cert, servername: 'localhost' });
  const data = pattern(300_000, 5);
  inner.pipe(inner);
  client.write(data);
  client.end();
  log('client', hashOf(await collect(client as AsyncIterable<Buffer>)), hashOf(data));
  await outer.close();
});
