// writeFile and appendFile: everything is written, or there is an error.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import fs from 'ringcore/fs';
import { appendFile, open, writeFile } from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, pattern, settledDescriptors } from './helpers.js';

const dir = t.testdir();
const target = join(dir, 'target');
const written = (): Buffer => nodeFs.readFileSync(target);
const throwing = (message: string) => (): never => {
  throw new Error(message);
};

t.test('data of many sizes', async (t) => {
  const before = descriptors();
  for (const size of [0, 1, 4096, 524_287, 524_288, 524_289, 1_500_000]) {
    const data = pattern(size);
    await writeFile(target, data);
    t.ok(written().equals(data), `${size} bytes`);
    await writeFile(target, data, { flush: true });
    t.ok(written().equals(data), `${size} bytes, flushed`);
    await appendFile(target, data);
    t.ok(written().equals(Buffer.concat([data, data])), `${size} bytes more`);
    await promisify(fs.writeFile)(target, data);
    t.ok(written().equals(data), `${size} bytes, callback`);
  }
  t.equal(await settledDescriptors(before), before);
});

t.test('data of many kinds', async (t) => {
  const text = 'text é 𝒳';
  const bytes = Buffer.from(text);
  async function* generate(): AsyncGenerator<string | Buffer> {
    for (const letter of text) yield letter;
  }
  const kinds: [name: string, data: Parameters<typeof writeFile>[1]][] = [
    ['a string', text],
    ['a Buffer', bytes],
    ['a Uint8Array', new Uint8Array(bytes)],
    ['a DataView', new DataView(bytes.buffer, bytes.byteOffset, bytes.length)],
    ['an array', [...text]],
    ['an async generator', generate()],
    ['a stream', Readable.from([bytes.subarray(0, 3), bytes.subarray(3)])],
  ];
  for (const [name, data] of kinds) {
    await writeFile(target, data);
    t.equal(written().toString(), text, name);
  }
  await writeFile(target, 'é', 'latin1');
  t.same([...written()], [0xe9]);
  await writeFile(target, ['é', 'a'], { encoding: 'latin1' });
  t.same([...written()], [0xe9, 0x61]);
});

