// node's HTTP/2 on sockets of node:net and of ringcore/net, plain and with TLS, at both ends: what is seen of it is the
// same.
import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type ServerHttp2Session } from 'node:http2';
import type nodeNet from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { cert, key } from './certificate.js';
import { describe, port, scenario, serving, type Log, type Net } from './scenarios.js';
import { collect, hashOf, pattern } from './support.js';

interface World {
  inner: http2.Http2Server | http2.Http2SecureServer;
  connect: () => ClientHttp2Session;
  sockets: nodeNet.Socket[];
  close: () => Promise<void>;
}

/** Through streams that are no sockets of its own, node's TLS may see a plain end as an error: not compared. */
const ignore = (): void => {};

/** A server fed by its 'connection' event, and clients over sockets of `net`. */
async function world(net: Net, secure: boolean): Promise<World> {
  const inner = secure ? http2.createSecureServer({ key, cert }) : http2.createServer();
  inner.on('sessionError', ignore);
  const sockets: nodeNet.Socket[] = [];
  const listener = await serving(net, {}, (socket) => {
    sockets.push(socket);
    socket.on('error', ignore);
    inner.emit('connection', socket);
  });
  const where = port(listener);
  return {
    inner,
    sockets,
    connect() {
      const dial = (): Duplex => {
        const socket = net.connect(where, '127.0.0.1').on('error', ignore);
        if (!secure) return socket;
        return tls.connect({ socket, ca: cert, servername: 'localhost', ALPNProtocols: ['h2'] });
      };
      const url = `${secure ? 'https' : 'http'}://localhost:${where}`;
      return http2.connect(url, { createConnection: dial }).on('error', ignore);
    },
    async close() {
      listener.close();
      for (const socket of sockets) socket.destroy();
      await once(listener, 'close');
    },
  };
}

const closing = (what: { once(event: 'close', listener: () => void): unknown; closed?: boolean }) =>
  new Promise<void>((resolve) => {
    if (what.closed === true) resolve();
    else what.once('close', () => resolve());
  });

async function ask(session: ClientHttp2Session, path: string, body?: Buffer): Promise<[number, Buffer]> {
  const stream = session.request({ ':path': path, ':method': body === undefined ? 'GET' : 'POST' });
  const response = once(stream, 'response') as Promise<[http2.IncomingHttpHeaders]>;
  stream.end(body);
  const [headers] = await response;
  return [Number(headers[':status']), await collect(stream as AsyncIterable<Buffer>)];
}

async function leave(session: ClientHttp2Session): Promise<void> {
  const end = closing(session);
  session.close();
  await end;
}

/** The same over plain sockets and with TLS. */
function both(name: string, run: (world: World, log: Log) => Promise<void>): void {
  for (const secure of [false, true]) {
    scenario(`${secure ? 'TLS' : 'plain'}: ${name}`, async (net, log) => {
      const made = await world(net, secure);
      await run(made, log);
      await made.close();
    });
  }
}

both('many streams at once', async ({ inner, connect, sockets }, log) => {
  inner.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.respond({ ':status': 200 });
    stream.end(`you asked ${headers[':path']}`);
  });
  const session = connect();
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(Array.from({ length: 90 }, (_, i) => ask(session, `/${round}/${i}`)));
    log(
      'client',
      answers.map(([status, text]) => `${status} ${text.toString()}`),
    );
  }
  await leave(session);
  log('server', sockets.length);
});

both('big bodies, both ways, on several streams', async ({ inner, connect }, log) => {
  inner.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  const session = connect();
  const bodies = [1, 2, 3].map((seed) => pattern(2_000_000, seed));
  const answers = await Promise.all(bodies.map((body) => ask(session, '/', body)));
  for (const [i, [status, body]] of answers.entries()) {
    log('client', status, hashOf(body), hashOf(bodies[i]!));
  }
  await leave(session);
});

both('flow control: a stream that nobody reads does not hold up another', async ({ inner, connect }, log) => {
  inner.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
    stream.end(headers[':path'] === '/big' ? Buffer.alloc(5_000_000) : 'small');
  });
  const session = connect();
  const stuck = session.request({ ':path': '/big' });
  stuck.on('error', () => {}).end();
  await once(stuck, 'response');
  stuck.pause();
  const [status, text] = await ask(session, '/small');
  log('client', status, text.toString());
  const whole = await collect(stuck as AsyncIterable<Buffer>);
  log('client', whole.length);
  await leave(session);
});

both(
  'the server closes its sessions: what is under way is finished, nothing new begins',
  async ({ inner, connect }, log) => {
    inner.on('session', (session: ServerHttp2Session) => {
      session.on('stream', (stream) => {
        stream.respond({ ':status': 200 });
        session.close();
        setTimeout(() => stream.end('finished'), 20);
      });
    });
    const session = connect();
    session.once('goaway', (code: number) => log('client', 'goaway', code));
    const [status, text] = await ask(session, '/');
    log('client', status, text.toString());
    await leave(session);
    log('client', session.closed, session.destroyed);
    try {
      session.request({ ':path': '/' });
    } catch (error) {
      log('client', describe(error));
    }
  },
);

both('a stream is reset, the session goes on', async ({ inner, connect }, log) => {
  inner.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.on('error', (error) => log('server', describe(error)));
    if (headers[':path'] === '/reset') stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    else stream.respond({ ':status': 204 }, { endStream: true });
  });
  const session = connect();
  const stream: ClientHttp2Stream = session.request({ ':path': '/reset' });
  stream.end();
  const [error] = (await once(stream, 'error')) as [Error];
  log('client', describe(error), stream.rstCode);
  log('client', (await ask(session, '/'))[0]);
  await leave(session);
});

both('the server destroys its sessions', async ({ inner, connect }, log) => {
  inner.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.on('error', () => {});
    stream.session?.destroy();
  });
  const session = connect();
  session.on('error', (error) => log('client', 'session', describe(error)));
  const end = closing(session);
  const stream = session.request({ ':path': '/' });
  const streamEnd = closing(stream);
  stream.on('error', (error: NodeJS.ErrnoException) => log('client', 'stream', error.code));
  stream.end();
  await Promise.all([end, streamEnd]);
  log('client', session.destroyed, stream.destroyed);
});

// Through streams that are no sockets of its own, node's TLS sees the end in another way: the errors are not the same.
both('the connection ends below', async ({ inner, connect, sockets }, log) => {
  inner.on('sessionError', () => {});
  inner.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
    stream.write('some of it');
  });
  const session = connect();
  session.on('error', () => {});
  const end = closing(session);
  const stream = session.request({ ':path': '/' });
  const streamEnd = closing(stream);
  stream.on('error', () => {});
  stream.end();
  await once(stream, 'data');
  stream.resume();
  sockets[0]!.destroy();
  await Promise.all([end, streamEnd]);
  log('client', session.destroyed, stream.destroyed);
});

both('ping, settings, and fields of the session', async ({ inner, connect }, log) => {
  inner.on('stream', (stream: http2.ServerHttp2Stream) => stream.respond({}, { endStream: true }));
  const session = connect();
  const [settings] = (await once(session, 'remoteSettings')) as [http2.Settings];
  log('client', settings.maxFrameSize, settings.enablePush);
  const answered = await new Promise((resolve) => {
    session.ping(Buffer.from('12345678'), (error, duration, payload) =>
      resolve([error, typeof duration, payload.toString()]),
    );
  });
  log('client', answered, session.encrypted, session.alpnProtocol);
  await leave(session);
});
