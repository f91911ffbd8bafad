// The ends of a connection, in every state that it can be in: as with node:net.
import { once } from 'node:events';
import type nodeNet from 'node:net';
import { scaled } from '../slowness.js';
import {
  attempted,
  describe,
  ending,
  fieldsOf,
  port,
  scenario,
  serving,
  watch,
  type Log,
  type Net,
} from './scenarios.js';
import { sleep } from './support.js';

type Socket = nodeNet.Socket;
type Action = (socket: Socket, log: Log) => unknown;

const noted = (log: Log, what: string) => (error?: unknown) => log('client', what, describe(error));
/**
 * The callback of a write. Node tries to write at once, and calls back early where that succeeds; the ring when the
 * kernel reports: what comes between is not compared.
 */
const sent = (log: Log, what: string) => (error?: unknown) => log(what, describe(error));

/** Ends the socket when that was called. */
function afterwards(socket: Socket, callback: (error?: unknown) => void): (error?: unknown) => void {
  return (error) => {
    callback(error);
    setTimeout(() => socket.destroy(), scaled(5));
  };
}

/** Everything that can be done to a socket to end it. */
const actions: Record<string, Action> = {
  'end()': (socket, log) => log('client', socket.end() === socket),
  'end(data, callback)': (socket, log) => socket.end('last words', sent(log, 'ended')),
  'end(callback), twice': (socket, log) => {
    socket.end(sent(log, 'first'));
    socket.end(sent(log, 'second'));
  },
  'end(), then end(data)': (socket, log) => {
    socket.end();
    socket.end('too late', sent(log, 'second'));
  },
  'end(), then destroy()': (socket, log) => {
    socket.end('x', sent(log, 'ended'));
    socket.destroy();
  },
  'destroy()': (socket, log) => log('client', socket.destroy() === socket),
  'destroy(error)': (socket) => socket.destroy(new RangeError('mine')),
  'destroy(), twice': (socket) => socket.destroy(new Error('first')).destroy(new Error('second')),
  'destroySoon()': (socket, log) => log('client', typeof socket.destroySoon()),
  'write(), then destroySoon()': (socket, log) => {
    socket.write('x', sent(log, 'written'));
    socket.destroySoon();
  },
  'resetAndDestroy()': (socket, log) =>
    attempted(log, 'client', () => log('client', socket.resetAndDestroy() === socket)),
  'write(), then resetAndDestroy()': (socket, log) => {
    socket.write('x', sent(log, 'written'));
    attempted(log, 'client', () => socket.resetAndDestroy());
  },
  'write(callback)': (socket, log) => {
    log('client', socket.write('x', afterwards(socket, sent(log, 'written'))));
  },
  'write(bytes, callback), twice': (socket, log) => {
    log('client', socket.write(Buffer.from('xy'), sent(log, 'first')));
    log('client', socket.write('z', 'latin1', afterwards(socket, sent(log, 'second'))), socket.bytesWritten);
  },
  'write(), end(), write()': (socket, log) => {
    log('client', socket.write('x', sent(log, 'first')));
    socket.end(sent(log, 'ended'));
    log('client', socket.write('z', sent(log, 'late')));
  },
  'write() and an end in cork()': (socket, log) => {
    socket.cork();
    socket.write('a', sent(log, 'first'));
    socket.write('b', sent(log, 'second'));
    log('client', socket.writableCorked, socket.writableLength, socket.bufferSize, socket.bytesWritten);
    socket.end('c', sent(log, 'ended'));
  },
  'pause() and resume()': (socket, log) => {
    log(
      'client',
      socket.pause() === socket,
      socket.isPaused(),
      socket.resume() === socket,
      socket.isPaused(),
    );
    socket.end();
  },
  'setTimeout(), then destroy()': (socket, log) => {
    socket.setTimeout(20, noted(log, 'timeout'));
    socket.destroy();
  },
  'setEncoding(), then end()': (socket) => socket.setEncoding('latin1').end('x'),
  'Symbol.asyncDispose': async (socket, log) => {
    const disposable = socket as unknown as AsyncDisposable;
    await disposable[Symbol.asyncDispose]().then(noted(log, 'disposed'), noted(log, 'refused'));
  },
};