t.test('an iterable that throws: the error, and the file is closed', async (t) => {
  const before = descriptors();
  let left = false;
  async function* faulty(): AsyncGenerator<string> {
    try {
      yield 'one';
      throw new Error('no more');
    } finally {
      left = true;
    }
  }
  await t.rejects(writeFile(target, faulty()), { message: 'no more' });
  t.ok(left);
  t.equal(written().toString(), 'one');
  async function* wrong(): AsyncGenerator<number> {
    try {
      yield 5;
    } finally {
      left = false;
    }
  }
  await t.rejects(writeFile(target, wrong() as unknown as AsyncIterable<string>), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
  t.notOk(left, 'the iterator has been left');
  t.equal(await settledDescriptors(before), before);
});

t.test('iterators are used as `for await` uses them', async (t) => {
  let returned = 0;
  const source = (next: () => unknown, name: symbol = Symbol.asyncIterator): AsyncIterable<string> => {
    const leave = async (): Promise<never> => {
      await sleep(5);
      returned++;
      throw new Error('not this one');
    };
    return { [name]: () => ({ next, return: leave }) } as never;
  };
  await writeFile(target, [Promise.resolve('a'), 'b'] as never);
  t.equal(written().toString(), 'ab', 'promises of a synchronous iterator');
  const values = 'xy'[Symbol.iterator].bind('xy');
  await writeFile(target, { [Symbol.asyncIterator]: null, [Symbol.iterator]: values } as never);
  t.equal(written().toString(), 'xy');
  for (const failing of [() => Promise.reject(new Error('no more')), throwing('no more')]) {
    await t.rejects(writeFile(target, source(failing)), { message: 'no more' });
  }
  await t.rejects(
    writeFile(
      target,
      source(() => 5),
    ),
    { message: 'Iterator result 5 is not an object' },
  );
  t.equal(returned, 0, 'what has failed by itself is not left');
  const wrong = (): object => ({ done: false, value: 5 });
  await t.rejects(writeFile(target, source(wrong)), { code: 'ERR_INVALID_ARG_TYPE' });
  t.equal(returned, 1, 'what is left is waited for');
  const sync = { [Symbol.iterator]: () => ({ next: wrong, return: throwing('not this one') }) };
  await t.rejects(writeFile(target, sync as never), { code: 'ERR_INVALID_ARG_TYPE' });
});

t.test('modes and flags', async (t) => {
  const umask = process.umask(0o022);
  t.teardown(() => process.umask(umask));
  const fresh = join(dir, 'fresh');
  await writeFile(fresh, '', { mode: 0o777 });
  t.equal(nodeFs.statSync(fresh).mode & 0o777, 0o755);
  await t.rejects(writeFile(fresh, '', { flag: 'wx' }), { code: 'EEXIST', syscall: 'open', path: fresh });
  await t.rejects(writeFile(join(dir, 'absent', 'file'), ''), { code: 'ENOENT' });
  await t.rejects(writeFile(dir, ''), { code: 'EISDIR' });
});

t.test('a full device: the error, and the file is closed', async (t) => {
  const before = descriptors();
  for (const size of [5, 600_000]) {
    const full = { code: 'ENOSPC', syscall: 'write' };
    await t.rejects(writeFile('/dev/full', pattern(size)), full);
    await t.rejects(writeFile('/dev/full', pattern(size), { flush: true }), full);
    await t.rejects(promisify(fs.writeFile)('/dev/full', pattern(size)), full);
  }
  t.equal(await settledDescriptors(before), before);
});

t.test('short writes resume: a pipe takes what it has room for', async (t) => {
  const fifo = join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const data = pattern(1_300_000);
  const writes: [name: string, write: () => Promise<unknown>][] = [
    ['writeFile', () => writeFile(fifo, data)],
    ['writeFile, callback', () => promisify(fs.writeFile)(fifo, data)],
    ['writeFile in pieces', () => writeFile(fifo, [data.subarray(0, 700_000), data.subarray(700_000)])],
    [
      'a handle',
      async () => {
        await using handle = await open(fifo, 'w');
        const half = data.length / 2;
        t.equal((await handle.write(data, 0, half)).bytesWritten, half);
        const rest = [
          data.subarray(half, half + 5),
          data.subarray(half + 5, 800_000),
          data.subarray(800_000),
        ];
        t.equal((await handle.writev(rest)).bytesWritten, half);
      },
    ],
    [
      'a stream',
      () =>
        new Promise((resolve, reject) => {
          const stream = fs
            .createWriteStream(fifo)
            .on('error', reject)
            .on('close', () => resolve(undefined));
          for (let at = 0; at < data.length; at += 100_000) stream.write(data.subarray(at, at + 100_000));
          stream.end();
        }),
    ],
  ];
  for (const [name, write] of writes) {
    // Reads slowly, in odd pieces.
    const reader = spawn('sh', ['-c', 'sleep 0.1; exec dd bs=777 status=none < "$0"', fifo], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const chunks: Buffer[] = [];
    reader.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = once(reader, 'close');
    await write();
    await ended;
    t.ok(Buffer.concat(chunks).equals(data), name);
  }
});

t.test('a descriptor and a handle stay open, and go on where they were', async (t) => {
  const handle = await open(target, 'w+');
  await writeFile(handle, 'one ');
  await handle.writeFile('two ');
  await handle.appendFile('three four ');
  await promisify(fs.writeFile)(handle.fd, 'five ');
  await promisify(fs.appendFile)(handle.fd, 'six');
  t.equal(written().toString(), 'one two three four five six');
  await handle.close();
});

t.test('functions that a program has put in place are called', async (t) => {
  const calls: string[] = [];
  const patched = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of ['open', 'write', 'fsync', 'close']) {
    const original = patched[name]!;
    patched[name] = (...args) => {
      calls.push(name);
      return original(...args);
    };
    t.teardown(() => (patched[name] = original));
  }
  await promisify(fs.writeFile)(target, 'patched', { flush: true });
  t.equal(written().toString(), 'patched');
  t.same(calls, ['open', 'write', 'fsync', 'close']);
});

t.test('nothing, to a descriptor that cannot be written to', async (t) => {
  nodeFs.writeFileSync(target, '');
  const readOnly = nodeFs.openSync(target, 'r');
  const writable = nodeFs.openSync(target, 'w');
  const detached = new Uint8Array(4);
  structuredClone(detached, { transfer: [detached.buffer] });
  for (const name of ['writeFile', 'appendFile'] as const) {
    for (const fd of [98_765, readOnly, writable]) {
      for (const data of ['', new Uint8Array(0), detached]) {
        const facts = (module: typeof nodeFs): Promise<unknown> =>
          new Promise((resolve) =>
            module[name](fd, data, (error) => resolve(error && { ...error, message: error.message })),
          );
        t.strictSame(await facts(fs), await facts(nodeFs), `${name} ${fd}`);
      }
    }
  }
  nodeFs.closeSync(readOnly);
  nodeFs.closeSync(writable);
});

t.test('nothing, to a FileHandle that is closed', async (t) => {
  for (const [openFile, write] of [
    [open, writeFile],
    [nodePromises.open, nodePromises.writeFile],
  ] as const) {
    const handle = await openFile(target);
    await handle.close();
    await t.resolves(write(handle, ''));
    await t.resolves(write(handle, new Uint8Array(0)));
    await t.rejects(write(handle, 'x'), { code: 'EBADF', syscall: 'write' });
  }
});
