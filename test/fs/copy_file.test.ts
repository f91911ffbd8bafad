// copyFile: node's results and errors, every byte, and nothing left behind when it fails or is stopped.
import { execFileSync, spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { backend, stats } from 'ringcore/core';
import fs from 'ringcore/fs';
import { copyFile } from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, listeners, outcome, pattern, settledDescriptors } from './helpers.js';

const { COPYFILE_EXCL, COPYFILE_FICLONE, COPYFILE_FICLONE_FORCE } = nodeFs.constants;
const dir = t.testdir();
const at = (...names: string[]): string => join(dir, ...names);
const options = backend.name === 'io_uring' ? {} : { skip: 'this is the node backend' };
const copyBack = promisify(fs.copyFile);
type Limited = (
  source: string,
  dest: string,
  mode: number,
  limits: { signal?: AbortSignal; timeout?: number },
) => Promise<void>;
const limited = copyFile as Limited;
const isRoot = process.geteuid?.() === 0;
const mib = 1024 * 1024;

/** A file without a block on the disk. */
function sparse(name: string, bytes: number): string {
  nodeFs.closeSync(nodeFs.openSync(at(name), 'w'));
  nodeFs.truncateSync(at(name), bytes);
  return at(name);
}

t.test('every byte, whatever the size', async (t) => {
  for (const bytes of [0, 1, 4096, 64 * 1024, 64 * 1024 + 1, mib - 1, mib, mib + 1, 4 * mib, 9 * mib + 13]) {
    const content = pattern(bytes);
    nodeFs.writeFileSync(at('source'), content);
    nodeFs.rmSync(at('copy'), { force: true });
    t.equal(await copyFile(at('source'), at('copy')), undefined);
    t.ok(nodeFs.readFileSync(at('copy')).equals(content), `${bytes} bytes to a new file`);
    nodeFs.writeFileSync(at('copy'), Buffer.alloc(bytes + 100_000, 1));
    await copyBack(at('source'), at('copy'));
    t.ok(nodeFs.readFileSync(at('copy')).equals(content), `${bytes} bytes over a longer file`);
  }
});

const copiesByReading = [0xef53, 0x01021994].includes(nodeFs.statfsSync(dir).type);
const plain = copiesByReading ? options : { skip: 'this file system copies by itself, or may: node does it' };

t.test('large files go through a pipe in the kernel', plain, async (t) => {
  nodeFs.writeFileSync(at('source'), pattern(3 * mib));
  const before = stats().operations.splice ?? 0;
  await copyFile(at('source'), at('spliced'));
  t.equal((stats().operations.splice ?? 0) - before, 6);
});

t.test('permissions are the source’s, whatever the umask', async (t) => {
  nodeFs.writeFileSync(at('mode'), 'x');
  for (const mode of [0o644, 0o777, 0o600, 0o444, 0o4755, 0o2755]) {
    nodeFs.chmodSync(at('mode'), mode);
    for (const existing of [false, true]) {
      for (const [name, copy] of [
        ['node', nodePromises.copyFile],
        ['ringcore', copyFile],
      ] as const) {
        nodeFs.rmSync(at(name), { force: true });
        if (existing) nodeFs.writeFileSync(at(name), 'old', { mode: 0o640 });
        await copy(at('mode'), at(name));
      }
      const expected = nodeFs.statSync(at('node')).mode;
      t.equal(nodeFs.statSync(at('ringcore')).mode, expected, `${mode.toString(8)} ${existing}`);
      t.equal(expected & 0o777, mode & 0o777);
    }
  }
});

t.test('a file onto itself stays as it is', async (t) => {
  nodeFs.writeFileSync(at('self'), 'content');
  nodeFs.linkSync(at('self'), at('hard'));
  nodeFs.symlinkSync('self', at('soft'));
  for (const other of ['self', 'hard', 'soft']) {
    await copyFile(at('self'), at(other));
    await copyFile(at(other), at('self'));
    t.equal(nodeFs.readFileSync(at('self'), 'utf8'), 'content', other);
  }
  t.ok(nodeFs.lstatSync(at('soft')).isSymbolicLink());
});

