// The twin of timeout_race on plain node: a connection that never brings anything against a timer.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { codeOf, run } from '../support/run.js';

await run('timeout_race', async () => {
  const { values } = parseArgs({ options: { ms: { type: 'string', default: '100' } } });
  const ms = Number(values.ms);
  if (!(ms >= 1)) throw new Error('usage: timeout_race [--ms N]');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const begin = performance.now();
  const losers = new AbortController();
  const { signal } = losers;
  const winner = await Promise.race([
    once(socket, 'data', { signal }).then(() => 'read'),
    setTimeout(ms, 'sleep', { signal }),
  ]);
  // Only the waiting is cancelled: the kernel never knew of a read. It is the socket that has to be destroyed.
  losers.abort();
  socket.destroy();
  server.close();
  console.log(`${winner} won after ${(performance.now() - begin).toFixed(1)} ms`);
  await once(server, 'close').catch((error: unknown) => {
    if (codeOf(error) !== 'ABORT_ERR') throw error;
  });
});
