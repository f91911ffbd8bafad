/** Servers on 127.0.0.1 that echo, in two ways, read only, or answer HTTP. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { echo } from './echo.js';
import { loadNet } from './implementation.js';
import { spec, tell } from './protocol.js';
import { reportWhenAsked } from './report.js';
import { sink } from './sink.js';

export const hello = 'hello world\n';
const net = await loadNet();

async function echoIterating(socket: Socket): Promise<void> {
  try {
    for await (const chunk of socket) {
      if (!socket.write(chunk as Buffer)) await once(socket, 'drain');
    }
  } catch {
    // The load generator notices.
  }
}

function httpServer(): Server {
  const server = createHttpServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': hello.length });
    response.end(hello);
  });
  if (spec.implementation === 'node') return server;
  return net.createServer((socket) => server.emit('connection', socket));
}

const modes: Record<string, () => Server> = {
  echo: () => net.createServer({ noDelay: true }, echo),
  forAwait: () => net.createServer({ noDelay: true }, (socket) => void echoIterating(socket)),
  sink: () => net.createServer({ allowHalfOpen: true }, sink),
  http: httpServer,
};

const server = modes[spec.mode ?? '']?.();
if (!server) throw new Error(`no server ${spec.mode}`);

reportWhenAsked();
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  tell({ type: 'ready', port: (server.address() as AddressInfo).port });
});
