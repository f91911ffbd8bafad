// node's HTTP on sockets of node:net and of ringcore/net, at both ends: what is seen of it is the same.
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type nodeNet from 'node:net';
import type { Duplex } from 'node:stream';
import { scaled } from '../slowness.js';
import { describe, ending, port, scenario, serving, type Log, type Net } from './scenarios.js';
import { collect, hashOf, pattern, sleep } from './support.js';

/** An HTTP server fed by the 'connection' event; how many connections came, and its end. */
async function httpServing(net: Net, inner: http.Server): Promise<[number, () => Promise<void>]> {
  const server = await serving(net, {}, (socket) => inner.emit('connection', socket));
  return [
    port(server),
    async () => {
      server.close();
      inner.closeIdleConnections();
      inner.closeAllConnections();
      await once(server, 'close');
    },
  ];
}

const body = async (message: IncomingMessage): Promise<Buffer> => collect(message as AsyncIterable<Buffer>);

/** A request over a socket of `net`, sent; and its answer. */
function requesting(net: Net, portNumber: number, options: http.RequestOptions): http.ClientRequest {
  return http.request({
    host: '127.0.0.1',
    port: portNumber,
    createConnection: () => net.connect(portNumber, '127.0.0.1'),
    ...options,
  });
}

async function answer(request: http.ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

/** Sends text over a bare socket, and logs all that comes back, without the date. */
async function exchange(net: Net, portNumber: number, text: string, log: Log): Promise<void> {
  const socket = net.connect(portNumber, '127.0.0.1');
  socket.write(text);
  const received = (await collect(socket as AsyncIterable<Buffer>)).toString();
  log('client', received.replace(/^Date: .*$/gm, 'Date: …'));
}

class AgentOf extends http.Agent {
  readonly #net: Net;
  constructor(net: Net) {
    super({ keepAlive: true, maxSockets: 2 });
    this.#net = net;
  }
  override createConnection(options: nodeNet.NetConnectOpts): Duplex {
    return this.#net.connect(options);
  }
}

scenario('an agent keeps its connections alive, and uses them again', async (net, log) => {
  let connections = 0;
  const inner = http.createServer((request, response) => response.end(request.url));
  inner.on('connection', () => connections++);
  const [portNumber, close] = await httpServing(net, inner);
  const agent = new AgentOf(net);
  for (let round = 0; round < 5; round++) {
    const texts = await Promise.all(
      Array.from({ length: 6 }, async (_, i) => {
        const request = http.get({ host: '127.0.0.1', port: portNumber, agent, path: `/${round}/${i}` });
        return (await body(await answer(request))).toString();
      }),
    );
    log('client', texts);
  }
  log('server', connections);
  agent.destroy();
  await close();
});

interface NodeHandle {
  getAsyncId(): number;
  getProviderType(): number;
}

const storage = new AsyncLocalStorage<string>();

scenario('the async context of each request of a connection that is used again', async (net, log) => {
  let reset = (): void => {};
  const inner = http.createServer((request, response) => {
    reset = () => void request.socket.resetAndDestroy();
    if (request.url === '/cut') response.write('part');
    else if (request.url === '/whole') response.end('whole');
    else reset();
  });
  const [portNumber, close] = await httpServing(net, inner);
  const agent = new AgentOf(net);
  const get = (name: string, path: string): Promise<void> =>
    storage.run(name, async () => {
      const note = (event: string): void => log(name, event, storage.getStore());
      const request = http.get({ host: '127.0.0.1', port: portNumber, agent, path });
      request.on('socket', (socket) => {
        log(name, request.reusedSocket);
        socket.once('error', () => note('error of the socket'));
        socket.once('close', () => note('close of the socket'));
      });
      request.on('error', () => note('error'));
      request.on('response', (response) => {
        note('response');
        for (const event of ['data', 'end', 'aborted', 'error', 'close'])
          response.on(event, () => note(event));
        // Right behind its data, who reads may not hear of it.
        if (path === '/cut') response.once('data', () => setTimeout(() => reset(), scaled(5)));
      });
      await once(request, 'close').catch(() => {});
      note('closed');
    });
  for (const path of ['/nothing', '/cut']) {
    await get(`first ${path}`, '/whole');
    // The agent gets the connection back behind the request's end.
    await sleep(5);
    await get(`again ${path}`, path);
  }
  // More than there may be connections: the last waits for one.
  await Promise.all([get('one', '/whole'), get('two', '/whole'), get('three', '/cut')]);
  agent.destroy();
  await close();
});

scenario('the async ids of a connection that is used again', async (net, log) => {
  const types = new Map<number, string>();
  const destroyed: number[] = [];
  const hook = createHook({
    init: (id, type) => void types.set(id, type),
    destroy: (id) => void destroyed.push(id),
  }).enable();
  const inner = http.createServer((_request, response) => response.end());
  const [portNumber, close] = await httpServing(net, inner);
  const agent = new AgentOf(net);
  const ids: number[] = [];
  const timesDestroyed = (id: number): number => destroyed.filter((each) => each === id).length;
  for (let i = 0; i < 3; i++) {
    const request = http.get({ host: '127.0.0.1', port: portNumber, agent });
    request.once('socket', ({ _handle: handle }: { _handle: NodeHandle }) => {
      const id = handle.getAsyncId();
      ids.push(id);
      log('client', types.get(id), handle.getProviderType());
    });
    await body(await answer(request));
    await sleep(5);
    log('client', ids.map(timesDestroyed));
  }
  agent.destroy();
  await close();
  await sleep(5);
  hook.disable();
  // The last one goes with the handle, which node leaves to the garbage collector.
  log('client', new Set(ids).size, ids.slice(0, -1).map(timesDestroyed), timesDestroyed(ids.at(-1)!) <= 1);
});

scenario('pipelined requests, the last one closes', async (net, log) => {
  const inner = http.createServer((request, response) => {
    setTimeout(() => response.end(request.url), request.url === '/3' ? 20 : 0);
  });
  const [portNumber, close] = await httpServing(net, inner);
  const requests = Array.from({ length: 10 }, (_, i) => {
    return `GET /${i} HTTP/1.1\r\nHost: a\r\n${i === 9 ? 'Connection: close\r\n' : ''}\r\n`;
  });
  await exchange(net, portNumber, requests.join(''), log);
  await close();
});

scenario('an upgrade hands the socket over, with what came behind the request', async (net, log) => {
  const inner = http.createServer();
  inner.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    log('server', request.headers.upgrade, head.toString());
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst ');
    socket.pipe(socket);
  });
  const [portNumber, close] = await httpServing(net, inner);
  const request = requesting(net, portNumber, { headers: { Connection: 'Upgrade', Upgrade: 'echo' } });
  request.end();
  const [response, socket, head] = (await once(request, 'upgrade')) as [IncomingMessage, Duplex, Buffer];
  const large = pattern(500_000);
  socket.end(large);
  const echoed = Buffer.concat([head, await collect(socket as AsyncIterable<Buffer>)]);
  log('client', response.statusCode, echoed.subarray(0, 6).toString(), hashOf(echoed.subarray(6)));
  log('client', hashOf(large));
  await close();
});

