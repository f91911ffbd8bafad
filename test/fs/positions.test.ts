// The file's own position: no byte is lost where writes are short, or where several requests are in flight.
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import nodeFs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import fs from 'ringcore/fs';
import { open, writeFile } from 'ringcore/fs/promises';
import { ring } from 'ringcore/core';
import t from 'tap';
import { descriptors, settledDescriptors } from './helpers.js';

const dir = t.testdir();
const file = join(dir, 'file');

/** What a module prints in a process that may write no more than 64 KiB (128 blocks of 512 bytes) to a file. */
function withFileLimit(body: string): unknown {
  nodeFs.rmSync(file, { force: true });
  const program = `
    import fs from 'ringcore/fs';
    import { open, writeFile } from 'ringcore/fs/promises';
    import nodeFs from 'node:fs';
    process.on('SIGXFSZ', () => {});
    const file = ${JSON.stringify(file)};
    const data = Buffer.alloc(100_000, 'x');
    data.fill('a', 0, 1000);
    const show = (value) => process.stdout.write(JSON.stringify(value));
    ${body}`;
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'ulimit -f 128; exec "$0" --input-type=module -e "$1"', process.execPath, program],
    { encoding: 'utf8' },
  );
  return stdout === '' ? stderr : JSON.parse(stdout);
}

const head = `nodeFs.readFileSync(file).subarray(0, 1001).toString() === 'a'.repeat(1000) + 'x'`;

t.test('a file size limit: EFBIG, and what is written is in its place', (t) => {
  const failing = (call: string): string => `
    const code = await ${call}.then(() => 'resolved', (error) => error.code);
    show([code, nodeFs.statSync(file).size, ${head}]);`;
  t.same(withFileLimit(failing('writeFile(file, data)')), ['EFBIG', 65536, true]);
  t.same(withFileLimit(failing('writeFile(file, data, { flush: true })')), ['EFBIG', 65536, true]);
  t.same(withFileLimit(failing(`writeFile(file, data, { flag: 'a' })`)), ['EFBIG', 65536, true]);
  t.same(withFileLimit(`const h = await open(file, 'w'); ${failing('h.writeFile(data)')}`), [
    'EFBIG',
    65536,
    true,
  ]);
  for (const flag of ['w', 'a', 'a+']) {
    const written = `
      const h = await open(file, '${flag}');
      const { bytesWritten } = await METHOD;
      const code = await h.write('more').then(() => 'resolved', (error) => error.code);
      const position = nodeFs.readFileSync('/proc/self/fdinfo/' + h.fd, 'latin1').match(/pos:\\s*(\\d+)/)[1];
      show([bytesWritten, code, nodeFs.statSync(file).size, ${head}, position]);`;
    const expected = [65536, 'EFBIG', 65536, true, '65536'];
    t.same(withFileLimit(written.replace('METHOD', 'h.write(data)')), expected, `write, ${flag}`);
    const vector = 'h.writev([data.subarray(0, 50_000), data.subarray(50_000)])';
    t.same(withFileLimit(written.replace('METHOD', vector)), expected, `writev, ${flag}`);
  }
  t.end();
});

t.test('a full file system: a stream ends with ENOSPC', async (t) => {
  const mounted = join(dir, 'full');
  nodeFs.mkdirSync(mounted);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mounted]).status !== 0) {
    return void t.pass('', { skip: 'no tmpfs can be mounted here' });
  }
  t.teardown(() => execFileSync('umount', ['-l', mounted]));
  const stream = fs.createWriteStream(join(mounted, 'file'));
  stream.write(Buffer.alloc(700_000, 'a'));
  stream.end(Buffer.alloc(700_000, 'b'));
  const [error] = (await once(stream, 'error')) as [NodeJS.ErrnoException];
  t.equal(error.code, 'ENOSPC');
  const content = nodeFs.readFileSync(join(mounted, 'file'));
  t.equal(content.length, 1_048_576);
  t.equal(content.indexOf('b'), 700_000);
  t.equal(content.lastIndexOf('a'), 699_999);
});

t.test('many writes at once at the own position', async (t) => {
  const handle = await open(file, 'w');
  const blocks = Array.from({ length: 20 }, (_, index) => Buffer.alloc(600_000, index + 1));
  await Promise.all(blocks.map((block, i) => (i % 2 ? handle.write(block) : handle.writev([block]))));
  await handle.close();
  t.ok(nodeFs.readFileSync(file).equals(Buffer.concat(blocks)), 'in the order of the calls');
});

