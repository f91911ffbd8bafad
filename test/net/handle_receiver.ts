// The other process of handles.test.ts: listens with what it is given.
import type nodeNet from 'node:net';
import net from 'ringcore/net';

const server = net.createServer((socket) => {
  const { _handle } = socket as unknown as { _handle: object };
  socket.end(`${_handle.constructor.name} ${process.pid}`);
});
server.on('listening', () => process.send!('listening'));

process.on('message', (message, handle) => {
  if (message === 'listen') server.listen(handle as nodeNet.Server);
  else if (message === 'listen on 4') server.listen({ fd: 4 });
  else server.close(() => process.disconnect());
});
