// readFiles: order, errors, bounds, leaving early; on either backend.
import { execFileSync, spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { backend, stats } from 'ringcore/core';
import { readFiles } from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, listeners, settledDescriptors } from './helpers.js';

// Not tap's own directory: this file runs once more while it runs.
const dir = nodeFs.mkdtempSync(join(tmpdir(), 'ringcore-read-files-'));
t.teardown(() => nodeFs.rmSync(dir, { recursive: true }));
const onRing = backend.name === 'io_uring';
const paths = Array.from({ length: 200 }, (_, index) => join(dir, `file${index}`));
for (const [index, path] of paths.entries()) nodeFs.writeFileSync(path, `content ${index}`);
const fifo = join(dir, 'fifo');
execFileSync('mkfifo', [fifo]);

if (onRing && process.env.RINGCORE_BACKEND === undefined) {
  t.test('the same tests on the node backend', async (t) => {
    const env = { ...process.env, RINGCORE_BACKEND: 'node' };
    const { status, stdout } = spawnSync(process.execPath, [process.argv[1]!], { env, encoding: 'utf8' });
    t.equal(
      status,
      0,
      stdout
        .split('\n')
        .filter((line) => /^ *not ok/.test(line))
        .join('\n'),
    );
  });
}

t.test('in the order of the paths, whatever comes first', async (t) => {
  const seen: unknown[] = [];
  let right = 0;
  // The first one takes longest: it is large.
  const large = join(dir, 'large');
  nodeFs.writeFileSync(large, 'x'.repeat(8_000_000));
  for await (const { path, content } of readFiles([large, ...paths], 'utf8')) {
    seen.push(path);
    if (content === `content ${seen.length - 2}`) right++;
  }
  t.equal(right, 200);
  t.same(seen, [large, ...paths]);
});

t.test('as they come', async (t) => {
  const writer = nodeFs.openSync(fifo, 'r+');
  const seen = new Set<unknown>();
  for await (const { path, content } of readFiles([fifo, ...paths], { ordered: false, encoding: 'utf8' })) {
    seen.add(path);
    if (path === fifo) t.equal(seen.size, 201, 'what is slow holds nobody up');
    // The last writer goes when all others are there.
    if (seen.size === 200) {
      nodeFs.writeSync(writer, 'slow');
      nodeFs.closeSync(writer);
    }
    if (path === fifo) t.equal(content, 'slow');
  }
  t.equal(seen.size, 201);
});

t.test('Buffers, URLs, an encoding; what cannot be read does not end the others', async (t) => {
  const results = [];
  const odd = [
    paths[0]!,
    join(dir, 'absent'),
    Buffer.from(paths[1]!),
    dir,
    5,
    'a\0b',
    pathToFileURL(paths[2]!),
  ];
  for await (const result of readFiles(odd as string[])) results.push(result);
  t.same(
    results.map(({ content, error }) => (error === undefined ? String(content) : error.code)),
    [
      'content 0',
      'ENOENT',
      'content 1',
      'EISDIR',
      'ERR_INVALID_ARG_TYPE',
      'ERR_INVALID_ARG_VALUE',
      'content 2',
    ],
  );
  t.same(
    results.map(({ path }) => path),
    odd,
  );
  t.match(results[1]!.error, { syscall: 'open', path: join(dir, 'absent') });
  for await (const { content } of readFiles([paths[3]!], { encoding: 'hex' }))
    t.equal(content, Buffer.from('content 3').toString('hex'));
});

t.test('no more files than asked for are taken from the source', async (t) => {
  let taken = 0;
  let read = 0;
  let most = 0;
  function* source(): Generator<string> {
    for (const path of paths) {
      taken++;
      most = Math.max(most, taken - read);
      yield path;
    }
  }
  for await (const { content } of readFiles(source(), { concurrency: 7 })) {
    if (String(content) !== `content ${read}`) t.fail(`content ${read}`);
    // What is done with it takes time: the others wait.
    if (read % 50 === 0) await wait(5);
    read++;
  }
  t.equal(read, 200);
  t.equal(most, 8, '7, and the one that the loop has');
});

t.test('an asynchronous source; its end; its error behind what was read', async (t) => {
  async function* source(end: number): AsyncGenerator<string> {
    for (const path of paths.slice(0, end)) {
      await wait(0);
      yield path;
    }
    if (end < 50) throw new Error('the source failed');
  }
  let count = 0;
  for await (const { content } of readFiles(source(50))) t.equal(String(content), `content ${count++}`);
  t.equal(count, 50);
  const failing = readFiles(source(10));
  for (let index = 0; index < 10; index++)
    t.equal(String((await failing.next()).value!.content), `content ${index}`);
  await t.rejects(failing.next(), { message: 'the source failed' });
  t.same(await failing.next(), { done: true, value: undefined });
});

t.test('a source that throws at once, or at its third path', async (t) => {
  function* source(): Generator<string> {
    yield paths[0]!;
    yield paths[1]!;
    throw new Error('thrown');
  }
  for (const concurrency of [1, 64]) {
    const files = readFiles(source(), { concurrency });
    t.equal(String((await files.next()).value!.content), 'content 0');
    t.equal(String((await files.next()).value!.content), 'content 1');
    await t.rejects(files.next(), { message: 'thrown' });
  }
  const broken = { [Symbol.iterator]: () => assertNever() };
  await t.rejects(readFiles(broken as never).next(), { message: 'never' });
});

function assertNever(): never {
  throw new Error('never');
}

t.test('no paths', async (t) => {
  t.same(await readFiles([]).next(), { done: true, value: undefined });
});

