// An MQTT client. `mqtt.mjs PORT`
import { once } from 'node:events';
import mqtt from 'mqtt';
import { fact, failure, goneInTheMiddle, hashOf, pattern, portOf, refusedPort, shown } from './facts.mjs';

const url = `mqtt://127.0.0.1:${process.argv[2]}`;
const large = pattern(8_000_000);
const client = await mqtt.connectAsync(url, { clientId: 'one' });
const received = new Map();
let wake = () => {};
client.on('message', (topic, payload) => {
  if (!received.has(topic)) received.set(topic, []);
  received.get(topic).push(payload);
  wake();
});
async function until(condition) {
  while (!condition()) await new Promise((resolve) => (wake = resolve));
}
const count = (topic) => received.get(topic)?.length ?? 0;

fact(
  'subscribed',
  (await client.subscribeAsync(['test/#'], { qos: 2 })).map(({ topic, qos }) => [topic, qos]),
);
for (const qos of [0, 1, 2]) {
  const topic = `test/qos${qos}`;
  await client.publishAsync(topic, `ä ${qos}`, { qos });
  await until(() => count(topic) > 0);
  fact(topic, received.get(topic).map(String));
}
await client.publishAsync('test/large', large, { qos: 1 });
await until(() => count('test/large') > 0);
fact('large', hashOf(received.get('test/large')[0]) === hashOf(large));
await Promise.all(
  Array.from({ length: 2000 }, (_, i) => client.publishAsync('test/many', String(i), { qos: 1 })),
);
await until(() => count('test/many') >= 2000);
fact(
  'many',
  received.get('test/many').every((payload, index) => Number(payload) === index),
);

const clients = await Promise.all(
  Array.from({ length: 50 }, (_, i) => mqtt.connectAsync(url, { clientId: `c${i}` })),
);
await Promise.all(clients.map((one, i) => one.publishAsync('test/clients', String(i), { qos: 1 })));
await until(() => count('test/clients') >= 50);
fact('clients', new Set(received.get('test/clients').map(String)).size);
await Promise.all(clients.map((one) => one.endAsync()));

// What is kept for those who come later, and what is said of who went without a word.
await client.publishAsync('kept/news', 'old', { retain: true, qos: 1 });
const later = await mqtt.connectAsync(url, {
  clientId: 'later',
  will: { topic: 'test/will', payload: Buffer.from('went without a word'), qos: 1, retain: false },
  reconnectPeriod: 0,
});
const kept = once(later, 'message');
await later.subscribeAsync('kept/#');
const [topic, payload, { retain }] = await kept;
fact('kept', [topic, String(payload), retain]);
later.stream.destroy();
await until(() => count('test/will') > 0);
fact('will', received.get('test/will').map(String));
await client.publishAsync('kept/news', '', { retain: true, qos: 1 });

// The broker closes the connection of one whose name another takes; this one comes back when that one has gone.
const events = [];
for (const event of ['close', 'reconnect', 'connect']) client.on(event, () => events.push(event));
client.options.reconnectPeriod = 50;
const closed = once(client, 'close');
const other = await mqtt.connectAsync(url, { clientId: 'one', reconnectPeriod: 0 });
await closed;
const [again] = [once(client, 'connect')];
await other.endAsync();
await again;
fact('cut', events);
await client.publishAsync('test/again', 'here again', { qos: 1 });
await until(() => count('test/again') > 0);
fact('again', received.get('test/again').map(String));

const quick = { reconnectPeriod: 0, connectTimeout: 5000 };
fact('refused', await failure(mqtt.connectAsync(`mqtt://127.0.0.1:${refusedPort}`, quick)));
const gone = await goneInTheMiddle();
const hungUp = mqtt.connect(`mqtt://127.0.0.1:${portOf(gone)}`, quick);
const errors = [];
hungUp.on('error', (error) => errors.push(shown(error)));
await once(hungUp, 'close');
fact('gone', errors);
gone.close();

await client.endAsync();
fact('ended', !client.connected);
fact('after the end', await failure(client.publishAsync('test/late', 'too late')));
