// A worker of the clusters in cluster_primary.ts. NET says whose net it uses, HOW what it does.
import cluster from 'node:cluster';
import { readdirSync } from 'node:fs';
import type nodeNet from 'node:net';

const { default: net } = (await import(process.env.NET!)) as { default: typeof nodeNet };
const how = JSON.parse(process.env.HOW!) as {
  listen: nodeNet.ListenOptions;
  hold?: boolean;
  maxConnections?: number;
  closeAfter?: number;
};
const send = (...entry: unknown[]): unknown => process.send!(entry);

let accepted = 0;
const server = net.createServer((socket) => {
  socket.on('error', () => {});
  // The class tells who serves it.
  socket.write(
    `${cluster.worker!.id} ${(socket as unknown as { _handle: object })._handle.constructor.name} `,
  );
  if (how.hold) socket.pipe(socket);
  else socket.on('data', () => {}).end(`${socket.localFamily}`);
  if (++accepted === how.closeAfter) server.close(() => send('closed'));
});
if (how.maxConnections !== undefined) server.maxConnections = how.maxConnections;
server.on('drop', () => send('drop'));
server.on('listening', () => {
  const address = server.address();
  send('listening', typeof address === 'string' ? address : { ...address, port: null }, server.listening);
});
server.on('error', (error: NodeJS.ErrnoException & { port?: number; address?: string }) => {
  const { message, code, syscall, address, port } = error;
  send('error', message.replace(/:\d+$/, ''), code, syscall, address, typeof port);
});
cluster.worker!.on('listening', (address) => send('worker listening', Object.keys(address)));
server.listen(how.listen);

process.on('message', (what) => {
  if (what === 'descriptors') send('descriptors', readdirSync('/proc/self/fd').length);
  if (what === 'close') server.close(() => send('closed'));
  if (what === 'disconnect') cluster.worker!.disconnect();
});