t.test('through links, and over them', async (t) => {
  nodeFs.writeFileSync(at('linked'), 'new');
  nodeFs.symlinkSync('linked', at('to-linked'));
  nodeFs.symlinkSync('not-yet', at('dangling'));
  await copyFile(at('to-linked'), at('dangling'));
  t.equal(nodeFs.readFileSync(at('not-yet'), 'utf8'), 'new');
  await t.rejects(copyFile(at('linked'), at('dangling'), COPYFILE_EXCL), { code: 'EEXIST' });
});

/** The same call on node's and on ours, each in a directory of its own that looks the same. */
async function both(
  make: (base: string) => void,
  call: (copy: typeof copyFile, base: string) => Promise<unknown>,
): Promise<[unknown, unknown]> {
  const results = [];
  for (const copy of [nodePromises.copyFile, copyFile]) {
    nodeFs.rmSync(at('base'), { recursive: true, force: true });
    nodeFs.mkdirSync(at('base'));
    make(at('base'));
    const result = await outcome(() => call(copy, at('base')));
    const { dest } = await call(copy, at('base')).then(
      () => ({ dest: undefined }),
      (error: { dest?: string }) => error,
    );
    results.push({ result, dest, names: nodeFs.readdirSync(at('base')) });
  }
  return results as [unknown, unknown];
}

t.test('errors are node’s, and so is what is left', async (t) => {
  const make = (base: string): void => {
    nodeFs.writeFileSync(join(base, 'file'), 'x');
    nodeFs.writeFileSync(join(base, 'other'), 'yy');
    nodeFs.mkdirSync(join(base, 'directory'));
  };
  const pairs: [string, string, number?][] = [
    ['none', 'new'],
    ['file', 'none/new'],
    ['file', 'file/new'],
    ['file', 'directory'],
    ['directory', 'new'],
    ['directory', 'other'],
    ['directory', 'directory'],
    ['file', 'other', COPYFILE_EXCL],
    ['file', 'file', COPYFILE_EXCL],
    ['none', 'other', COPYFILE_EXCL],
    ['file', 'new', COPYFILE_FICLONE],
    ['file', 'new', COPYFILE_FICLONE_FORCE],
    ['file', 'n'.repeat(300)],
  ];
  for (const [source, dest, mode] of pairs) {
    const [expected, found] = await both(make, (copy, base) =>
      copy(join(base, source), join(base, dest), mode),
    );
    t.same(found, expected, `${source} to ${dest.slice(0, 20)} ${mode}`);
  }
});

t.test('arguments are checked as node checks them', async (t) => {
  nodeFs.writeFileSync(at('file'), 'x');
  const file = at('file');
  for (const args of [
    [],
    [1, 'b'],
    ['a', null],
    ['a\0', 'b'],
    ['a', 'b\0'],
    [file, at('n'), 8],
    [file, at('n'), -1],
    [file, at('n'), 'x'],
    [file, at('n'), {}],
    [file, at('n'), NaN],
  ]) {
    const call = (copy: unknown): unknown => (copy as (...args: unknown[]) => unknown)(...args);
    t.same(await outcome(() => call(copyFile)), await outcome(() => call(nodePromises.copyFile)));
    const withCallback = (copy: unknown): unknown =>
      (copy as (...args: unknown[]) => unknown)(...args, () => {});
    t.same(
      await outcome(() => withCallback(fs.copyFile)),
      await outcome(() => withCallback(nodeFs.copyFile)),
      `callback, ${args.length} arguments`,
    );
  }
  const bare = (copy: unknown): unknown => (copy as (...args: unknown[]) => unknown)(file, at('n'));
  t.same(await outcome(() => bare(fs.copyFile)), await outcome(() => bare(nodeFs.copyFile)));
  await t.rejects(limited(file, at('n'), 0, { timeout: -1 }), { code: 'ERR_OUT_OF_RANGE' });
  t.notOk(nodeFs.existsSync(at('n')));
});

