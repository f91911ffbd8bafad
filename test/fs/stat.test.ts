// stat, lstat, fstat: the same answers as node's, whether they come from memory or through the ring.
import { AsyncLocalStorage } from 'node:async_hooks';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import net from 'node:net';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect, isDeepStrictEqual, promisify } from 'node:util';
import { ring } from 'ringcore/core';
import fs from 'ringcore/fs';
import { lstat, open, stat } from 'ringcore/fs/promises';
import t, { type Test } from 'tap';
import { answeredAtOnce, newTurn, useUpTurn } from './at_once.js';
import { descriptors, outcome, settledDescriptors } from './helpers.js';

type AnyStats = nodeFs.Stats | nodeFs.BigIntStats;
type Path = string | Buffer | URL;
type Method = 'stat' | 'lstat';

const dir = t.testdir({ regular: 'content', empty: '', old: '', sub: { file: 'x' } });
const at = (name: string): string => join(dir, name);

/** Everything there is to see of a Stats. */
function facts(stats: unknown): unknown {
  if (!(stats instanceof Object)) return stats;
  const { atime, mtime, ctime, birthtime } = stats as AnyStats;
  const fields = stats as Record<string | symbol, unknown>;
  return {
    prototype: Object.getPrototypeOf(stats) as object,
    shown: Object.keys(stats),
    own: Reflect.ownKeys(stats).map((key) => [key, fields[key]]),
    dates: [atime, mtime, ctime, birthtime].map((date) => date.getTime()),
    isFile: (stats as AnyStats).isFile(),
    isSymbolicLink: (stats as AnyStats).isSymbolicLink(),
  };
}

const result = (call: () => unknown): Promise<unknown> => outcome(call, facts);

/** Compares with node between two equal answers of node's: something else may change a file at any time. */
async function same(
  t: Test,
  name: string,
  ours: () => unknown,
  nodes: () => Promise<unknown>,
): Promise<void> {
  for (;;) {
    const before = await nodes();
    const found = await ours();
    if (!isDeepStrictEqual(before, await nodes())) continue;
    t.ok(isDeepStrictEqual(found, before), name, { found, wanted: before });
    return;
  }
}

/** Both functions, both kinds of numbers, from memory and through the ring. */
async function sameByPath(t: Test, path: Path, name: string): Promise<void> {
  for (const method of ['stat', 'lstat'] as Method[]) {
    for (const bigint of [false, true]) {
      const own = { stat, lstat }[method] as (path: Path, options: object) => Promise<AnyStats>;
      const nodes = (): Promise<unknown> => result(() => nodePromises[method](path, { bigint }));
      const label = `${method} ${name}${bigint ? ', bigint' : ''}`;
      await newTurn();
      await same(t, label, () => result(() => own(path, { bigint })), nodes);
      const used = async (): Promise<unknown> => {
        await newTurn();
        const before = ring().stats().operations.statx ?? 0;
        useUpTurn();
        const found = await result(() => own(path, { bigint }));
        t.equal(ring().stats().operations.statx, before + 1, `${label}: through the ring`);
        return found;
      };
      await same(t, `${label}, through the ring`, used, nodes);
    }
  }
}

t.test('the same as node, of every kind of file', async (t) => {
  const server = net.createServer().listen(at('socket'));
  await once(server, 'listening');
  t.teardown(() => void server.close());
  execFileSync('mkfifo', [at('fifo')]);
  for (const [name, target] of Object.entries({
    link: 'regular',
    toDir: 'sub',
    dangling: 'absent',
    loop: 'loop',
  })) {
    nodeFs.symlinkSync(target, at(name));
  }
  nodeFs.linkSync(at('regular'), at('second name'));
  nodeFs.writeFileSync(at('sparse'), '');
  nodeFs.truncateSync(at('sparse'), 2 ** 33 + 1);
  // Before 1970 the seconds are negative, the nanoseconds are not.
  nodeFs.utimesSync(at('old'), new Date(-1250.5), new Date(-40_691_500.25));
  const names =
    'regular,empty,old,sub,sub/file,link,link/,toDir,toDir/,dangling,loop,fifo,socket,sparse,second name';
  for (const name of names.split(',')) await sameByPath(t, at(name), name);
  for (const path of [
    '/',
    '.',
    '..',
    '/dev/null',
    '/dev/shm',
    '/proc/version',
    '/proc/self',
    '/sys/kernel',
    '/dev/ptmx',
  ]) {
    await sameByPath(t, path, path);
  }
});

t.test('the same errors', async (t) => {
  const paths = [
    at('absent'),
    at('regular/x'),
    at('absent/x'),
    '',
    `${dir}/${'n'.repeat(256)}`,
    '/x'.repeat(5000),
  ];
  for (const path of paths) await sameByPath(t, path, `${path.slice(-20)} (${path.length})`);
});

