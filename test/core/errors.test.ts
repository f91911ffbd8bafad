import { openSync, promises } from 'node:fs';
import { connect as nodeConnect } from 'node:net';
import { once } from 'node:events';
import { inspect } from 'node:util';
import t from 'tap';
import {
  connect,
  constants,
  getxattr,
  openat,
  read,
  recv,
  renameat,
  socket,
  type PathLike,
} from 'ringcore/core';
import { closeQuietly, exception, rejection } from './support.js';

/** Everything of an error that a program can see, but its stack's frames. */
function shape(error: Error): unknown {
  const own = Object.getOwnPropertyNames(error).filter((name) => name !== 'stack');
  return {
    string: String(error),
    header: String(error.stack).split('\n', 1)[0],
    name: error.name,
    constructor: error.constructor.name,
    enumerable: Object.keys(error),
    own: Object.fromEntries(
      own.sort().map((name) => [name, (error as unknown as Record<string, unknown>)[name]]),
    ),
  };
}

t.test('a system error is as node:fs makes it', async (t) => {
  const ours = await rejection(openat('/nowhere/at all'));
  const node = await rejection(promises.open('/nowhere/at all'));
  t.strictSame(shape(ours), shape(node));
});

t.test('a system error with two paths is as node:fs makes it', async (t) => {
  const ours = await rejection(renameat('/nowhere/a', Buffer.from('/nowhere/b')));
  const node = await rejection(promises.rename('/nowhere/a', '/nowhere/b'));
  t.strictSame(shape(ours), shape(node));
});

t.test('a refused connection is as node:net makes it', async (t) => {
  const fd = await socket(constants.AF_INET);
  t.teardown(() => closeQuietly(fd));
  const ours = await rejection(connect(fd, { address: '127.0.0.1', port: 1 }));
  const [node] = (await once(nodeConnect(1, '127.0.0.1'), 'error').catch((error: unknown) => [error])) as [
    Error,
  ];
  t.strictSame(shape(ours), shape(node));
});

t.test('an aborted operation is as node:fs makes it', async (t) => {
  for (const signal of [
    AbortSignal.abort(),
    AbortSignal.abort('why'),
    AbortSignal.abort(new TypeError('x')),
  ]) {
    const ours = await rejection(openat('/etc/passwd', { signal }));
    const node = await rejection(promises.readFile('/etc/passwd', { signal }));
    t.strictSame(shape(ours), shape(node));
  }
});

t.test('an errno that libuv does not know has its name', async (t) => {
  const fd = openSync('/dev/null', 'r');
  t.teardown(() => closeQuietly(fd));
  t.match(await rejection(getxattr(fd, 'nonsense')), {
    code: /^E/,
    message: /^E[A-Z]+: [a-z ]+, fgetxattr$/,
  });
  // ENODATA became known to libuv only lately.
  t.match(await rejection(getxattr('/etc/passwd', 'user.ringcore_none')), { code: 'ENODATA', errno: -61 });
});

t.test('bad paths have node:fs errors', (t) => {
  const paths: unknown[] = [
    undefined,
    null,
    5,
    10n,
    true,
    {},
    [],
    Symbol('x'),
    () => 1,
    class Foo {},
    Object.create(null),
    'a\0b',
    'x'.repeat(200) + '\0',
    Buffer.from('a\0b'),
    new URL('file:///a%00b'),
    new URL('http://x/a'),
    new URL('file://host/a'),
  ];
  for (const path of paths) {
    const ours = exception(() => openat(path as PathLike));
    const node = exception(() => openSync(path as string, 'r'));
    t.strictSame(shape(ours), shape(node), inspect(path));
    t.match(ours.stack, /errors\.test/);
  }
  t.end();
});

