// Diagnostics channels: as with node:net. They are the process's: nothing else runs beside this.
import diagnosticsChannel from 'node:diagnostics_channel';
import { once } from 'node:events';
import { describe, ending, port, scenario, type Log } from './scenarios.js';

async function published(log: Log, act: () => Promise<void>): Promise<void> {
  const names = [
    ...['net.client.socket', 'net.server.socket'],
    ...['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map(
      (stage) => `tracing:net.server.listen:${stage}`,
    ),
  ];
  const listeners = names.map((name) => {
    const listener = (message: unknown): void => {
      const shown: Record<string, unknown> = {};
      for (const [key, value] of Object.entries(message as object)) {
        shown[key] = value instanceof Error ? describe(value) : typeof value;
      }
      log(name, shown);
    };
    diagnosticsChannel.subscribe(name, listener);
    return () => diagnosticsChannel.unsubscribe(name, listener);
  });
  try {
    await act();
  } finally {
    for (const unsubscribe of listeners) unsubscribe();
  }
}

scenario('diagnostics channels', async (net, log) => {
  await published(log, async () => {
    const server = net.createServer((peer) => void peer.end());
    server.listen({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const socket = net.connect(port(server), '127.0.0.1');
    log('called');
    await ending(socket.resume());
    const own = new net.Socket();
    log('made');
    own.connect(port(server), '127.0.0.1');
    await ending(own.resume());
    const taken = net.createServer().listen(port(server), '127.0.0.1');
    await once(taken, 'error');
    server.close();
    await once(server, 'close');
  });
});
