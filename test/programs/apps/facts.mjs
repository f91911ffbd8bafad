// What the programs share: saying what happened, a line of JSON each, and making and checking bytes. (test/shared is
// compiled; this is not.)
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

/**
 * A server that reads something of each connection and ends it: gone in the middle of what was begun. `leave` may be
 * 'resetAndDestroy'. It reads on to the end, or else what comes late would make a reset of an end now and then.
 */
export async function goneInTheMiddle(leave = 'end') {
  const server = createServer((socket) => {
    socket
      .on('error', () => {})
      .once('data', () => socket[leave]())
      .resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