t.test('next, asked for several times at once', async (t) => {
  const files = readFiles(paths.slice(0, 3), 'utf8');
  const results = await Promise.all([files.next(), files.next(), files.next(), files.next()]);
  t.same(
    results.map(({ value }) => value?.content),
    ['content 0', 'content 1', 'content 2', undefined],
  );
});

// node opens a FIFO in its thread pool and cannot take that back: what hangs there would hang for good.
const ringOnly = onRing ? {} : { skip: 'this is the node backend' };

t.test('break: the rest is cancelled, the source ended', ringOnly, async (t) => {
  const before = descriptors();
  let ended = false;
  function* source(): Generator<string> {
    try {
      yield* [...paths.slice(0, 5), fifo, fifo, fifo];
      yield* paths;
    } finally {
      ended = true;
    }
  }
  const { signal } = new AbortController();
  for await (const { path } of readFiles(source(), { concurrency: 8, signal })) if (path === paths[2]) break;
  t.ok(ended);
  t.equal(listeners(signal), 0);
  for (let round = 0; round < 200 && stats().inFlight > 0; round++) await wait(10);
  t.equal(stats().inFlight, 0);
  t.equal(await settledDescriptors(before), before);
});

t.test('return ends a next that waits', ringOnly, async (t) => {
  const before = descriptors();
  const files = readFiles([fifo]);
  const next = files.next();
  t.same(await files.return!(), { done: true, value: undefined });
  t.same(await next, { done: true, value: undefined });
  t.equal(await settledDescriptors(before), before);
});

t.test('a signal ends it at once', ringOnly, async (t) => {
  const before = descriptors();
  const controller = new AbortController();
  const { signal } = controller;
  const files = readFiles([paths[0]!, fifo, ...paths], { signal });
  t.equal(String((await files.next()).value!.content), 'content 0');
  t.equal(listeners(signal), 1);
  setTimeout(() => controller.abort('reason'), 5);
  await t.rejects(files.next(), { name: 'AbortError', cause: 'reason' });
  t.same(await files.next(), { done: true, value: undefined });
  t.equal(listeners(signal), 0);
  t.equal(await settledDescriptors(before), before);
});

t.test('a signal between two results, and before the first', async (t) => {
  const controller = new AbortController();
  const { signal } = controller;
  const files = readFiles(paths, { signal });
  await files.next();
  controller.abort('reason');
  await t.rejects(files.next(), { name: 'AbortError', cause: 'reason' });
  await t.rejects(readFiles(paths, { signal }).next(), { name: 'AbortError', cause: 'reason' });
  const neverAsked = new AbortController();
  readFiles(paths, neverAsked);
  t.equal(listeners(neverAsked.signal), 0, 'nothing begins before somebody asks');
});

t.test('a timeout is that of each file', ringOnly, async (t) => {
  const results = [];
  for await (const result of readFiles([paths[0]!, fifo, paths[1]!], { timeout: 50 })) results.push(result);
  t.equal(String(results[0]!.content), 'content 0');
  t.match(results[1]!.error, { name: 'TimeoutError', code: 'ETIMEDOUT' });
  t.equal(String(results[2]!.content), 'content 1');
});

t.test('a timeout that is not reached', async (t) => {
  for await (const { content } of readFiles([paths[0]!], { timeout: 60_000 }))
    t.equal(String(content), 'content 0');
});

t.test('a batch is one enter', ringOnly, async (t) => {
  const files = readFiles(paths.slice(0, 50));
  const before = stats();
  await files.next();
  const after = stats();
  t.ok(after.submitted - before.submitted >= 50, 'all were begun');
  // The others fetch what completes meanwhile: on a slow machine it comes in several portions.
  t.ok(after.enters - before.enters <= 10, `${after.enters - before.enters} calls`);
  await files.return!();
});

t.test('arguments', async (t) => {
  for (const bad of ['path', Buffer.from('path'), 5, null, {}])
    t.throws(() => readFiles(bad as never), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => readFiles([], { concurrency: 0 }), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => readFiles([], { ordered: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => readFiles([], { encoding: 'nonsense' as 'utf8' }), { code: 'ERR_INVALID_ARG_VALUE' });
  t.throws(() => readFiles([], { signal: 5 as never }), { code: 'ERR_INVALID_ARG_TYPE' });
});

t.test('a source of promises, and of thenables, is awaited as by `for await`', async (t) => {
  const path = join(dir, 'file7');
  const thenable = { then: (resolve: (value: string) => void) => resolve(path) };
  const results = [];
  for await (const { content } of readFiles([Promise.resolve(path), thenable] as never, 'utf8')) {
    results.push(content);
  }
  const source = {
    [Symbol.asyncIterator]: () => ({
      left: 2,
      next() {
        const answer = this.left-- > 0 ? { done: false, value: path } : { done: true, value: undefined };
        return { then: (resolve: (value: object) => void) => resolve(answer) };
      },
    }),
  };
  for await (const { content } of readFiles(source as never, 'utf8')) results.push(content);
  t.same(results, Array(4).fill('content 7'));
});

t.test('a generator that aborts its own batch is ended when it has answered', async (t) => {
  const path = join(dir, 'file7');
  const controller = new AbortController();
  let ended = false;
  function* source(): Generator<string> {
    try {
      yield path;
      controller.abort();
      yield path;
    } finally {
      ended = true;
    }
  }
  const batch = readFiles(source(), { signal: controller.signal });
  await t.rejects(batch.next(), { name: 'AbortError' });
  t.ok(ended);
});
