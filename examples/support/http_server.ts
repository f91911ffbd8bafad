// node's HTTP server over ringcore's sockets: it takes any Duplex stream that its 'connection' event brings.
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { isIPv6, type AddressInfo } from 'node:net';
import process from 'node:process';
import { createServer, type Socket } from 'ringcore';

/** Listens for `app`, which never listens itself, until the first SIGINT or SIGTERM; resolves when all is closed. */
export async function serve(app: Server, port: number, host: string): Promise<void> {
  const connections = new Connections(app);
  // As node's own HTTP server has its sockets: it ends its side itself, and small answers do not wait for more.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    connections.add(socket);
    app.emit('connection', socket);
  });
  server.listen(port, host);
  await once(server, 'listening');
  // With this event node's server begins to watch for clients that never finish a request (headersTimeout, requestTimeout).
  app.emit('listening');
  const bound = server.address() as AddressInfo;
  const name = isIPv6(bound.address) ? `[${bound.address}]` : bound.address;
  console.log(`listening on http://${name}:${bound.port}/`);

  // Once: a second Ctrl-C ends it, whoever is still being answered.
  const close = (): void => {
    server.close();
    connections.close();
  };
  process.once('SIGINT', close);
  process.once('SIGTERM', close);
  await once(server, 'close');
  process.off('SIGINT', close);
  process.off('SIGTERM', close);
}

/** Which connections are being answered, so that the others can be closed. */
class Connections {
  readonly #answering = new Map<Socket, number>();
  #closing = false;

  constructor(app: Server) {
    app.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      const socket = request.socket;
      this.#change(socket, 1);
      // Says `Connection: close`.
      if (this.#closing) response.shouldKeepAlive = false;
      response.once('close', () => this.#change(socket, -1));
    });
  }

  add(socket: Socket): void {
    this.#answering.set(socket, 0);
    socket.once('close', () => this.#answering.delete(socket));
  }

  /** Closes those without a request now, the others behind their answers. */
  close(): void {
    this.#closing = true;
    for (const socket of this.#answering.keys()) this.#change(socket, 0);
  }

  #change(socket: Socket, by: number): void {
    const count = this.#answering.get(socket);
    if (count === undefined) return;
    this.#answering.set(socket, count + by);
    // Soon: when what was written has been sent.
    if (this.#closing && count + by === 0) socket.destroySoon();
  }
}
