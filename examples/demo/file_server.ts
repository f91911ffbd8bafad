// An HTTP/1.1 server for a few files, on nothing but connections and streams.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { createReadStream, createServer, stat, type Server, type Socket } from 'ringcore';

/** The longest request that is read. */
const headLimit = 16 * 1024;

export interface FileServer {
  port: number;
  /** Stops listening; resolves when the accept loop has ended. */
  close(): Promise<void>;
}

/** Serves the files of the map, which has their paths by what comes after the host in a URL (`/name`). */
export async function startFileServer(files: ReadonlyMap<string, string>): Promise<FileServer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const served = acceptAll(server, files);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      await served;
    },
  };
}

/** One multishot accept brings all connections, until the server is closed. */
async function acceptAll(server: Server, files: ReadonlyMap<string, string>): Promise<void> {
  for await (const socket of server) {
    socket.on('error', () => {}); // a peer that went away
    answer(socket, files).catch(() => socket.destroy());
  }
}

async function answer(socket: Socket, files: ReadonlyMap<string, string>): Promise<void> {
  const path = files.get(targetOf(await readHead(socket)));
  if (path === undefined) {
    socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return;
  }
  const { size } = await stat(path);
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`);
  // Reads no faster than the socket sends, and ends with its FIN.
  await pipeline(createReadStream(path), socket);
}

/** Everything up to the empty line that ends a request without a body. */
async function readHead(socket: Socket): Promise<string> {
  let head = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    head += (chunk as Buffer).toString('latin1');
    if (head.includes('\r\n\r\n')) return head;
    if (head.length > headLimit) break;
  }
  throw new Error('that is no request');
}

/** `/name` of `GET /name HTTP/1.1`; nothing for other methods. */
function targetOf(head: string): string {
  return /^GET (\S+) HTTP\/1\.1\r\n/.exec(head)?.[1] ?? '';
}
