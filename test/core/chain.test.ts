import { getEventListeners } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import t from 'tap';
import {
  cancel,
  chain,
  nop,
  openat,
  type Operation,
  read,
  readFixed,
  RegisteredBuffer,
  Ring,
  ring,
  setxattr,
  stats,
  timeout,
  timeoutMultishot,
  write,
} from 'ringcore/core';
import { exception, makePipe, multishotTimers, rejection } from './support.js';

t.test('the values of all members, in order; submitted together', async (t) => {
  const [reader, writer] = await makePipe(t);
  const buffer = Buffer.alloc(3);
  await nop();
  const before = stats();
  const members = [write(writer, Buffer.from('abc')), read(reader, buffer), nop()] as const;
  const [written, count, nothing]: [number, number, void] = await chain(members);
  t.strictSame([written, count, nothing, String(buffer)], [3, 3, undefined, 'abc']);
  t.equal(stats().submitted - before.submitted, 3);
  // One that submits, and perhaps one that fetches a completion.
  t.ok(stats().enters - before.enters <= 2);
  t.equal(await members[0], 3, 'members are promises too');
});

t.test('a failure cancels what follows; the error has the whole story', async (t) => {
  const error = await rejection(chain([nop(), openat('/none'), nop(), nop()]));
  t.match(error, { name: 'ChainError', code: 'ENOENT', message: /Operation 2 of 4 failed: ENOENT/ });
  t.match(error.cause, { code: 'ENOENT', path: '/none' });
  t.match(error.results, [
    { status: 'fulfilled', value: undefined },
    { status: 'rejected', reason: { code: 'ENOENT' } },
    { status: 'rejected', reason: { code: 'ECANCELED' } },
    { status: 'rejected', reason: { code: 'ECANCELED' } },
  ]);
});

t.test('hard links go on after a failure', async (t) => {
  const error = await rejection(chain([openat('/none'), nop()], { hard: true }));
  t.match(error.results, [{ status: 'rejected' }, { status: 'fulfilled' }]);
});

t.test('an abort rejects at once and cancels the rest, soft and hard', async (t) => {
  for (const hard of [false, true]) {
    const [reader] = await makePipe(t);
    const controller = new AbortController();
    const { signal } = controller;
    const members = [nop(), read(reader, Buffer.alloc(1)), read(reader, Buffer.alloc(1)), nop()];
    const running = chain(members, { signal, hard });
    await members[0];
    controller.abort('enough');
    t.match(await rejection(running), { name: 'AbortError', cause: 'enough' });
    await Promise.all(members.map((member) => member.released));
    t.equal(getEventListeners(signal, 'abort').length, 0);
  }
  t.match(await rejection(chain([nop()], { signal: AbortSignal.abort() })), { name: 'AbortError' });
});

t.test('timeouts: of a member, of the whole', async (t) => {
  const [reader] = await makePipe(t);
  const byMember = await rejection(chain([read(reader, Buffer.alloc(1), { timeout: 5 }), nop()]));
  t.match(byMember, { name: 'ChainError', code: 'ETIMEDOUT', cause: { name: 'TimeoutError' } });
  const members = [read(reader, Buffer.alloc(1)), nop()];
  t.match(await rejection(chain(members, { timeout: 5 })), { name: 'TimeoutError' });
  await Promise.all(members.map((member) => member.released));
  t.strictSame(await chain([nop({ timeout: 1000 }), nop({ timeout: 1000 })], { timeout: 1000 }), [
    undefined,
    undefined,
  ]);
  t.equal(stats().inFlight <= 1, true);
});

t.test('a member whose memory is gone fails alone, and ends the chain', async (t) => {
  const [, writer] = await makePipe(t);
  const bytes = new Uint8Array(8);
  const members = [nop(), write(writer, bytes), nop()] as const;
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  const error = await rejection(chain(members));
  t.match(error, { name: 'ChainError', code: /ERR_/ });
  t.match(error.results, [
    { status: 'fulfilled' },
    { status: 'rejected' },
    { reason: { code: 'ECANCELED' } },
  ]);
});