/** Brings a socket into a state, and acts there. The socket ends, or is destroyed when nothing more happens. */
const states: Record<string, (socket: Socket, to: () => Socket, act: () => unknown) => Promise<void>> = {
  'before connect()': async (socket, _to, act) => {
    await act();
    await sleep(20);
    socket.destroy();
  },
  'before connect(), which follows': async (socket, to, act) => {
    const acted = act();
    if (!socket.destroyed) to();
    await Promise.all([acted, ending(socket)]);
  },
  'while connecting': async (socket, to, act) => {
    to();
    await Promise.all([act(), ending(socket)]);
  },
  "in 'connect'": async (socket, to, act) => {
    to();
    socket.once('connect', () => void act());
    await ending(socket);
  },
  'when connected': async (socket, to, act) => {
    await once(to(), 'ready');
    await sleep(10);
    await Promise.all([act(), ending(socket)]);
  },
  'after end()': async (socket, to, act) => {
    await once(to(), 'ready');
    socket.end();
    await Promise.all([act(), ending(socket)]);
  },
  "in 'finish'": async (socket, to, act) => {
    await once(to(), 'ready');
    socket.end();
    socket.once('finish', () => void act());
    await ending(socket);
  },
  "in 'close'": async (socket, to, act) => {
    await once(to(), 'ready');
    socket.destroy();
    await once(socket, 'close');
    await Promise.race([act(), sleep(30)]);
    await sleep(60);
  },
};

/** Which end half-open sockets reach by themselves: none. */
function destroyWhenIdle(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), scaled(1000));
  socket.once('close', () => clearTimeout(timer));
}

async function act(net: Net, log: Log, state: string, action: string, halfOpen: boolean): Promise<void> {
  // The peer takes its time: its end is not to race with the socket's own.
  const server = await serving(net, { allowHalfOpen: true }, (peer) => {
    peer.on('error', () => {}).resume();
    peer.on('end', () => setTimeout(() => peer.end(), scaled(10)));
  });
  const socket = watch(log, 'client', new net.Socket({ allowHalfOpen: halfOpen }));
  destroyWhenIdle(socket);
  await states[state]!(
    socket,
    () => socket.connect(port(server), '127.0.0.1', () => log('client', 'connected')),
    () => actions[action]!(socket, log),
  );
  log('client', fieldsOf(socket));
  server.close();
  await once(server, 'close');
}

for (const state of Object.keys(states)) {
  for (const action of Object.keys(actions)) {
    // Node cannot reset while it shuts down: it emits an error, and then never 'close'.
    if (state === 'after end()' && action.endsWith('resetAndDestroy()')) continue;
    for (const halfOpen of [false, true]) {
      const name = `${action} ${state}${halfOpen ? ', half-open' : ''}`;
      scenario(name, (net, log) => act(net, log, state, action, halfOpen));
    }
  }
}

scenario('fields at each stage', async (net, log) => {
  const server = await serving(net, {}, (peer) => {
    log('server', fieldsOf(peer));
    peer.once('data', (chunk) => {
      log('server', chunk.length, fieldsOf(peer));
      peer.end(chunk, () => log('server', 'finished', fieldsOf(peer)));
    });
    peer.on('close', () => log('server', 'close', fieldsOf(peer)));
  });
  const socket = new net.Socket();
  const note = (stage: string): void => log('client', stage, fieldsOf(socket));
  for (const event of ['lookup', 'connect', 'ready', 'end', 'finish', 'close']) {
    socket.on(event, () => note(event));
  }
  socket.on('data', (chunk: Buffer) => log('client', 'data', chunk.toString(), fieldsOf(socket)));
  note('new');
  socket.connect(port(server), '127.0.0.1');
  note('connecting');
  await once(socket, 'ready');
  socket.write('text');
  await ending(socket);
  note('after close');
  server.close();
  await once(server, 'close');
});

scenario('fields while connecting, with something to write', async (net, log) => {
  const server = await serving(net, {}, (peer) => void peer.pipe(peer));
  const socket = net.connect({ port: port(server), host: '127.0.0.1' });
  for (const data of ['text', Buffer.from('bytes'), 'é']) {
    log('client', socket.write(data), fieldsOf(socket));
  }
  socket.end('16bit', 'utf16le');
  log('client', 'ended', fieldsOf(socket));
  socket.resume();
  await ending(socket);
  log('client', 'closed', fieldsOf(socket));
  server.close();
  await once(server, 'close');
});

scenario('the same socket again', async (net, log) => {
  const server = await serving(net, {}, (peer) => void peer.end('hello'));
  const socket = watch(log, 'client', new net.Socket());
  for (let round = 0; round < 2; round++) {
    socket.connect(port(server), '127.0.0.1', () => log('client', 'connected', fieldsOf(socket)));
    await ending(socket);
    log('client', 'closed', fieldsOf(socket));
  }
  server.close();
  await once(server, 'close');
});