scenario('CONNECT makes a tunnel', async (net, log) => {
  const inner = http.createServer();
  inner.on('connect', (request: IncomingMessage, socket: Duplex) => {
    log('server', request.url);
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    socket.on('data', (chunk: Buffer) => socket.end(chunk.toString().toUpperCase()));
  });
  const [portNumber, close] = await httpServing(net, inner);
  const request = requesting(net, portNumber, { method: 'CONNECT', path: 'example:80' });
  request.end();
  const [response, socket] = (await once(request, 'connect')) as [IncomingMessage, Duplex];
  socket.write('through');
  log('client', response.statusCode, (await collect(socket as AsyncIterable<Buffer>)).toString());
  await close();
});

scenario('a chunked upload, with trailers, against a slow reader', async (net, log) => {
  const inner = http.createServer((request, response) => {
    request.pause();
    setTimeout(() => {
      void body(request).then((data) => {
        log('server', data.length, hashOf(data), request.headers['transfer-encoding'], request.trailers);
        response.end('done');
      });
    }, 50);
  });
  const [portNumber, close] = await httpServing(net, inner);
  const request = requesting(net, portNumber, { method: 'PUT', headers: { Trailer: 'x-sum' } });
  const chunk = pattern(100_000, 7);
  for (let i = 0; i < 40; i++) {
    if (!request.write(chunk)) await once(request, 'drain');
  }
  request.addTrailers({ 'x-sum': 'forty' });
  request.end();
  const response = await answer(request);
  log('client', response.statusCode, (await body(response)).toString());
  await close();
});

