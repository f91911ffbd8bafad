// A gRPC server and its client: HTTP/2 over this process's own connections.
import { once } from 'node:events';
import grpc from '@grpc/grpc-js';
import { fact, goneInTheMiddle, hashOf, pattern, portOf, refusedPort } from './facts.mjs';

const large = pattern(12_000_000);
const method = (name, requestStream, responseStream) => ({
  path: `/test.Service/${name}`,
  requestStream,
  responseStream,
  requestSerialize: (value) => value,
  requestDeserialize: (value) => value,
  responseSerialize: (value) => value,
  responseDeserialize: (value) => value,
});
const service = {
  echo: method('Echo', false, false),
  fail: method('Fail', false, false),
  slow: method('Slow', false, false),
  never: method('Never', false, false),
  count: method('Count', false, true),
  gather: method('Gather', true, false),
  chat: method('Chat', true, true),
};
const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
let began;
const slowBegan = new Promise((resolve) => (began = resolve));
server.addService(service, {
  echo: (call, done) => done(null, call.request),
  fail: (_call, done) => done({ code: grpc.status.NOT_FOUND, details: 'not here' }),
  slow: (call, done) => {
    began();
    setTimeout(() => done(null, call.request), 300);
  },
  never: () => {},
  count(call) {
    for (let i = 0; i < Number(call.request); i++) call.write(Buffer.from(String(i)));
    call.end();
  },
  gather(call, done) {
    const chunks = [];
    call.on('data', (chunk) => chunks.push(chunk));
    call.on('end', () => done(null, Buffer.from(hashOf(Buffer.concat(chunks)))));
  },
  chat(call) {
    call.on('data', (chunk) => call.write(Buffer.from(`you said ${chunk}`)));
    call.on('end', () => call.end());
  },
});
const credentials = grpc.ServerCredentials.createInsecure();
const port = await new Promise((resolve, reject) => {
  server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port)));
});

const Client = grpc.makeGenericClientConstructor(service, 'Service');
const connect = (port) =>
  new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.enable_retries': 0,
  });
const call = (client, name, message, deadlineMs = 20_000) =>
  new Promise((resolve) => {
    const options = { deadline: Date.now() + deadlineMs };
    client[name](Buffer.from(message), options, (error, value) => {
      resolve(error ? { code: grpc.status[error.code] } : value);
    });
  });

const client = connect(port);
fact('echo', String(await call(client, 'echo', 'hello')));
fact('large', hashOf(await call(client, 'echo', large)) === hashOf(large));
const many = await Promise.all(Array.from({ length: 500 }, (_, i) => call(client, 'echo', `n${i}`)));
fact(
  'many',
  many.every((value, i) => String(value) === `n${i}`),
);
const clients = Array.from({ length: 20 }, () => connect(port));
fact('clients', (await Promise.all(clients.map((one, i) => call(one, 'echo', `c${i}`)))).join());
for (const one of clients) one.close();

const counted = [];
for await (const chunk of client.count(Buffer.from('3000'))) counted.push(Number(chunk));
fact('server stream', counted.length === 3000 && counted.every((value, index) => value === index));
const gathered = await new Promise((resolve, reject) => {
  const stream = client.gather((error, value) => (error ? reject(error) : resolve(String(value))));
  for (let at = 0; at < large.length; at += 100_000) stream.write(large.subarray(at, at + 100_000));
  stream.end();
});
fact('client stream', gathered === hashOf(large));
const chat = client.chat();
const said = [];
for (const word of ['one', 'two', 'three']) {
  chat.write(Buffer.from(word));
  said.push(String((await once(chat, 'data'))[0]));
}
chat.end();
await once(chat, 'end');
fact('both ways', said);

fact('fails', await call(client, 'fail', ''));
fact('late', await call(client, 'never', '', 50));
const refused = connect(refusedPort);
fact('refused', await call(refused, 'echo', '', 5000));
refused.close();
const gone = await goneInTheMiddle();
const hungUp = connect(portOf(gone));
fact('gone', await call(hungUp, 'echo', '', 5000));
hungUp.close();
gone.close();

// What has begun is finished; nothing new begins.
const slow = call(client, 'slow', 'slow but whole');
await slowBegan;
const ended = new Promise((resolve) => server.tryShutdown(resolve));
fact('slow', String(await slow));
client.close();
fact('shut down', (await ended) === undefined);