t.test('bad descriptors have node:fs errors', async (t) => {
  const { readSync } = await import('node:fs');
  for (const fd of ['1', undefined, -1, 1.5, NaN, Infinity, 2 ** 31, 2 ** 53, 1n, {}]) {
    const buffer = Buffer.alloc(1);
    const ours = exception(() => read(fd as number, buffer));
    const node = exception(() => readSync(fd as number, buffer));
    // Newer nodes make some of these in C++, and word them a little otherwise.
    const { name, code, message } = node;
    t.match(ours, process.version.startsWith('v20.') ? { name, code, message } : { name, code }, inspect(fd));
  }
});

t.test('bad buffers, lengths and positions have node:fs errors', async (t) => {
  const { readSync } = await import('node:fs');
  for (const buffer of ['x', undefined, null, 5, {}, new ArrayBuffer(8)]) {
    const ours = exception(() => read(0, buffer as never));
    t.strictSame(shape(ours), shape(exception(() => readSync(0, buffer as never))), inspect(buffer));
  }
  const buffer = Buffer.alloc(4);
  for (const offset of [-1, '1', 1.5, NaN, 2 ** 60]) {
    const ours = exception(() => read(0, buffer, { offset: offset as number }));
    const node = exception(() => readSync(0, buffer, offset as number, 1, 0));
    t.strictSame(shape(ours), shape(node), inspect(offset));
  }
  for (const length of [5, 9]) {
    const ours = exception(() => read(0, buffer, { length }));
    t.strictSame(shape(ours), shape(exception(() => readSync(0, buffer, 0, length, 0))), inspect(length));
  }
  for (const position of ['1', 1.5, NaN, -5, {}]) {
    const ours = exception(() => read(0, buffer, { position: position as number }));
    const node = exception(() => readSync(0, buffer, 0, 4, position as number));
    t.strictSame(shape(ours), shape(node), inspect(position));
  }
  // Node cuts these to 32 bits; here they are refused.
  for (const length of [2 ** 40, 2 ** 32 + 1, -1, 1.5, NaN]) {
    t.match(
      exception(() => read(0, buffer, { length })),
      { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' },
    );
  }
});

t.test('detached, shrunk and shared memory', async (t) => {
  const detached = new Uint8Array(8);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  t.match(
    exception(() => read(0, detached)),
    { code: 'ERR_INVALID_ARG_VALUE' },
  );

  const Resizable = ArrayBuffer as unknown as new (
    bytes: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(bytes: number): void };
  const resizable = new Resizable(8, { maxByteLength: 16 });
  const view = new Uint8Array(resizable, 4, 4);
  t.doesNotThrow(() => recv(0, view));
  resizable.resize(2);
  t.match(
    exception(() => read(0, view)),
    { code: 'ERR_INVALID_ARG_VALUE' },
  );

  const shared = new Uint8Array(new SharedArrayBuffer(8));
  const fd = openSync('/etc/passwd', 'r');
  t.teardown(() => closeQuietly(fd));
  t.equal(await read(fd, shared), 8);

  // Between construction and submission.
  const later = new Uint8Array(8);
  const operation = read(fd, later);
  structuredClone(later.buffer, { transfer: [later.buffer] });
  t.match(await rejection(operation), { code: /ERR_INVALID_ARG_VALUE|ERR_OUT_OF_RANGE/ });
});

t.test('bad options', (t) => {
  for (const signal of [5, 'x', null, {}, () => 1]) {
    t.match(
      exception(() => openat('/', { signal: signal as never })),
      { code: 'ERR_INVALID_ARG_TYPE' },
    );
  }
  t.match(
    exception(() => openat('/', { timeout: '5' as never })),
    { code: 'ERR_INVALID_ARG_TYPE' },
  );
  for (const timeout of [-1, NaN]) {
    t.match(
      exception(() => openat('/', { timeout })),
      { code: 'ERR_OUT_OF_RANGE' },
    );
  }
  t.match(
    exception(() => openat('/', { ring: {} as never })),
    { code: 'ERR_INVALID_ARG_TYPE' },
  );
  t.end();
});
