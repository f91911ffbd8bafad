// A WebSocket server and its clients.
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { fact, goneInTheMiddle, hashOf, pattern, portOf, refusedPort, shown } from './facts.mjs';

const large = pattern(16_000_000);
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 1000 } });
await once(server, 'listening');
const url = `ws://127.0.0.1:${portOf(server)}`;
const others = (socket) => [...server.clients].filter((client) => client !== socket);

server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => {
    const text = isBinary ? undefined : data.toString();
    if (text === 'all') for (const client of others(socket)) client.send('to all');
    else if (text === 'cut') socket.terminate();
    else if (text === 'enough') socket.close(4000, 'enough');
    else socket.send(data, { binary: isBinary });
  });
});

async function connect(options) {
  const socket = new WebSocket(url, options);
  await once(socket, 'open');
  return socket;
}
const exchange = async (socket, message) => {
  socket.send(message);
  return (await once(socket, 'message'))[0];
};
const closing = async (socket) => {
  const [code, reason] = await once(socket, 'close');
  return [code, String(reason)];
};

for (const perMessageDeflate of [true, false]) {
  const socket = await connect({ perMessageDeflate });
  fact('text', String(await exchange(socket, 'hello, ä')));
  fact('large', hashOf(await exchange(socket, large)) === hashOf(large));
  socket.ping('are you there');
  fact('pong', String((await once(socket, 'pong'))[0]));
  // In order, however many are under way.
  const received = [];
  socket.on('message', (data) => received.push(Number(data)));
  for (let i = 0; i < 2000; i++) socket.send(String(i));
  while (received.length < 2000) await once(socket, 'message');
  fact(
    'in order',
    received.every((value, index) => value === index),
  );
  socket.close(1000, 'done');
  fact('closed', await closing(socket));
}

const clients = await Promise.all(Array.from({ length: 200 }, () => connect()));
const answers = await Promise.all(clients.map((socket, i) => exchange(socket, `I am ${i}`)));
fact(
  'many',
  answers.every((data, i) => String(data) === `I am ${i}`),
);
const [first, ...rest] = clients;
const told = Promise.all(rest.map((socket) => once(socket, 'message')));
first.send('all');
fact('broadcast', (await told).length);

first.send('cut');
fact('cut', await closing(first));
rest[0].send('enough');
fact('enough', await closing(rest[0]));

const failing = async (port) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  const errors = [];
  socket.on('error', (error) => errors.push(shown(error)));
  const code = await new Promise((resolve) => socket.on('close', resolve));
  return { code, errors };
};
fact('refused', await failing(refusedPort));
for (const leave of ['end', 'resetAndDestroy']) {
  const gone = await goneInTheMiddle(leave);
  fact(leave, await failing(portOf(gone)));
  gone.close();
}

// The server says good bye to all that are left.
const ends = Promise.all(rest.slice(1).map(closing));
for (const client of server.clients) client.close(1001, 'going away');
fact('going away', [...new Set((await ends).map(String))]);
server.close(() => fact('server closed', true));