t.test('the callback: null alone, later, without a this', async (t) => {
  nodeFs.writeFileSync(at('file'), 'x');
  for (const rest of [[], [0], [undefined], [0, {}]]) {
    let isLater = false;
    const seen = await new Promise((resolve) => {
      const callback = function (this: unknown, ...args: unknown[]): void {
        resolve([this, args, isLater]);
      };
      (fs.copyFile as (...args: unknown[]) => void)(at('file'), at('called'), ...rest, callback);
      isLater = true;
    });
    t.same(seen, [undefined, [null], true]);
  }
});

t.test('a file whose size is not known is empty, as node’s', async (t) => {
  await copyFile('/proc/self/status', at('status'));
  t.equal(nodeFs.statSync(at('status')).size, 0);
});

t.test('names that are not UTF-8, and URLs', async (t) => {
  const name = Buffer.concat([Buffer.from(at('')), Buffer.from([0x2f, 0xff, 0xfe])]);
  nodeFs.writeFileSync(name, 'odd');
  await copyFile(name, new URL(`file://${at('from-odd')}`));
  t.equal(nodeFs.readFileSync(at('from-odd'), 'utf8'), 'odd');
});

t.test('a sparse file takes no more blocks than with node', async (t) => {
  const source = sparse('holes', 4 * mib);
  await nodePromises.copyFile(source, at('node-holes'));
  await copyFile(source, at('ring-holes'));
  const blocks = (name: string): number => nodeFs.statSync(at(name)).blocks;
  t.equal(nodeFs.statSync(at('ring-holes')).size, 4 * mib);
  t.ok(blocks('ring-holes') <= blocks('node-holes'), `${blocks('ring-holes')} of ${blocks('node-holes')}`);
});

t.test('a source that becomes shorter meanwhile: a prefix, and no waiting for the rest', async (t) => {
  const content = pattern(24 * mib);
  for (let round = 0; round < 8; round++) {
    nodeFs.writeFileSync(at('shrinking'), content);
    const copying = copyFile(at('shrinking'), at('shrunk'));
    for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setImmediate(resolve));
    nodeFs.truncateSync(at('shrinking'), mib + 5);
    await copying;
    const found = nodeFs.readFileSync(at('shrunk'));
    t.ok(found.length >= mib + 5 && found.equals(content.subarray(0, found.length)), `${found.length} bytes`);
  }
});

t.test('no space left: the error, and no partial file', async (t) => {
  const small = at('small');
  nodeFs.mkdirSync(small);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small]).status !== 0) {
    return void t.pass('', { skip: 'mounting a small file system is not allowed here' });
  }
  t.teardown(() => execFileSync('umount', ['-l', small]));
  nodeFs.writeFileSync(at('big'), pattern(5 * mib));
  nodeFs.writeFileSync(at('fits-not'), pattern(40_000));
  const before = descriptors();
  const facts = { code: 'ENOSPC', syscall: 'copyfile', path: at('big'), dest: join(small, 'copy') };
  await t.rejects(copyFile(at('big'), join(small, 'copy')), facts);
  t.same(nodeFs.readdirSync(small), []);
  nodeFs.writeFileSync(join(small, 'filler'), pattern(2 * mib - 8192));
  await t.rejects(copyFile(at('fits-not'), join(small, 'copy')), { code: 'ENOSPC', syscall: 'copyfile' });
  t.same(nodeFs.readdirSync(small), ['filler']);
  t.equal(await settledDescriptors(before), before);
});

t.test('without permission', { skip: !isRoot && 'only root can become somebody else' }, async (t) => {
  nodeFs.chmodSync(dir, 0o755);
  const make = (base: string): void => {
    nodeFs.chmodSync(base, 0o755);
    nodeFs.writeFileSync(join(base, 'secret'), 'x', { mode: 0o600 });
    nodeFs.writeFileSync(join(base, 'open'), 'x', { mode: 0o644 });
    nodeFs.writeFileSync(join(base, 'others'), 'old', { mode: 0o666 });
    nodeFs.chmodSync(join(base, 'others'), 0o666);
    nodeFs.mkdirSync(join(base, 'free'));
    nodeFs.chmodSync(join(base, 'free'), 0o777);
  };
  for (const [source, dest] of [
    ['secret', 'free/new'],
    ['open', 'new'],
    ['open', 'secret'],
    ['open', 'others'],
  ] as const) {
    const [expected, found] = await both(make, async (copy, base) => {
      process.seteuid!(65534);
      try {
        return await copy(join(base, source), join(base, dest));
      } finally {
        process.seteuid!(0);
      }
    });
    t.same(found, expected, `${source} to ${dest}`);
  }
});