scenario('100-continue: the body comes when it is asked for', async (net, log) => {
  const inner = http.createServer();
  inner.on('checkContinue', (request: IncomingMessage, response: http.ServerResponse) => {
    if (request.url === '/no') {
      response.writeHead(417).end();
      return;
    }
    response.writeContinue();
    void body(request).then((data) => response.end(hashOf(data)));
  });
  const [portNumber, close] = await httpServing(net, inner);
  const data = pattern(200_000, 9);
  for (const path of ['/yes', '/no']) {
    const headers = { Expect: '100-continue' };
    const request = requesting(net, portNumber, { method: 'POST', path, headers });
    request.on('continue', () => {
      log('client', 'continue');
      request.end(data);
    });
    request.on('error', () => {});
    request.flushHeaders();
    const response = await answer(request);
    log('client', response.statusCode, (await body(response)).toString());
    request.destroy();
  }
  log('client', hashOf(data));
  await close();
});

scenario('bodies of many megabytes, both ways at once', async (net, log) => {
  const inner = http.createServer((request, response) => {
    response.writeHead(200);
    request.pipe(response);
  });
  const [portNumber, close] = await httpServing(net, inner);
  const data = pattern(12_000_000, 11);
  const hashes = await Promise.all(
    [1, 2].map(async () => {
      const request = requesting(net, portNumber, { method: 'POST' });
      request.end(data);
      return hashOf(await body(await answer(request)));
    }),
  );
  log('client', ...hashes, hashOf(data));
  await close();
});

scenario('a client that goes away in the middle of the answer', async (net, log) => {
  const gone: Promise<unknown>[] = [];
  const inner = http.createServer((request, response) => {
    // As much as nobody reads.
    const write = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(100_000)));
    };
    response.on('drain', write);
    gone.push(
      once(response, 'close').then(() =>
        log('server', response.writableFinished, response.destroyed, request.destroyed),
      ),
    );
    write();
  });
  // Whether reading or writing fails first is chance.
  inner.on('clientError', (error: NodeJS.ErrnoException) => log('server', 'clientError', error.code));
  const [portNumber, close] = await httpServing(net, inner);
  const request = requesting(net, portNumber, {});
  request.end();
  const response = await answer(request);
  await once(response, 'data');
  response.on('error', (error) => log('client', describe(error)));
  const closed = new Promise((resolve) => response.once('close', resolve));
  request.destroy();
  await closed;
  await Promise.all(gone);
  log('client', response.complete, response.aborted);
  await close();
});

scenario('a client that goes away in the middle of its upload', async (net, log) => {
  const inner = http.createServer((request) => {
    request.on('aborted', () => log('server', 'aborted'));
    request.on('error', (error) => log('server', describe(error)));
    request.resume();
  });
  const [portNumber, close] = await httpServing(net, inner);
  const socket = net.connect(portNumber, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\npart of it');
  const [request] = (await once(inner, 'request')) as [IncomingMessage];
  const gone = new Promise((resolve) => request.once('close', resolve));
  socket.resetAndDestroy();
  await Promise.all([gone, ending(socket)]);
  await close();
});

scenario('what is no HTTP', async (net, log) => {
  const inner = http.createServer();
  inner.on('clientError', (error: Error & { rawPacket?: Buffer }, socket: Duplex) => {
    log('server', describe(error));
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  const [portNumber, close] = await httpServing(net, inner);
  await exchange(net, portNumber, 'good morning\r\n\r\n', log);
  await close();
});

scenario('an answer that never comes: the request times out', async (net, log) => {
  const inner = http.createServer(() => {});
  const [portNumber, close] = await httpServing(net, inner);
  const request = requesting(net, portNumber, {});
  request.setTimeout(60);
  request.on('timeout', () => {
    log('client', 'timeout');
    request.destroy(new Error('too slow'));
  });
  request.end();
  const [error] = (await once(request, 'error')) as [Error];
  log('client', describe(error));
  await close();
});

scenario('idle connections end after keepAliveTimeout', async (net, log) => {
  const inner = http.createServer((request, response) => response.end('here'));
  inner.keepAliveTimeout = 50;
  const [portNumber, close] = await httpServing(net, inner);
  await exchange(net, portNumber, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', log);
  await close();
});
