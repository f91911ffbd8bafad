// FileHandle: its life, its positions, what holds it open.
import { spawnSync } from 'node:child_process';
import { once, type EventEmitter } from 'node:events';
import nodeFs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { backend } from 'ringcore/core';
import { open } from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, pattern, settledDescriptors } from './helpers.js';

const dir = t.testdir({ lines: 'one\ntwo\r\nthree' });
const file = join(dir, 'file');
const options = backend.name === 'io_uring' ? {} : { skip: 'this is the node backend' };

t.test('positions: its own, given, beyond 4 GiB', async (t) => {
  const handle = await open(file, 'w+');
  await handle.write('0123456789');
  await handle.write(Buffer.from('AB'), 0, 2, 4);
  const buffer = Buffer.alloc(4);
  const at = async (position: number | bigint | null): Promise<string> => {
    const { bytesRead } = await handle.read(buffer, 0, 4, position as number);
    return buffer.toString('latin1', 0, bytesRead);
  };
  t.equal(await at(2), '23AB');
  t.equal(await at(null), '', 'the position is behind what was written');
  t.equal(await at(8n), '89');
  const far = 5 * 2 ** 30;
  await handle.write(Buffer.from('far'), 0, 3, far);
  t.equal(await at(far), 'far');
  t.equal(await at(BigInt(far) + 1n), 'ar');
  t.equal((await handle.stat()).size, far + 3);
  await handle.close();
  nodeFs.rmSync(file);
});

t.test('close waits for what is in flight; afterwards EBADF', async (t) => {
  nodeFs.writeFileSync(file, pattern(4_000_000));
  const handle = await open(file);
  const reads = Array.from({ length: 20 }, (_, index) =>
    handle.read(Buffer.alloc(100_000), 0, 100_000, index),
  );
  let closedEvents = 0;
  (handle as unknown as EventEmitter).on('close', () => closedEvents++);
  const closed = handle.close();
  t.equal(handle.close(), closed, 'the same promise');
  t.equal(closedEvents, 1);
  const results = await Promise.all(reads);
  t.ok(results.every(({ bytesRead }) => bytesRead === 100_000));
  await closed;
  t.equal(handle.fd, -1);
  await t.resolves(handle.close());
  const error = { message: 'file closed', code: 'EBADF', syscall: 'read' };
  await t.rejects(handle.read(Buffer.alloc(1), 0, 1, 0), error);
});

t.test(
  'a web stream ends when its handle is closed, locked or not, and holds it no longer than it reads',
  async (t) => {
    const before = descriptors();
    for (const type of [undefined, 'bytes'] as const) {
      const streamOf = (handle: FileHandle): ReadableStream =>
        (handle.readableWebStream as (options: object) => ReadableStream)({ type });
      const locked = await open(file);
      const reader = streamOf(locked).getReader();
      await Promise.all([locked.close(), reader.closed]);
      t.same(await reader.read(), { done: true, value: undefined }, `${type}`);

      const read = await open(file);
      for await (const chunk of streamOf(read)) {
        t.ok((chunk as Uint8Array).length > 0);
        break;
      }
      await read.close();

      const directory = await open(dir);
      await t.rejects(text(streamOf(directory) as never), { code: 'EISDIR' });
      await directory.close();
    }
    t.equal(await settledDescriptors(before), before);
  },
);

t.test('methods called with another `this` reject', async (t) => {
  const handle = await open(file);
  const error = { code: 'ERR_INTERNAL_ASSERTION', message: /handle must be an instance of FileHandle/ };
  for (const name of ['stat', 'sync', 'truncate', 'read', 'writev', 'readFile', 'chmod'] as const) {
    const method = Reflect.get(handle, name) as (this: object) => Promise<unknown>;
    await t.rejects(method.call({}), error, name);
  }
  await handle.close();
});

t.test('await using, lines, streams, web streams', async (t) => {
  const before = descriptors();
  {
    await using handle = await open(join(dir, 'lines'));
    const lines: string[] = [];
    for await (const line of handle.readLines()) lines.push(line);
    t.same(lines, ['one', 'two', 'three']);
    t.equal(handle.fd, -1, 'the stream has closed it');
  }
  {
    await using handle = await open(join(dir, 'lines'));
    const stream = handle.createReadStream({ start: 4, end: 6, autoClose: false });
    t.equal(await text(stream), 'two');
    t.ok(handle.fd >= 0);
    t.equal(await text(handle.readableWebStream()), 'one\ntwo\r\nthree');
    t.throws(() => handle.readableWebStream(), { code: 'ERR_INVALID_STATE' });
    stream.destroy();
  }
  const handle = await open(file, 'w+');
  const stream = handle.createWriteStream();
  stream.write('written ');
  stream.end('by a stream');
  await once(stream, 'close');
  t.equal(handle.fd, -1);
  t.equal(nodeFs.readFileSync(file, 'utf8'), 'written by a stream');
  t.equal(await settledDescriptors(before), before);
});

t.test('closing a handle closes its stream', async (t) => {
  const handle = await open(join(dir, 'lines'));
  const stream = handle.createReadStream();
  const closed = once(stream, 'close');
  await handle.close();
  await closed;
  t.ok(stream.destroyed);
});

t.test(
  'a handle that nobody closes is closed by the garbage collector, with a warning',
  options,
  async (t) => {
    const program = `
    import { open } from 'ringcore/fs/promises';
    import { readdirSync } from 'node:fs';
    import { setTimeout } from 'node:timers/promises';
    const warnings = [];
    process.on('warning', (warning) => warnings.push(warning.code ?? warning.message.replace(/\\d+/, 'N')));
    const before = readdirSync('/proc/self/fd').length;
    await (async () => { for (let i = 0; i < 10; i++) await open('/dev/null'); })();
    const between = readdirSync('/proc/self/fd').length - before;
    for (let i = 0; i < 50 && readdirSync('/proc/self/fd').length > before; i++) { gc(); await setTimeout(10); }
    console.log(JSON.stringify([between, readdirSync('/proc/self/fd').length - before, [...new Set(warnings)]]));`;
    const { stdout, stderr } = spawnSync(process.execPath, [
      '--expose-gc',
      '--no-warnings',
      '--input-type=module',
      '-e',
      program,
    ]);
    t.same(
      JSON.parse(String(stdout) || '0'),
      [10, 0, ['Closing file descriptor N on garbage collection', 'DEP0137']],
      String(stderr),
    );
  },
);
