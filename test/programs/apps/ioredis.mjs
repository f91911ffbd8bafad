// A Redis client. `ioredis.mjs PORT`
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { fact, failure, goneInTheMiddle, hashOf, pattern, portOf, refusedPort } from './facts.mjs';

const at = { host: '127.0.0.1', port: Number(process.argv[2]) };
const large = pattern(16_000_000);
const redis = new Redis(at);
await redis.flushall();

await redis.set('key', 'ä');
fact('get', await redis.get('key'));
await redis.set('large', large);
fact('large', hashOf(await redis.getBuffer('large')) === hashOf(large));
await redis.hset('hash', { a: 1, b: 'two' });
fact('hash', await redis.hgetall('hash'));
fact('missing', await redis.get('no such key'));
fact('error', (await failure(redis.incr('hash'))).message);

const many = await Promise.all(Array.from({ length: 5000 }, (_, i) => redis.set(`many:${i}`, i)));
fact('many', [...new Set(many)]);
const pipeline = redis.pipeline();
for (let i = 0; i < 5000; i++) pipeline.get(`many:${i}`);
fact(
  'pipeline',
  (await pipeline.exec()).every(([error, value], i) => error === null && value === String(i)),
);
fact('transaction', await redis.multi().incr('counter').incrby('counter', 5).exec());
fact('script', await redis.eval('return redis.call("GET", KEYS[1]) .. ARGV[1]', 1, 'key', '!'));
const keys = [];
for await (const some of redis.scanStream({ match: 'many:*', count: 500 })) keys.push(...some);
fact('scanned', new Set(keys).size);

const subscriber = new Redis(at);
const messages = [];
await subscriber.subscribe('news');
subscriber.on('message', (_channel, text) => messages.push(Number(text)));
for (let i = 0; i < 1000; i++) void redis.publish('news', String(i));
while (messages.length < 1000) await once(subscriber, 'message');
fact(
  'published',
  messages.every((value, index) => value === index),
);

const clients = Array.from({ length: 50 }, () => new Redis(at));
await Promise.all(clients.map((client) => client.incr('together')));
fact('clients', await redis.get('together'));
await Promise.all(clients.map((client) => client.quit()));

// A blocking command is answered by another client's.
const blocked = subscriber.duplicate();
const popped = blocked.blpop('list', 10);
await once(blocked, 'ready');
await redis.rpush('list', 'item');
fact('blocked', await popped);

// The server closes the connection; the client comes back, with its subscriptions.
const events = [];
for (const event of ['close', 'reconnecting', 'ready']) subscriber.on(event, () => events.push(event));
await redis.client('KILL', 'TYPE', 'pubsub');
await once(subscriber, 'ready');
// Subscribed again only then.
while ((await redis.publish('news', '1000')) === 0) continue;
while (messages.at(-1) !== 1000) await once(subscriber, 'message');
fact('cut', events);

const gone = await goneInTheMiddle();
const tryOnce = { ...at, retryStrategy: null, maxRetriesPerRequest: 0, lazyConnect: true };
for (const [name, port] of [
  ['refused', refusedPort],
  ['gone', portOf(gone)],
]) {
  const client = new Redis({ ...tryOnce, port });
  const errors = [];
  client.on('error', (error) => errors.push(error.message));
  fact(name, { failure: await failure(client.connect()), errors });
}
gone.close();

// Cut off while an answer is waited for.
const last = new Redis(tryOnce);
await last.connect();
const never = failure(last.blpop('never', 0));
while (!/cmd=blpop/.test(await redis.client('LIST'))) continue;
await Promise.all([subscriber.quit(), blocked.quit()]);
await redis.client('KILL', 'TYPE', 'normal');
fact('never', await never);

fact('quit', await redis.quit());
fact('after the end', await failure(redis.get('key')));