t.test('hard links stay in order around a member whose memory is gone', async (t) => {
  const [reader, writer] = await makePipe(t);
  const detached = (): Uint8Array => {
    const bytes = new Uint8Array(8);
    setImmediate(() => structuredClone(bytes.buffer, { transfer: [bytes.buffer] }));
    return bytes;
  };
  const wrong = [setxattr('/nowhere', 'user.a', detached()), setxattr(reader, 'user.a', detached())];
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  for (const member of wrong) {
    const order: string[] = [];
    const note = (name: string) => (): number => order.push(name);
    const members = [read(reader, Buffer.alloc(1)), member, nop()] as const;
    const running = rejection(chain(members, { hard: true }));
    members[0].then(note('read'), note('read'));
    members[2].then(note('nop'), note('nop'));
    await timeout(10);
    t.strictSame(order, [], 'what stands behind it waits');
    await write(writer, Buffer.from('x'));
    t.match((await running)['results'], [
      { value: 1 },
      { reason: { code: 'ERR_INVALID_STATE' } },
      { status: 'fulfilled' },
    ]);
    t.strictSame(order, ['read', 'nop']);
  }
});

t.test('a chain longer than the operation table is refused, and keeps nobody waiting', async (t) => {
  const small = Ring.open({ operations: 4 });
  t.teardown(() => small.close());
  const nops = (count: number): Operation<void>[] =>
    Array.from({ length: count }, () => nop({ ring: small }));
  t.match(await rejection(chain(nops(5))), {
    name: 'RangeError',
    code: 'ERR_OUT_OF_RANGE',
    message: /operation table/,
  });
  await nop({ ring: small });
  t.equal((await chain(nops(4))).length, 4);
});