t.test('paths that are no strings', async (t) => {
  const name = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0x66, 0xff, 0xfe])]);
  nodeFs.writeFileSync(name, 'not UTF-8');
  await sameByPath(t, name, 'bytes');
  await sameByPath(t, Buffer.from(`${dir}/\xff`, 'latin1'), 'bytes of no file');
  await sameByPath(t, pathToFileURL(at('regular')), 'a URL');
  nodeFs.writeFileSync(at('größe €𝄞'), '');
  await sameByPath(t, at('größe €𝄞'), 'characters of 2, 3 and 4 bytes');
});

t.test('invalid arguments', async (t) => {
  type Loose = (...args: unknown[]) => unknown;
  for (const path of [undefined, null, 1, {}, 'a\0b', Buffer.from('a\0')]) {
    for (const method of ['stat', 'lstat'] as Method[]) {
      const [ours, nodes] = [{ stat, lstat }[method] as Loose, nodePromises[method] as Loose];
      t.same(await outcome(() => ours(path)), await outcome(() => nodes(path)), `${method} ${inspect(path)}`);
    }
  }
  const ignore = (): void => {};
  for (const method of ['stat', 'lstat', 'fstat'] as const) {
    const [ours, nodes] = [fs[method] as Loose, nodeFs[method] as Loose];
    for (const args of [
      ['/'],
      ['/', {}],
      ['/', {}, 1],
      [undefined, ignore],
      [{}, ignore],
      [-1, ignore],
      [1.5, ignore],
    ]) {
      if (method === 'fstat' && args[0] === '/') args[0] = 0;
      const [own, node] = [await outcome(() => ours(...args)), await outcome(() => nodes(...args))];
      t.same(own, node, `${method} ${inspect(args)}`);
    }
    t.same([ours.name, ours.length], [nodes.name, nodes.length]);
  }
});

t.test('descriptors', async (t) => {
  const fstat = promisify(fs.fstat) as (fd: number, options?: object) => Promise<AnyStats>;
  const nodeFstat = promisify(nodeFs.fstat) as typeof fstat;
  const server = net.createServer().listen(0);
  await once(server, 'listening');
  const socket = (server as unknown as { _handle: { fd: number } })._handle.fd;
  t.teardown(() => void server.close());
  execFileSync('mkfifo', [at('open fifo')]);
  const pipe = nodeFs.openSync(at('open fifo'), 'r+');
  const fds = [
    nodeFs.openSync(at('regular'), 'r'),
    nodeFs.openSync(dir, 'r'),
    nodeFs.openSync('/dev/null', 'r'),
  ];
  for (const fd of [...fds, 0, socket, pipe, 1_000_000]) {
    for (const bigint of [false, true]) {
      const nodes = (): Promise<unknown> => result(() => nodeFstat(fd, { bigint }));
      await newTurn();
      await same(t, `fstat ${fd}`, () => result(() => fstat(fd, { bigint })), nodes);
      const used = async (): Promise<unknown> => {
        await newTurn();
        useUpTurn();
        return result(() => fstat(fd, { bigint }));
      };
      await same(t, `fstat ${fd}, through the ring`, used, nodes);
    }
  }
  for (const fd of [...fds, pipe]) nodeFs.closeSync(fd);
});

t.test('a FileHandle', async (t) => {
  const handle = await open(at('regular'));
  const nodes = async (): Promise<unknown> => facts(nodeFs.fstatSync(handle.fd));
  await same(t, 'stat', async () => facts(await handle.stat()), nodes);
  const nodesBig = async (): Promise<unknown> => facts(nodeFs.fstatSync(handle.fd, { bigint: true }));
  await same(t, 'bigint', async () => facts(await handle.stat({ bigint: true })), nodesBig);
  await t.rejects(handle.stat({ signal: AbortSignal.abort() } as object), { name: 'AbortError' });
  await handle.close();
  await t.rejects(handle.stat(), { code: 'EBADF', syscall: 'fstat', message: 'file closed' });
});

t.test('what has changed shows', async (t) => {
  const path = at('changing');
  for (let round = 0; round < 3; round++) {
    await t.rejects(stat(path), { code: 'ENOENT' });
    await t.rejects(stat(path), { code: 'ENOENT' }, 'from memory');
    nodeFs.writeFileSync(path, 'four');
    t.equal((await stat(path)).size, 4);
    nodeFs.appendFileSync(path, '!');
    nodeFs.chmodSync(path, 0o600);
    const { size, mode } = await stat(path);
    t.same([size, mode & 0o777], [5, 0o600]);
    nodeFs.renameSync(path, at('renamed'));
    t.equal((await stat(at('renamed'))).size, 5);
    nodeFs.rmSync(at('renamed'));
    nodeFs.mkdirSync(path);
    t.ok((await stat(path)).isDirectory());
    nodeFs.rmdirSync(path);
  }
});

t.test('relative to the working directory', async (t) => {
  const before = process.cwd();
  t.teardown(() => process.chdir(before));
  process.chdir(dir);
  t.equal((await stat('regular')).size, 7);
  process.chdir('sub');
  await t.rejects(stat('regular'), { code: 'ENOENT', path: 'regular' });
  t.equal((await stat('../regular')).size, 7);
});

