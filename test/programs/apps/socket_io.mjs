// A socket.io server and its clients: polling, upgraded to a WebSocket, and a WebSocket at once.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { fact, hashOf, pattern, portOf, refusedPort } from './facts.mjs';

const large = pattern(8_000_000);
const http = createServer();
const server = new Server(http, { maxHttpBufferSize: 1e8, pingInterval: 200, pingTimeout: 30_000 });
await once(http.listen(0, '127.0.0.1'), 'listening');
const url = `http://127.0.0.1:${portOf(http)}`;

server.use((socket, next) => next(socket.handshake.auth.name === 'stranger' ? new Error('who?') : undefined));
server.on('connection', (socket) => {
  socket.join(socket.handshake.auth.room ?? 'none');
  socket.on('echo', (value, answer) => answer(value));
  socket.on('tell', (room, text) => socket.to(room).emit('told', text));
  socket.on('cut', () => socket.conn.close());
});

const open = [];
async function connect(transports, auth = {}) {
  const socket = io(url, { transports, auth, forceNew: true, reconnection: false });
  open.push(socket);
  await once(socket, 'connect');
  return socket;
}

for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
  const name = transports.join('+');
  const socket = await connect(transports);
  if (transports.length > 1 && socket.io.engine.transport.name === 'polling') {
    await once(socket.io.engine, 'upgrade');
  }
  fact(`${name} transport`, socket.io.engine.transport.name);
  fact(`${name} echo`, await socket.emitWithAck('echo', { list: [1, null, 'ä'] }));
  fact(`${name} large`, hashOf(await socket.emitWithAck('echo', large)) === hashOf(large));
  const order = await Promise.all(Array.from({ length: 500 }, (_, i) => socket.emitWithAck('echo', i)));
  fact(
    `${name} in order`,
    order.every((value, index) => value === index),
  );
  // Longer than a ping's interval: the connection is kept.
  await once(socket.io.engine, 'ping').catch(() => {});
  fact(`${name} connected`, socket.connected);
  socket.disconnect();
}

const room = await Promise.all(
  Array.from({ length: 60 }, (_, i) => connect(i % 2 ? ['polling'] : ['websocket'], { room: 'a' })),
);
const told = Promise.all(room.slice(1).map((socket) => once(socket, 'told')));
room[0].emit('tell', 'a', 'to the room');
fact('room', [...new Set((await told).flat())]);

const stranger = io(url, { auth: { name: 'stranger' }, forceNew: true });
open.push(stranger);
fact('stranger', (await once(stranger, 'connect_error'))[0].message);
const refused = io(`http://127.0.0.1:${refusedPort}`, { forceNew: true, reconnection: false });
fact('refused', String((await once(refused, 'connect_error'))[0]));

// Cut off, and there again.
const again = io(url, { transports: ['websocket'], forceNew: true, reconnectionDelay: 10 });
open.push(again);
await once(again, 'connect');
again.emit('cut');
fact('cut', (await once(again, 'disconnect'))[0]);
await once(again, 'connect');
fact('reconnected', await again.emitWithAck('echo', 'here again'));

const ends = Promise.all(room.map((socket) => once(socket, 'disconnect')));
again.io.reconnection(false);
await server.close();
fact('ends', (await ends).length);
for (const socket of open) socket.close();
