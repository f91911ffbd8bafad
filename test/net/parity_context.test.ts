// Async context, rejections and encodings: as with node:net.
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter, once } from 'node:events';
import nodeNet from 'node:net';
import { scaled } from '../slowness.js';
import { closedPort, describe, ending, port, scenario, type Log, type Net } from './scenarios.js';
import { sleep } from './support.js';

const storage = new AsyncLocalStorage<string>();

/** Notes the context of each event. */
function contexts(log: Log, name: string, emitter: EventEmitter, events: string[]): void {
  for (const event of events) emitter.on(event, () => log(name, event, storage.getStore()));
}

const socketEvents = [
  ...['lookup', 'connectionAttempt', 'connect', 'ready', 'data', 'end', 'finish', 'drain'],
  ...['timeout', 'error', 'close'],
];

const lookup = ((_host: string, options: { all?: boolean }, callback: (...args: unknown[]) => void) => {
  setImmediate(() => {
    if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
    else callback(null, '127.0.0.1', 4);
  });
}) as unknown as nodeNet.LookupFunction;

scenario('the context of every event', async (net, log) => {
  const server = storage.run('made', () => net.createServer());
  contexts(log, 'server', server, ['listening', 'connection', 'close']);
  server.on('connection', (peer) => {
    // In how many pieces the data comes is the kernel's affair.
    contexts(
      log,
      'peer',
      peer,
      socketEvents.filter((event) => event !== 'data'),
    );
    peer.once('data', () => log('peer', 'data', storage.getStore()));
  });
  storage.run('listening', () => server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const socket = storage.run('client', () => net.connect({ port: port(server), host: 'x', lookup }));
  contexts(log, 'client', socket, socketEvents);
  await storage.run('waiting', () => once(socket, 'connect'));
  socket.resume();
  storage.run('writing', () => {
    // Calls back early where it goes at once: the context is the same.
    socket.write(Buffer.alloc(8 * 1024 * 1024), () => log('writing', storage.getStore()));
  });
  await once(socket, 'drain');
  storage.run('waiting', () => socket.setTimeout(20));
  await once(socket, 'timeout');
  storage.run('ending', () => socket.end(() => log('ending', storage.getStore())));
  await ending(socket);
  storage.run('closing', () => server.close(() => log('closing', storage.getStore())));
  await once(server, 'close');
});

scenario('the context of errors', async (net, log) => {
  const server = net.createServer((peer) => {
    peer.on('error', () => {});
    peer.once('data', () => peer.resetAndDestroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const reset = storage.run('reset', () => net.connect(port(server), '127.0.0.1'));
  contexts(log, 'reset', reset, ['error', 'close']);
  reset.resume().write('x');
  await ending(reset);
  const taken = net.createServer();
  contexts(log, 'taken', taken, ['error']);
  storage.run('taken', () => taken.listen(port(server), '127.0.0.1'));
  await once(taken, 'error');
  server.close();
  await once(server, 'close');
  const nobody = await closedPort();
  const refused = storage.run('refused', () => net.connect(nobody, '127.0.0.1'));
  contexts(log, 'refused', refused, ['connectionAttemptFailed', 'error', 'close']);
  await ending(refused);
});

async function rejecting(net: Net, log: Log, event: string): Promise<void> {
  const server = net.createServer((peer) => {
    peer.on('error', () => {}).resume();
    peer.write('x');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = net.connect(port(server), '127.0.0.1');
  const reject: () => unknown = () => Promise.reject(new RangeError(event));
  socket.on(event, reject);
  socket.on('error', (error) => log(event, 'error', describe(error)));
  socket.on('close', (hadError) => log(event, 'close', hadError));
  setTimeout(() => socket.end(), scaled(30));
  await ending(socket.resume());
  server.close();
  await once(server, 'close');
}

scenario('captureRejections of sockets', async (net, log) => {
  EventEmitter.captureRejections = true;
  try {
    for (const event of ['connect', 'ready', 'data']) await rejecting(net, log, event);
  } finally {
    EventEmitter.captureRejections = false;
  }
});

scenario('setEncoding: characters that are cut in pieces', async (net, log) => {
  const text = 'aé€😀'.repeat(3);
  const server = net.createServer((peer) => {
    void (async () => {
      for (const byte of Buffer.from(text)) {
        peer.write(Buffer.from([byte]));
        await sleep(1);
      }
      peer.end(Buffer.from([0xe2, 0x82]));
    })();
  });
  server.listen(`\0ringcore-encoding-${process.pid}-${net === nodeNet}`);
  await once(server, 'listening');
  const socket = net.connect({ path: server.address() as string }).setEncoding('utf8');
  let seen = '';
  socket.on('data', (chunk: string) => (seen += chunk));
  await ending(socket);
  log('client', seen, socket.bytesRead, socket.readableEncoding);
  server.close();
  await once(server, 'close');
});
