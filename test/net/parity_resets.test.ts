// Resets that come while much is being written: as with node:net. The kernel tells one operation of a reset; to others it
// looks like the peer's end.
import { once } from 'node:events';
import nodeNet from 'node:net';
import { ending, port, scenario, serving, type Log, type Net } from './scenarios.js';
import { sleep } from './support.js';

const bytes = 8 * 1024 * 1024;
const written = { bytes: Buffer.alloc(bytes), text: 'x'.repeat(bytes) };

/** A connection that has a write in flight, of which the peer, node's, reads nothing; both have sent. */
async function writing(
  net: Net,
  log: Log,
  what: keyof typeof written,
  options: nodeNet.ServerOpts = {},
): Promise<{ socket: nodeNet.Socket; peer: nodeNet.Socket; close: () => Promise<void> }> {
  const server = await serving(net, { allowHalfOpen: true, ...options });
  const peer = nodeNet.connect({ port: port(server), host: '127.0.0.1', allowHalfOpen: true }).pause();
  const [[socket]] = (await Promise.all([once(server, 'connection'), once(peer, 'connect')])) as [
    [nodeNet.Socket],
    unknown,
  ];
  peer.on('error', () => {}).write('half of it');
  socket.on('close', () => log('server', 'close', socket.bytesRead));
  socket.write(written[what]);
  await sleep(20);
  return {
    socket,
    peer,
    async close() {
      if (!socket.closed) await ending(socket);
      server.close();
      await once(server, 'close');
    },
  };
}

for (const what of ['bytes', 'text'] as const) {
  scenario(`a reset while ${what} are written is no end`, async (net, log) => {
    for (let round = 0; round < 4; round++) {
      const { socket, peer, close } = await writing(net, log, what);
      // Whether the read or the write hears of it is not known.
      socket.resume().on('error', ({ code }: NodeJS.ErrnoException) => log('server', 'error', code));
      socket.on('end', () => log('server', 'end'));
      await sleep(5);
      peer.resetAndDestroy();
      await close();
    }
  });

  scenario(`a reset while ${what} are written, and nothing is read`, async (net, log) => {
    const { socket, peer, close } = await writing(net, log, what, { pauseOnConnect: true });
    socket.on('error', ({ message }) => log('server', 'error', message));
    peer.resetAndDestroy();
    await close();
  });

  scenario(`an orderly end while ${what} are written`, async (net, log) => {
    const { socket, peer, close } = await writing(net, log, what);
    socket.resume().on('drain', () => log('server', 'drain'));
    peer.end();
    await once(socket, 'end');
    log('server', 'end');
    peer.resume();
    await once(socket, 'drain');
    socket.end();
    await close();
  });

  scenario(`an end, and right behind it a reset, while ${what} are written`, async (net, log) => {
    const { socket, peer, close } = await writing(net, log, what);
    // 'end' comes before, or not at all: the write may be told first.
    socket.resume().on('error', ({ message }) => log('server', 'error', message));
    // There is something that it has not read: its FIN has gone, and a reset goes now.
    peer.end(() => peer.destroy());
    await close();
  });
}
