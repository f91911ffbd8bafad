import { AsyncLocalStorage } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import t from 'tap';
import { close, nop, openat, poll, read, Ring, ring, stats, timeout, write } from 'ringcore/core';
import { descriptorsAtRest, exception, makePipe, pipe, rejection, runScript } from './support.js';

t.test('nothing is submitted before it is awaited', async (t) => {
  await nop();
  const { submitted } = stats();
  const operation = nop();
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(stats().submitted, submitted);
  t.equal(operation.state, 'new');
  t.equal(operation.submit(), operation);
  t.equal(operation.submit().state, 'submitted');
  await operation;
  await operation;
  t.equal(operation.state, 'done');
  t.equal(stats().submitted, submitted + 1, 'once');
});

t.test('it is a thenable with catch and finally', async (t) => {
  t.equal(await nop().finally(() => 5), undefined);
  t.equal(await openat('/none').catch((error: { code: string }) => error.code), 'ENOENT');
  const all = await Promise.all([nop(), openat('/etc/passwd')]);
  await close(all[1]);
  t.equal(Object.prototype.toString.call(nop()), '[object Operation]');
});

t.test('an aborted signal: rejects without submitting', async (t) => {
  const { submitted } = stats();
  const operation = nop({ signal: AbortSignal.abort('before') });
  t.match(await rejection(operation), { name: 'AbortError', cause: 'before' });
  t.equal(operation.state, 'done');
  t.equal(stats().submitted, submitted);
});

t.test('an abort rejects at once; the operation stays until the kernel lets go', async (t) => {
  const [reader] = await makePipe(t);
  const controller = new AbortController();
  const operation = read(reader, Buffer.alloc(1), { signal: controller.signal }).submit();
  let error: unknown;
  operation.catch((reason: unknown) => (error = reason));
  controller.abort();
  t.equal(operation.state, 'abandoned');
  await Promise.resolve();
  await Promise.resolve();
  t.match(error, { name: 'AbortError' });
  t.ok(operation.slot >= 0);
  t.equal(ring().handlers[operation.slot], operation);
  t.ok((await operation.released) < 0);
  t.equal(operation.state, 'done');
  t.equal(await operation.released, -125);
});

t.test('bytes that an aborted read had taken are in its buffer', async (t) => {
  const [reader, writer] = await makePipe(t);
  await write(writer, Buffer.from('late'));
  const buffer = Buffer.alloc(4);
  const operation = read(reader, buffer).submit();
  ring().enter();
  operation.cancel();
  t.match(await rejection(operation), { name: 'AbortError' });
  // Or it had taken none: older kernels leave pipes to a worker, which may not have begun.
  if ((await operation.released) < 0) t.equal(await read(reader, buffer), 4);
  t.equal(String(buffer), 'late');
});

t.test('cancel(): before and after submission, twice, when done', async (t) => {
  const fresh = nop();
  fresh.cancel('never');
  t.match(await rejection(fresh), { name: 'AbortError', cause: 'never' });
  const operation = timeout(10_000).submit();
  operation.cancel();
  operation.cancel();
  t.match(await rejection(operation), { name: 'AbortError' });
  await operation.released;
  const done = nop();
  await done;
  done.cancel();
  t.equal(await done, undefined);
});

t.test('1,000 aborted reads leave nothing behind', async (t) => {
  const [reader] = await makePipe(t);
  const round = async (): Promise<void> => {
    const controller = new AbortController();
    const { signal } = controller;
    const operations = Array.from({ length: 100 }, () =>
      read(reader, Buffer.alloc(4096), { signal }).submit(),
    );
    t.equal(getEventListeners(signal, 'abort').length, 100);
    ring().enter();
    controller.abort();
    const results = await Promise.allSettled(operations);
    t.ok(results.every((result) => result.status === 'rejected'));
    await Promise.all(operations.map((operation) => operation.released));
    t.equal(getEventListeners(signal, 'abort').length, 0);
  };
  process.setMaxListeners(0);
  await round();
  const gc = globalThis.gc ?? ((): void => {});
  gc();
  const before = { descriptors: await descriptorsAtRest(), memory: process.memoryUsage() };
  for (let i = 0; i < 10; i++) await round();
  gc();
  const descriptors = await descriptorsAtRest();
  gc();
  const after = process.memoryUsage();
  t.strictSame(descriptors, before.descriptors);
  t.equal(stats().inFlight, 0);
  t.ok(ring().handlers.every((handler) => handler === undefined));
  t.ok(after.arrayBuffers - before.memory.arrayBuffers < 1 << 20, 'the buffers are gone');
  t.ok(after.heapUsed - before.memory.heapUsed < 4 << 20, 'and so are the operations');
});

t.test('a finished operation leaves no listener on its signal', async (t) => {
  const { signal } = new AbortController();
  await nop({ signal });
  await rejection(openat('/none', { signal }));
  await rejection(timeout(10_000, { signal, timeout: 1 }));
  t.equal(getEventListeners(signal, 'abort').length, 0);
});