t.test('many reads at once at the own position', async (t) => {
  const [count, bytes] = [12, 2_000_000];
  nodeFs.writeFileSync(file, Buffer.concat(Array.from({ length: count }, (_, i) => Buffer.alloc(bytes, i))));
  const fd = nodeFs.openSync(file, 'r');
  const read = promisify(fs.read) as unknown as (...args: unknown[]) => Promise<{ buffer: Buffer }>;
  const reads = Array.from({ length: count }, () => read(fd, Buffer.alloc(bytes), 0, bytes, null));
  const results = await Promise.all(reads);
  results.forEach(({ buffer }, index) => t.ok(buffer.equals(Buffer.alloc(bytes, index)), `block ${index}`));
  nodeFs.closeSync(fd);
});

t.test(
  'a FIFO: a read that waits does not hold up a write, nor a close, nor who gets the number next',
  async (t) => {
    const fifo = join(dir, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const fd = nodeFs.openSync(fifo, 'r+');
    const read = promisify(fs.read) as unknown as (...args: unknown[]) => Promise<{ buffer: Buffer }>;
    const reads = [read(fd, Buffer.alloc(1), 0, 1, null), read(fd, Buffer.alloc(1), 0, 1, null)];
    await promisify(fs.write)(fd, Buffer.from('12'), 0, 2, null);
    const results = await Promise.all(reads);
    t.same(
      results.map(({ buffer }) => buffer.toString()),
      ['1', '2'],
    );
    const feed = nodeFs.openSync(fifo, 'r+');
    const late = read(fd, Buffer.alloc(1), 0, 1, null);
    fs.closeSync(fd);
    const reused = nodeFs.openSync(fifo, 'r+');
    t.equal(reused, fd);
    const next = read(reused, Buffer.alloc(1), 0, 1, null);
    nodeFs.writeSync(feed, '34');
    await Promise.all([late, next]);
    nodeFs.closeSync(reused);
    nodeFs.closeSync(feed);
  },
);

t.test('writes that nobody waits for, and a close behind them', async (t) => {
  const fd = nodeFs.openSync(file, 'w');
  const write = promisify(fs.write) as unknown as (...args: unknown[]) => Promise<unknown>;
  const writes = ['one', 'two', 'three'].map((text) => write(fd, text));
  await Promise.all([...writes, promisify(fs.close)(fd)]);
  t.equal(nodeFs.readFileSync(file, 'latin1'), 'onetwothree');
});

t.test('a buffer that is detached while the file is being opened: an error', async (t) => {
  for (const options of [{}, { flush: true }]) {
    const bytes = new Uint8Array(1000).fill(7);
    const written = writeFile(file, bytes, options);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    await t.rejects(written, { code: 'EFAULT', syscall: 'write' });
  }
  const handle = await open(file, 'w');
  const bytes = new Uint8Array(2_000_000).fill(7);
  const written = handle.writeFile(bytes);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  await t.rejects(written, { code: 'EFAULT', syscall: 'write' });
  const views = [new Uint8Array(1000), new Uint8Array(1000)];
  const first = handle.write(Buffer.alloc(600_000));
  const second = handle.writev(views);
  structuredClone(views[1]!.buffer, { transfer: [views[1]!.buffer] });
  await first;
  await t.rejects(second, { code: 'EFAULT', syscall: 'write' });
  await handle.close();
});

t.test('the ring is closed while requests wait for their turn: each settles', async (t) => {
  const handle = await open(file, 'w');
  const all = Array.from({ length: 5 }, () => handle.write(Buffer.alloc(600_000, 1)));
  ring().close();
  const results = await Promise.allSettled(all);
  for (const result of results) {
    if (result.status === 'fulfilled') t.equal(result.value.bytesWritten, 600_000);
    else t.match(result.reason, { code: 'ECANCELED' });
  }
  await handle.close();
});

t.test('a worker that ends closes what it has left open', async (t) => {
  nodeFs.writeFileSync(file, 'content');
  const run = async (): Promise<void> => {
    const program = `
      import('ringcore/fs').then(async ({ default: fs }) => {
        globalThis.kept = [await fs.promises.open(${JSON.stringify(file)})];
        fs.open(${JSON.stringify(file)}, () => {
          const stream = fs.createReadStream(${JSON.stringify(file)});
          stream.once('open', () => process.exit());
        });
      });`;
    await once(new Worker(program, { eval: true }), 'exit');
  };
  await run();
  await wait(10);
  const before = descriptors();
  for (let round = 0; round < 3; round++) await run();
  t.equal(await settledDescriptors(before), before);
  const held = nodeFs.readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return nodeFs.readlinkSync(`/proc/self/fd/${fd}`) === file;
    } catch {
      return false;
    }
  });
  t.same(held, []);
});
