// What the programs share: saying what happened, a line of JSON each, and making and checking bytes.
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { once } from 'node:events';

export const fact = (name, value) => console.log(JSON.stringify({ [name]: value }));

/** Nobody listens there. */
export const refusedPort = 2;

/** Bytes that are different everywhere, so that a chunk in the wrong place shows. */
export function pattern(bytes, seed = 1) {
  const out = Buffer.allocUnsafe(bytes);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}

export const hashOf = (data) => createHash('sha1').update(data).digest('hex');

/** An error as a program sees it. */
export const shown = (error) => ({
  name: error.name,
  code: error.code,
  syscall: error.syscall,
  message: error.message,
  cause: error.cause && shown(error.cause),
});

/** What a promise is rejected with. */
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return shown(error);
  }
  throw new Error('it should have failed');
}

export const portOf = (server) => server.address().port;

/** A server that reads a little of each connection and closes it: gone in the middle of whatever was begun. */
export async function goneInTheMiddle(afterBytes = 1) {
  const server = createServer((socket) => {
    let bytes = 0;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes >= afterBytes) socket.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