t.test('the buffer of an aborted read is pinned until the kernel lets go', async (t) => {
  const [reader, writer] = await makePipe(t);
  for (let i = 0; i < 50; i++) {
    const controller = new AbortController();
    // Nothing here but the ring refers to the buffer.
    const operation = read(reader, Buffer.alloc(65536), { signal: controller.signal }).submit();
    ring().enter();
    // The kernel may take these bytes before or after the cancellation.
    const writing = write(writer, Buffer.alloc(65536, i)).submit();
    controller.abort();
    await rejection(operation);
    globalThis.gc?.();
    const late = await operation.released;
    await writing;
    for (let left = 65536 - Math.max(late, 0); left > 0;) left -= await read(reader, Buffer.alloc(left));
  }
});

t.test('callback(): node order, context, exceptions apart', async (t) => {
  const storage = new AsyncLocalStorage<string>();
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    storage.run('context', () => {
      nop().callback((error) => {
        order.push(`${String(error)} ${storage.getStore()}`);
        process.nextTick(() => order.push('tick 1'));
        void Promise.resolve().then(() => order.push('microtask 1'));
      });
    });
    nop().callback(() => {
      order.push(`second ${storage.getStore()}`);
      process.nextTick(() => order.push('tick 2'));
    });
    openat('/none').callback((error) => {
      order.push((error as { code?: string } | null)?.code ?? 'none');
      resolve();
    });
  });
  t.strictSame(order, ['null context', 'tick 1', 'microtask 1', 'second undefined', 'tick 2', 'ENOENT']);
  t.match(
    exception(() => nop().callback(5 as never)),
    { code: 'ERR_INVALID_ARG_TYPE' },
  );
  let synchronous = true;
  await new Promise<void>((resolve) => {
    nop({ signal: AbortSignal.abort() }).callback((error) => {
      t.match(error, { name: 'AbortError' });
      t.notOk(synchronous);
      resolve();
    });
    synchronous = false;
  });
});

t.test('async context is kept over an await', async (t) => {
  const storage = new AsyncLocalStorage<number>();
  const seen = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      storage.run(index, async () => {
        await nop();
        return storage.getStore();
      }),
    ),
  );
  t.strictSame(
    seen,
    Array.from({ length: 50 }, (_, index) => index),
  );
});

t.test('an exception in a callback reaches uncaughtException, and the rest of the batch runs', async (t) => {
  const { stdout, code, stderr } = await runScript(`
    import { nop } from 'ringcore/core';
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
    for (let i = 0; i < 5; i++) {
      nop().callback(() => {
        process.nextTick(() => console.log('tick', i));
        if (i % 2 === 1) throw new Error('number ' + i);
        console.log('callback', i);
      });
    }
    await nop();
    await new Promise(setImmediate);
    console.log('end');
  `);
  const lines = stdout.trim().split('\n');
  t.strictSame(
    lines.filter((line) => !line.startsWith('tick')),
    ['callback 0', 'uncaught number 1', 'callback 2', 'uncaught number 3', 'callback 4', 'end'],
    stderr,
  );
  for (let i = 0; i < 5; i++) {
    const at = lines.indexOf(`tick ${i}`);
    const next = lines.findIndex((line) => /callback|uncaught/.test(line) && line.endsWith(String(i + 1)));
    t.ok(at >= 0 && (next < 0 || at < next), `tick ${i} runs before callback ${i + 1}`);
  }
  t.equal(code, 0);
});

t.test('an unhandled rejection ends the process, as with any promise', async (t) => {
  const { code, stderr } = await runScript(`
    import { openat } from 'ringcore/core';
    openat('/nowhere/at all').submit();
    setTimeout(() => {}, 10_000);
  `);
  t.equal(code, 1);
  t.match(stderr, /ENOENT: no such file or directory, open '\/nowhere\/at all'/);
});

t.test('ref and unref', async (t) => {
  const script = (line: string): string => `
    import { timeout, read, poll } from 'ringcore/core';
    const stdin = 0; // nobody writes to it
    ${line}
    process.on('exit', (code) => console.log('exit', code));
  `;
  const unreferenced = await runScript(
    script('read(stdin, Buffer.alloc(1)).unref().submit().catch(() => {});'),
  );
  t.equal(unreferenced.stdout, 'exit 0\n');
  const later = await runScript(script('poll(stdin, 1).submit().unref().catch(() => {});'));
  t.equal(later.stdout, 'exit 0\n');
  const referenced = await runScript(script('timeout(20).unref().ref().then(() => console.log("done"));'));
  t.equal(referenced.stdout, 'done\nexit 0\n');
});

t.test('members of a closed ring reject', async (t) => {
  const other = Ring.open({ entries: 8 });
  const [reader, writer] = await pipe();
  const operations = [read(reader, Buffer.alloc(1), { ring: other }), poll(reader, 1, { ring: other })];
  const errors = operations.map((operation) => rejection(operation.submit()));
  other.close();
  for (const error of errors) t.match(await error, { code: 'ECANCELED' });
  t.match(await rejection(nop({ ring: other })), { code: 'ERR_INVALID_STATE' });
  other.close();
  await Promise.all([close(reader), close(writer)]);
});