t.test('what cannot be chained is refused', async (t) => {
  t.match(
    exception(() => chain([])),
    { code: 'ERR_OUT_OF_RANGE' },
  );
  t.match(
    exception(() => chain('x' as never)),
    { code: 'ERR_INVALID_ARG_TYPE' },
  );
  const submitted = nop().submit();
  t.match(
    exception(() => chain([submitted])),
    { code: 'ERR_INVALID_STATE' },
  );
  const twice = nop();
  t.match(
    exception(() => chain([twice, twice])),
    { code: 'ERR_INVALID_STATE' },
  );
  const other = Ring.open({ entries: 8 });
  t.teardown(() => other.close());
  t.match(await rejection(chain([nop({ ring: other }), nop({ ring: ring() })])), {
    code: 'ERR_INVALID_STATE',
  });
  const tooLong = Array.from({ length: 9 }, () => nop({ ring: other }));
  t.match(await rejection(chain(tooLong)), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
  await submitted;
});

t.test('the ring of its options; not past what its members belong to', async (t) => {
  const other = Ring.open({ entries: 8 });
  t.teardown(() => other.close());
  const submitted = (): number[] => [other, ring()].map((one) => one.stats().submitted);
  const [before, beforeHere] = submitted();
  await chain([nop(), nop()], { ring: other });
  t.strictSame(submitted(), [before! + 2, beforeHere]);

  // Buffer 0 of the other ring is not buffer 0 of this one.
  const mine = new RegisteredBuffer(4096);
  const others = new RegisteredBuffer(4096, { ring: other });
  const fd = openSync('/dev/zero', 'r');
  t.teardown(() => closeSync(fd));
  mine.buffer.fill(1);
  const wrong = { code: 'ERR_INVALID_STATE', message: /one ring/ };
  t.match(await rejection(chain([readFixed(fd, others, { ring: ring() })])), wrong);
  t.match(await rejection(chain([nop(), readFixed(fd, others)], { ring: ring() })), wrong);
  t.ok(mine.buffer.every((byte) => byte === 1));
  mine.unregister();

  const [reader] = await makePipe(t);
  const reading = read(reader, Buffer.alloc(1));
  const cancelling = cancel({ operation: reading });
  const running = rejection(chain([reading], { ring: other }));
  t.match(await rejection(cancelling), { code: 'ERR_INVALID_STATE', message: /another ring/ });
  reading.cancel();
  await running;
});

t.test('many chains at once, on a small ring with a small table', async (t) => {
  const other = Ring.open({ entries: 16, operations: 20 });
  t.teardown(() => other.close());
  const chains = Array.from({ length: 500 }, () =>
    chain([nop({ ring: other }), nop({ ring: other, timeout: 1000 }), timeout(0, { ring: other })]),
  );
  const results = await Promise.all(chains);
  t.equal(results.length, 500);
  t.equal(other.stats().inFlight, 0);
  t.equal(other.waiting, 0);
});

t.test('the caller’s array is the caller’s', async (t) => {
  const small = Ring.open({ entries: 8, operations: 4 });
  t.teardown(() => small.close());
  const controller = new AbortController();
  const batch = [timeout(60_000, { ring: small }), nop()];
  const members = [...batch];
  const running = chain(batch, { signal: controller.signal });
  batch.length = 0;
  controller.abort();
  t.match(await rejection(running), { name: 'AbortError' });
  t.strictSame(await Promise.all(members.map(({ released }) => released)), [-125, -125]);

  // It waits for room, and grows meanwhile.
  await new Promise((resolve) => setImmediate(resolve));
  const full = [1, 2, 3].map(() => timeout(10, { ring: small }).submit());
  const growing = [nop({ ring: small }), nop()];
  const waiting = chain(growing);
  t.equal(small.waiting, 1);
  growing.push(nop());
  t.strictSame(await waiting, [undefined, undefined]);
  t.equal(growing[2]!.state, 'new');
  await Promise.all(full);
});

// Shown to fail: an aborted member given to the kernel with the others, and cancelled there.
t.test('with a member that has been aborted nothing runs', async (t) => {
  const [reader, writer] = await makePipe(t);
  const small = Ring.open({ entries: 8, operations: 4 });
  t.teardown(() => small.close());
  for (const hard of [false, true]) {
    const aborted = write(writer, Buffer.from('x'), { signal: AbortSignal.abort('enough') });
    const error = await rejection(chain([nop(), aborted, write(writer, Buffer.from('y'))], { hard }));
    t.match(error, {
      name: 'ChainError',
      message: /^Operation 2 of 3 failed/,
      code: 'ABORT_ERR',
      cause: { name: 'AbortError', cause: 'enough' },
    });
    t.match(error.results, [{ reason: { code: 'ECANCELED' } }, {}, { reason: { code: 'ECANCELED' } }]);
  }
  // Aborted while the chain waits for room.
  await new Promise((resolve) => setImmediate(resolve));
  const full = [1, 2, 3].map(() => timeout(10, { ring: small }).submit());
  const controller = new AbortController();
  const { signal } = controller;
  const ofMember = rejection(chain([write(writer, Buffer.from('x'), { signal }), nop()], { ring: small }));
  const whole = rejection(chain([write(writer, Buffer.from('x')), nop()], { ring: small, signal }));
  t.equal(small.waiting, 2);
  controller.abort();
  t.match(await whole, { name: 'AbortError' });
  t.match(await ofMember, { name: 'ChainError', code: 'ABORT_ERR' });
  await Promise.all(full);
  await write(writer, Buffer.from('z'));
  const buffer = Buffer.alloc(9);
  t.equal(buffer.toString('latin1', 0, await read(reader, buffer)), 'z', 'nothing else was written');
});

t.test('many chains and iterations may wait for one signal', await multishotTimers(), async (t) => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  t.teardown(() => process.removeListener('warning', onWarning));
  for (const begin of [
    (signal: AbortSignal) => chain([timeout(60_000)], { signal }),
    (signal: AbortSignal) => timeoutMultishot(60_000, { signal })[Symbol.asyncIterator]().next(),
  ]) {
    const controller = new AbortController();
    const waiting = Array.from({ length: 12 }, () => rejection(begin(controller.signal)));
    controller.abort();
    for (const error of await Promise.all(waiting)) t.equal(error.name, 'AbortError');
  }
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(warnings, []);
});