t.test('aborted in the middle: no descriptor, no partial file', options, async (t) => {
  const before = descriptors();
  const source = sparse('long', 256 * mib);
  for (const delay of [0, 1, 3, 10]) {
    const controller = new AbortController();
    const { signal } = controller;
    const copying = limited(source, at('partial'), 0, { signal });
    setTimeout(() => controller.abort('enough'), delay);
    await t.rejects(copying, { name: 'AbortError', cause: 'enough' });
    t.equal(listeners(signal), 0);
    for (let round = 0; round < 300 && stats().inFlight > 0; round++) await wait(10);
    t.equal(await settledDescriptors(before), before);
    for (let round = 0; round < 100 && nodeFs.existsSync(at('partial')); round++) await wait(10);
    t.notOk(nodeFs.existsSync(at('partial')), `after ${delay} ms`);
  }
  await t.rejects(limited(source, at('partial'), 0, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  t.notOk(nodeFs.existsSync(at('partial')));
});

t.test('500 aborted at every moment: a whole file or none', options, async (t) => {
  const before = descriptors();
  nodeFs.writeFileSync(at('source'), pattern(20_000));
  nodeFs.mkdirSync(at('many'));
  let aborted = 0;
  await Promise.all(
    Array.from({ length: 500 }, async (_, index) => {
      const controller = new AbortController();
      const copying = limited(at('source'), at('many', String(index)), 0, { signal: controller.signal });
      if (index % 3 === 0) setTimeout(() => controller.abort(), index / 50);
      else if (index % 3 === 1) setImmediate(() => controller.abort());
      await copying.catch((error: Error) => {
        if (error.name !== 'AbortError') throw error;
        aborted++;
      });
    }),
  );
  t.ok(aborted > 100 && aborted < 500, `${aborted} were in time`);
  for (let round = 0; round < 300 && stats().inFlight > 0; round++) await wait(10);
  t.equal(await settledDescriptors(before), before);
  const sizes = nodeFs.readdirSync(at('many')).map((name) => nodeFs.statSync(at('many', name)).size);
  t.ok(sizes.every((size) => size === 20_000));
  t.ok(sizes.length >= 500 - aborted);
});

t.test('a timeout: a FIFO that nobody writes to', options, async (t) => {
  const before = descriptors();
  execFileSync('mkfifo', [at('fifo')]);
  const late = { name: 'TimeoutError', code: 'ETIMEDOUT' };
  await t.rejects(limited(at('fifo'), at('from-fifo'), 0, { timeout: 30 }), late);
  const error = await new Promise((resolve) => {
    const call = fs.copyFile as unknown as (...args: unknown[]) => void;
    call(at('fifo'), at('from-fifo'), 0, { timeout: 30 }, resolve);
  });
  t.match(error, late);
  t.notOk(nodeFs.existsSync(at('from-fifo')));
  t.equal(await settledDescriptors(before), before);
});

t.test('however many at once, descriptors do not run out, and memory neither', async (t) => {
  const before = descriptors();
  nodeFs.writeFileSync(at('source'), pattern(5000));
  nodeFs.mkdirSync(at('crowd'));
  let most = 0;
  await Promise.all(
    Array.from({ length: 600 }, async (_, index) => {
      await copyFile(at('source'), at('crowd', String(index)));
      if (index % 20 === 0) most = Math.max(most, descriptors());
    }),
  );
  t.equal(nodeFs.readdirSync(at('crowd')).length, 600);
  t.ok(most < before + 80, `${most - before} more`);
  t.equal(await settledDescriptors(before), before);

  const source = sparse('wide', 256 * mib);
  await copyFile(source, at('wide-copy'));
  const rss = process.memoryUsage().rss;
  await copyFile(source, at('wide-copy'));
  const growth = (process.memoryUsage().rss - rss) / mib;
  t.ok(growth < 16, `${growth.toFixed(1)} MiB`);
});
