// One accept request, many connections: `for await` over acceptMultishot() of ringcore/core.
import {
  acceptMultishot,
  bind,
  chain,
  close,
  constants,
  listen,
  localAddress,
  recv,
  send,
  setsockopt,
  shutdown,
  socket,
  type InternetAddress,
} from 'ringcore/core';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { codeOf, run } from './support/run.js';

const { AF_INET, AF_INET6, MSG_WAITALL, SHUT_WR, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET } = constants;

async function listenOn(address: string, port: number): Promise<number> {
  const fd = await socket(address.includes(':') ? AF_INET6 : AF_INET, SOCK_STREAM);
  try {
    // Our own connections, closed and still in TIME_WAIT, do not keep the port from us.
    await setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, true);
    await bind(fd, { address, port });
    await listen(fd);
    return fd;
  } catch (error) {
    await close(fd);
    throw error;
  }
}

/** Tells a connection its number, and closes it. */
async function greet(fd: number, number: number): Promise<void> {
  try {
    const text = Buffer.from(`you are connection ${number}\n`);
    await chain([send(fd, text, { msgFlags: MSG_WAITALL }), shutdown(fd, SHUT_WR)]);
    // Closing a socket that has unread data resets the connection, and the peer may lose our text: read to its end, but
    // do not wait for ever.
    const buffer = Buffer.allocUnsafe(4096);
    const signal = AbortSignal.timeout(1000);
    while ((await recv(fd, buffer, { signal })) > 0);
  } catch {
    // The peer has reset the connection, or it does not end its side. Both are its own affair.
  } finally {
    await close(fd);
  }
}

await run('multishot_accept', async () => {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '7008' },
      host: { type: 'string', default: '127.0.0.1' },
      connections: { type: 'string', default: 'Infinity' },
    },
  });
  const limit = Number(values.connections);
  if (!(limit >= 1)) throw new Error('usage: multishot_accept [--port N] [--host ADDRESS] [--connections N]');

  const listener = await listenOn(values.host, Number(values.port));
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());

  const accepted = acceptMultishot(listener, { signal: stop.signal });
  const greetings = new Set<Promise<void>>();
  let count = 0;
  try {
    const { address, port } = localAddress(listener) as InternetAddress;
    console.log(`listening on ${address}:${port}; try: nc ${address} ${port}`);
    for await (const fd of accepted) {
      const greeting = greet(fd, ++count);
      greetings.add(greeting);
      void greeting.finally(() => greetings.delete(greeting));
      // Leaving the loop cancels the request in the kernel, and closes the connections that nobody has taken.
      if (count >= limit) break;
    }
  } catch (error) {
    if (codeOf(error) !== 'ABORT_ERR') throw error;
  } finally {
    await close(listener);
    await Promise.all(greetings);
  }
  console.log(
    `${count} connections by ${accepted.armings} accept request${accepted.armings === 1 ? '' : 's'}`,
  );
});
