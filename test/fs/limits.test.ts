// { signal, timeout }: the promise rejects at once; descriptors and listeners are back at their baseline.
import { execFileSync } from 'node:child_process';
import nodeFs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { backend, stats } from 'ringcore/core';
import fs from 'ringcore/fs';
import { open, readFile, writeFile } from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, listeners, pattern, settledDescriptors } from './helpers.js';

const dir = t.testdir();
const file = join(dir, 'file');
nodeFs.writeFileSync(file, pattern(3_000_000));
const small = join(dir, 'small');
nodeFs.writeFileSync(small, pattern(6000));
const fifo = join(dir, 'fifo');
execFileSync('mkfifo', [fifo]);
const options = backend.name === 'io_uring' ? {} : { skip: 'this is the node backend' };
const aborted = (cause: unknown): { name: string } =>
  ({
    name: 'AbortError',
    code: 'ABORT_ERR',
    cause,
  }) as { name: string };

t.test('a signal that is aborted already', options, async (t) => {
  const signal = AbortSignal.abort('reason');
  await t.rejects(readFile(file, { signal }), aborted('reason'));
  await t.rejects(writeFile(file, 'x', { signal }), aborted('reason'));
  t.equal(nodeFs.statSync(file).size, 3_000_000);
  const error = await new Promise((resolve) => fs.readFile(file, { signal }, resolve));
  t.match(error, aborted('reason'));
});

t.test('5,000 aborted at every moment', options, async (t) => {
  const before = descriptors();
  const target = join(dir, 'target');
  let rejected = 0;
  const one = async (index: number): Promise<void> => {
    const controller = new AbortController();
    const { signal } = controller;
    const [from, text] = index % 5 ? [small, 'x'] : [file, 'x'.repeat(1_000_000)];
    const call = index % 2 ? readFile(from, { signal }) : writeFile(target, text, { signal });
    if (index % 3 === 0) setImmediate(() => controller.abort());
    else if (index % 3 === 1) queueMicrotask(() => controller.abort());
    else setTimeout(() => controller.abort(), index % 4 ? 1 : 1000).unref();
    await call.then(
      () => {},
      (error: Error) => {
        rejected++;
        if (error.name !== 'AbortError') throw error;
      },
    );
    if (listeners(signal) > 0) throw new Error('a listener is left');
  };
  for (let round = 0; round < 50; round++) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => one(index)));
  }
  t.ok(rejected > 500 && rejected < 4900, `${rejected} of 5,000 were in time`);
  t.equal(await settledDescriptors(before), before);
});

t.test('waiting for ever: a FIFO without a writer', options, async (t) => {
  const before = descriptors();
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error('enough');
  const calls = [
    readFile(fifo, { signal }),
    open(fifo, 'r', 0o666, { signal }),
    open(fifo, nodeFs.constants.O_WRONLY | nodeFs.constants.O_CREAT, 0o666, { signal }),
  ];
  setTimeout(() => controller.abort(reason), 20);
  // The write end meets the read ends' first descriptors, so that one of the opens may come through.
  const results = await Promise.allSettled(calls);
  const late = results.filter((result) => result.status === 'fulfilled');
  for (const { value } of late) if (typeof value === 'object' && 'close' in value) await value.close();
  for (const result of results) if (result.status === 'rejected') t.match(result.reason, aborted(reason));
  t.equal(results[0]!.status, 'rejected');
  t.equal(listeners(signal), 0);
  t.equal(await settledDescriptors(before), before);
});

t.test('the kernel is told to stop: nothing stays open although nothing else happens', options, async (t) => {
  const before = descriptors();
  const calls: ((signal: AbortSignal) => Promise<unknown>)[] = [
    (signal) => readFile(fifo, { signal }),
    (signal) => open(fifo, 'r', undefined, { signal }),
    (signal) => open(fifo, 'w', undefined, { signal }),
    (signal) => open(fifo, nodeFs.constants.O_WRONLY, undefined, { signal }),
  ];
  for (const call of calls) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    await t.rejects(call(controller.signal), { name: 'AbortError' }, String(call));
    for (let round = 0; round < 100 && stats().inFlight > 0; round++) await wait(10);
    t.equal(stats().inFlight, 0);
    t.equal(await settledDescriptors(before), before);
  }
});

t.test('a timeout', options, async (t) => {
  const before = descriptors();
  const late = { name: 'TimeoutError', code: 'ETIMEDOUT' };
  const begin = performance.now();
  await t.rejects(readFile(fifo, { timeout: 30 }), late);
  await t.rejects(open(fifo, 'r', undefined, { timeout: 30 }), late);
  const writer = nodeFs.openSync(fifo, 'r+');
  await t.rejects(readFile(fifo, { timeout: 30 }), late);
  await t.rejects(writeFile(fifo, pattern(1_000_000), { timeout: 30 }), late);
  nodeFs.closeSync(writer);
  const took = performance.now() - begin;
  t.ok(took >= 115 && took < 5000, `${took} ms for four times 30`);
  t.equal((await readFile(file, { timeout: 10_000 })).length, 3_000_000);
  await t.rejects(readFile(file, { timeout: -1 }), { code: 'ERR_OUT_OF_RANGE' });
  t.equal(await settledDescriptors(before), before);
});

t.test('an iterable that never yields does not keep the file open', options, async (t) => {
  const before = descriptors();
  const controller = new AbortController();
  const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
  const writing = writeFile(join(dir, 'never'), never, { signal: controller.signal });
  setTimeout(() => controller.abort(), 10);
  await t.rejects(writing, { name: 'AbortError' });
  t.equal(await settledDescriptors(before), before);
});

t.test('many calls with one signal: no warning, no listener left', options, async (t) => {
  const { signal } = new AbortController();
  const warnings: Error[] = [];
  const onWarning = (warning: Error): number => warnings.push(warning);
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  const reads = Array.from({ length: 100 }, () => readFile(file, { signal }));
  t.equal(listeners(signal), 1);
  await Promise.all(reads);
  t.equal(listeners(signal), 0);
  t.same(warnings, []);
});

t.test('a read that was aborted does not touch memory that others got', options, async (t) => {
  const ones = join(dir, 'ones');
  nodeFs.writeFileSync(ones, Buffer.alloc(6000, 1));
  const controller = new AbortController();
  const dropped = Array.from({ length: 50 }, () =>
    readFile(ones, { signal: controller.signal, encoding: 'latin1' }).catch(() => 'aborted'),
  );
  setImmediate(() => controller.abort());
  const kept = await Promise.all(Array.from({ length: 50 }, () => readFile(ones, 'latin1')));
  await Promise.all(dropped);
  t.ok(kept.every((text) => text === '\x01'.repeat(6000)));
});