t.test('a file of a local file system is answered at once', async (t) => {
  await stat(at('regular'));
  t.equal(await answeredAtOnce(() => stat(at('regular'))), 1);
  t.equal(await answeredAtOnce(() => stat(at('absent')).catch(() => {})), 1, 'and that there is none');
  const handle = await open(at('regular'));
  t.equal(await answeredAtOnce(() => handle.stat()), 1);
  await handle.close();
  t.equal(await answeredAtOnce(() => stat(`/proc/self/fd/0`)), 0, 'not where the kernel may have to wait');
});

t.test('what is not in memory comes through the ring', async (t) => {
  const fresh = Array.from({ length: 20 }, (_, index) => at(`cold ${index}`));
  for (const path of fresh) {
    const fd = nodeFs.openSync(path, 'w');
    nodeFs.writeSync(fd, basename(path));
    nodeFs.fsyncSync(fd);
    nodeFs.closeSync(fd);
  }
  try {
    execFileSync('sync');
    nodeFs.writeFileSync('/proc/sys/vm/drop_caches', '2');
  } catch (error) {
    t.comment(`SKIP: the caches cannot be emptied here: ${(error as Error).message}`);
    return;
  }
  const before = ring().stats().operations.statx ?? 0;
  for (const path of fresh) t.equal((await stat(path)).size, basename(path).length);
  t.ok((ring().stats().operations.statx ?? 0) > before, 'at least one was not in memory');
});

t.test('without a free descriptor', (t) => {
  const program = `
    import { stat, lstat } from 'ringcore/fs/promises';
    import fs from 'node:fs';
    await stat('.');
    const fds = [];
    try { for (;;) fds.push(fs.openSync('/dev/null')); } catch {}
    const found = [(await stat('.')).ino, (await lstat('.')).ino];
    for (const fd of fds) fs.closeSync(fd);
    const { ino } = fs.statSync('.');
    console.log(JSON.stringify(found.map((other) => other === ino)));`;
  const command = 'ulimit -n 100; exec "$0" --input-type=module -e "$1"';
  const child = spawnSync('sh', ['-c', command, process.execPath, program], { encoding: 'utf8' });
  t.equal(child.stdout, '[true,true]\n', child.stderr);
  t.end();
});

t.test('callbacks come later, in their async context, without a this', async (t) => {
  const storage = new AsyncLocalStorage<string>();
  for (const [label, before] of [
    ['at once', newTurn],
    ['through the ring', async () => useUpTurn()],
  ] as const) {
    await before();
    const seen: unknown[] = [];
    await storage.run('mine', async () => {
      const called = new Promise<void>((resolve) => {
        fs.stat(at('regular'), function (this: unknown, ...results: unknown[]) {
          const stats = results[1] as nodeFs.Stats;
          seen.push('called', storage.getStore(), this, results.length, results[0], stats.size);
          resolve();
        });
      });
      seen.push('returned');
      await called;
    });
    t.same(seen, ['returned', 'called', 'mine', undefined, 2, null, 7], label);
    const failed = await new Promise<unknown[]>((resolve) => {
      fs.lstat(at('absent'), (...results: unknown[]) => resolve(results));
    });
    t.equal(failed.length, 1);
    t.match(failed[0], { code: 'ENOENT', syscall: 'lstat', path: at('absent') });
  }
});

t.test('several callbacks at once get their own stats', async (t) => {
  await newTurn();
  const sizes = await Promise.all(
    ['regular', 'empty', 'sub/file'].map(
      (name) => new Promise((resolve) => fs.stat(at(name), (_error, stats) => resolve(stats.size))),
    ),
  );
  t.same(sizes, [7, 0, 1]);
});

t.test('limits', async (t) => {
  const reason = new Error('why');
  const options = { signal: AbortSignal.abort(reason) };
  await t.rejects(stat(at('regular'), options as object), { name: 'AbortError', cause: reason });
  t.equal(
    (await lstat(at('regular'), { signal: 1 } as object)).size,
    7,
    'means nothing to node, whatever it is',
  );
  await t.rejects(stat(at('regular'), { timeout: -1 } as object), { code: 'ERR_OUT_OF_RANGE' });
  const { signal } = new AbortController();
  for (const prepare of [newTurn, async () => useUpTurn()]) {
    await prepare();
    t.equal((await stat(at('regular'), { signal, timeout: 10_000 } as object)).size, 7);
  }
});

t.test('throwIfNoEntry where node has it', async (t) => {
  type Loose = (path: string, options: object) => Promise<unknown>;
  for (const path of [at('absent'), at('regular/x'), at('loop')]) {
    const options = { throwIfNoEntry: false };
    const [ours, nodes] = [stat as Loose, nodePromises.stat as Loose];
    t.same(await outcome(() => ours(path, options)), await outcome(() => nodes(path, options)), path);
  }
});

t.test('no descriptor is left over', async (t) => {
  const baseline = descriptors();
  for (let round = 0; round < 2000; round++) {
    await Promise.allSettled([stat(at('regular')), stat(at('absent')), lstat(at('loop')), stat('/dev/null')]);
  }
  t.equal(await settledDescriptors(baseline), baseline);
});
