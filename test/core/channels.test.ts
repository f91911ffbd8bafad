// diagnostics_channel: ringcore.submit and ringcore.complete.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { net, readFile } from 'ringcore';
import {
  chain,
  nop,
  openat,
  read,
  Ring,
  ring,
  sleep,
  timeout,
  timeoutMultishot,
  type OperationMessage,
} from 'ringcore/core';
import { makePipe, multishotTimers, rejection } from './support.js';

// Before the first test begins: it is an operation itself.
const timersOrSkip = await multishotTimers();

/** What is published on a channel until the test ends; each message as it was then. */
function watch(t: Test, name: string, onMessage?: (message: OperationMessage) => void): OperationMessage[] {
  const messages: OperationMessage[] = [];
  const listener = (message: unknown): void => {
    messages.push({ ...(message as OperationMessage) });
    onMessage?.(message as OperationMessage);
  };
  subscribe(name, listener);
  t.teardown(() => unsubscribe(name, listener));
  return messages;
}

t.test('an operation is told of twice, by one object', async (t) => {
  const seen = new Set<OperationMessage>();
  const submitted = watch(t, 'ringcore.submit', (message) => seen.add(message));
  const completed = watch(t, 'ringcore.complete', (message) => t.ok(seen.has(message)));
  const fd = await openat('/etc/hostname');
  t.equal(submitted.length, 1);
  t.match(submitted[0], {
    kind: 'openat',
    path: '/etc/hostname',
    result: undefined,
    endedMs: undefined,
    ring: ring(),
  });
  t.match(completed[0], { kind: 'openat', path: '/etc/hostname', result: fd, error: undefined, more: false });
  t.ok(completed[0]!.endedMs! >= submitted[0]!.startedMs);
  const { code } = await rejection(read(fd + 1000, Buffer.alloc(1)));
  t.match(submitted[1], { kind: 'read', fd: fd + 1000, path: undefined });
  t.match(completed[1], { result: -9, error: code });
});

t.test('every result of a multishot is told, the last one as the last', timersOrSkip, async (t) => {
  const completed = watch(t, 'ringcore.complete');
  for await (const tick of timeoutMultishot(1)) if (tick === 3) break;
  await nop();
  const ticks = completed.filter(({ kind }) => kind === 'timeoutMultishot');
  t.ok(ticks.length >= 3);
  t.ok(ticks.slice(0, 3).every(({ more }) => more));
});

t.test('it begins in the context of whoever started it', async (t) => {
  const storage = new AsyncLocalStorage<string>();
  const stores: (string | undefined)[] = [];
  watch(t, 'ringcore.submit', () => stores.push(storage.getStore()));
  await Promise.all(['a', 'b'].map((name) => storage.run(name, () => sleep(1))));
  t.strictSame(stores, ['a', 'b']);
});

t.test('the operations of ringcore/fs and ringcore/net are told of too', async (t) => {
  const submitted = watch(t, 'ringcore.submit');
  const completed = watch(t, 'ringcore.complete');
  await readFile('/etc/hostname');
  const server = net.createServer((socket) => socket.end('x')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1').resume();
  await once(socket, 'close');
  server.close();
  await once(server, 'close');
  for (const messages of [submitted, completed]) {
    const kinds = new Set(messages.map(({ kind }) => kind));
    for (const kind of ['readFile', 'acceptMultishot', 'connect', 'send', 'close'])
      t.ok(kinds.has(kind), kind);
    t.ok([...kinds].some((kind) => kind.startsWith('recv') || kind === 'poll'));
  }
});

t.test('who comes late hears of what is in flight when it ends', async (t) => {
  const [reader, writer] = await makePipe(t);
  const buffer = Buffer.alloc(1);
  const pending = read(reader, buffer).submit();
  const completed = watch(t, 'ringcore.complete');
  writeSync(writer, 'x');
  t.equal(await pending, 1);
  const reads = completed.filter(({ kind }) => kind === 'read');
  t.match(reads, [{ kind: 'read', fd: reader, path: undefined, result: 1 }]);
});

t.test('an exception of a subscriber reaches uncaughtException and nobody else', async (t) => {
  const expected = new Error('expected');
  watch(t, 'ringcore.complete', () => {
    throw expected;
  });
  const uncaught = t.capture(process, 'emit', (name: string) => name === 'uncaughtException');
  await nop();
  await new Promise((resolve) => setImmediate(resolve));
  t.ok(uncaught().some(({ args }) => args[0] === 'uncaughtException' && args[1] === expected));
});

t.test('the next operation in a slot is not taken for one that ended unheard', async (t) => {
  const ignored = (): void => {};
  subscribe('ringcore.submit', ignored);
  const first = sleep(1);
  unsubscribe('ringcore.submit', ignored);
  await first;
  const [reader, writer] = await makePipe(t);
  const pending = read(reader, Buffer.alloc(1)).submit();
  const completed = watch(t, 'ringcore.complete');
  writeSync(writer, 'x');
  await pending;
  t.match(completed, [{ kind: 'read', fd: reader }]);
});

// Shown to fail: `describeOperation` answering nothing while the ring closes.
t.test('what a closing ring ends is told of, and settles', async (t) => {
  const closing = Ring.open({ entries: 8 });
  const pending = [1, 2, 3].map(() => rejection(timeout(60_000, { ring: closing })));
  await nop({ ring: closing });
  const completed = watch(t, 'ringcore.complete');
  closing.close();
  t.match(await Promise.all(pending), Array(3).fill({ code: 'ECANCELED' }));
  t.match(completed, Array(3).fill({ kind: 'timeout', error: 'ECANCELED', ring: closing }));
});

// Shown to fail: each member of a chain told of before the next one is known.
t.test('who hears of a chain’s first member may close the ring', async (t) => {
  const closing = Ring.open({ entries: 8 });
  watch(t, 'ringcore.submit', ({ ring }) => ring.close());
  const members = [timeout(60_000, { ring: closing }), nop(), nop()];
  const running = rejection(chain(members));
  const left = Promise.all(members.map((member) => member.released));
  t.strictSame(await left, [-125, -125, -125]);
  t.match(await running, { name: 'ChainError', code: 'ECANCELED' });
});
