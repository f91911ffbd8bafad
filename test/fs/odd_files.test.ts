// Files that are no ordinary ones, and ordinary ones at odd places: ringcore does what node does.
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { buffer as collect } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { inspect, promisify } from 'node:util';
import { backend } from 'ringcore/core';
import ringFs from 'ringcore/fs';
import ringPromises from 'ringcore/fs/promises';
import t, { type Test } from 'tap';
import { scaled } from '../slowness.js';
import { outcome } from './helpers.js';

const dir = t.testdir();
const gibibyte = 2 ** 30;

/** One of the two libraries. */
interface Library {
  name: string;
  fs: typeof nodeFs;
  promises: typeof nodePromises;
}
const node: Library = { name: 'node', fs: nodeFs, promises: nodePromises };
const ours: Library = {
  name: 'ringcore',
  fs: ringFs,
  promises: ringPromises,
};

type Use = (library: Library) => unknown;

/** Newer versions of node put paths into more errors. */
const isNode20 = process.versions.node.startsWith('20.');

/** The outcome of a call; of errors all that they say, where node says the same in every version. */
async function outcomeOf(use: () => unknown): Promise<unknown> {
  const whole = (await outcome(use)) as Record<string, { code?: string; syscall?: string }>;
  const { code, syscall } = whole.rejected ?? whole.thrown ?? {};
  return isNode20 || code === undefined ? whole : { code, syscall };
}

/** Both do the same: results, or errors, are equal. */
async function same(t: Test, name: string, use: Use): Promise<void> {
  const expected = await outcomeOf(() => use(node));
  t.same(await outcomeOf(() => use(ours)), expected, name);
}

type Read = (fd: number, ...rest: unknown[]) => Promise<{ bytesRead: number; buffer: Buffer }>;
const reader = ({ fs }: Library): Read => promisify(fs.read);

/** What every way to read a file gives. */
const ways: Record<string, (library: Library, path: string) => Promise<Buffer>> = {
  'readFile, promise': ({ promises }, path) => promises.readFile(path),
  'readFile, callback': ({ fs }, path) => promisify(fs.readFile)(path),
  'readFile of a FileHandle': async ({ promises }, path) => {
    const handle = await promises.open(path);
    return handle.readFile().finally(() => handle.close());
  },
  'readFile of a descriptor': async ({ fs }, path) => {
    const fd = nodeFs.openSync(path, 'r');
    const content = await promisify(fs.readFile)(fd).finally(() => nodeFs.closeSync(fd));
    return content;
  },
  createReadStream: ({ fs }, path) => collect(fs.createReadStream(path)),
  'createReadStream from a start': ({ fs }, path) =>
    collect(fs.createReadStream(path, { start: 3, end: 100 })),
  read: async (library, path) => {
    const fd = nodeFs.openSync(path, 'r');
    const chunks: Buffer[] = [];
    for (;;) {
      const { bytesRead, buffer } = await reader(library)(fd, Buffer.alloc(100), 0, 100, null);
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      if (chunks.length === 50) break;
    }
    nodeFs.closeSync(fd);
    return Buffer.concat(chunks);
  },
};

t.test('/proc and /sys: files whose size says nothing', async (t) => {
  const files = [
    '/proc/version',
    '/proc/filesystems',
    '/proc/self/cmdline',
    '/proc/self/environ',
    '/proc/sys/kernel/ostype',
    '/sys/kernel/mm/transparent_hugepage/enabled',
    '/sys/devices/system/cpu/online',
    '/dev/null',
  ].filter((path) => nodeFs.existsSync(path));
  for (const path of files) {
    for (const [way, read] of Object.entries(ways))
      await same(t, `${way} of ${path}`, (library) => read(library, path));
  }
  // Longer than a page, and than a chunk.
  const long = '/proc/kallsyms';
  if (nodeFs.existsSync(long)) await same(t, long, ({ promises }) => promises.readFile(long));
  await same(t, 'as a string', ({ promises }) => promises.readFile('/proc/version', 'utf8'));
  await same(t, 'memory at 0', ({ promises }) => promises.readFile('/proc/self/mem'));
});

t.test('devices', async (t) => {
  await same(t, '/dev/zero', ({ fs }) => collect(fs.createReadStream('/dev/zero', { end: 99_999 })));
  await same(t, '/dev/full', ({ promises }) => promises.writeFile('/dev/full', 'x'));
  await same(t, '/dev/full, stream', async ({ fs }) => {
    const stream = fs.createWriteStream('/dev/full');
    stream.end('x');
    const [error] = (await once(stream, 'error')) as [Error];
    throw error;
  });
  await same(t, '/dev/null', ({ promises }) => promises.writeFile('/dev/null', 'x'));
});

t.test('directories', async (t) => {
  const sub = join(dir, 'sub');
  nodeFs.mkdirSync(sub, { recursive: true });
  for (const [way, read] of Object.entries(ways)) {
    // node 20's callback form hides errors of reads on descriptors, and gives what it has.
    if (way !== 'readFile of a descriptor') await same(t, way, (library) => read(library, sub));
  }
  await same(t, 'writeFile', ({ promises }) => promises.writeFile(sub, 'x'));
  await same(t, 'appendFile', ({ fs }) => promisify(fs.appendFile)(sub, 'x'));
  await same(t, 'open for writing', ({ promises }) => promises.open(sub, 'r+'));
  await same(t, 'a name behind a file', ({ promises }) => promises.readFile('/proc/version/x'));
  await same(t, 'a trailing slash', ({ promises }) => promises.readFile('/proc/version/'));
});

t.test('a FIFO: each reads what the other writes', async (t) => {
  const fifo = join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const content = Buffer.alloc(200_000, 'f');
  for (const writer of [node, ours]) {
    for (const [way, read] of Object.entries(ways)) {
      // These open it synchronously, or stop before the end.
      if (way === 'read' || way.includes('descriptor') || way.includes('start')) continue;
      const [read1] = await Promise.all([read(ours, fifo), writer.promises.writeFile(fifo, content)]);
      t.ok(read1.equals(content), `${way}, written by ${writer.name}`);
    }
  }
});

/** What a module prints on either backend, run by a shell command in which `"$@"` is it. */
function printed(command: string, program: string): string[] {
  return ['node', 'io_uring'].map((name) => {
    const args = [process.execPath, '--input-type=module', '-e', program];
    const env = { ...process.env, RINGCORE_BACKEND: name };
    const { stdout, stderr } = spawnSync('sh', ['-c', command, 'sh', ...args], {
      env,
      encoding: 'utf8',
      timeout: scaled(60_000),
    });
    return stdout + stderr;
  });
}
const onRing = backend.name === 'io_uring' ? {} : { skip: 'this is the node backend' };

t.test('the standard input, a pipe', onRing, async (t) => {
  const programs = {
    'readFile(0)': `import { readFile } from 'ringcore/fs'; readFile(0, 'utf8', console.log);`,
    'readFile of /dev/stdin': `import { readFile } from 'ringcore/fs/promises'; console.log(await readFile('/dev/stdin', 'utf8'));`,
    'a stream': `import fs from 'ringcore/fs'; for await (const c of fs.createReadStream('', { fd: 0 })) console.log(String(c));`,
    'a write to it': `import fs from 'ringcore/fs'; fs.write(0, 'x', (e, n) => console.log(e?.message, n));`,
  };
  for (const [name, program] of Object.entries(programs)) {
    const [expected, actual] = printed('printf "some\\ntext\\n" | "$@"', program);
    t.equal(actual, expected, name);
  }
});

const script = spawnSync('script', ['-qec', 'true', '/dev/null'], { stdio: ['pipe', 'ignore', 'ignore'] });
const terminal =
  'skip' in onRing
    ? onRing
    : script.status === 0
      ? {}
      : { skip: 'script(1), which makes terminals, is not installed' };

t.test('a terminal', terminal, async (t) => {
  const programs = {
    'read and write': `import fs from 'ringcore/fs';
      fs.read(0, Buffer.alloc(100), 0, 100, null, (error, bytes, buffer) => {
        fs.write(1, 'read: ' + buffer.toString('utf8', 0, bytes), () => {});
      });`,
    'a handle': `import { open } from 'ringcore/fs/promises';
      const handle = await open('/dev/tty', 'r+');
      const { bytesRead, buffer } = await handle.read();
      await handle.write('read: ' + buffer.toString('utf8', 0, bytesRead));
      await handle.writeFile('more');
      await handle.close();`,
  };
  // In the project, where 'ringcore/fs' is found.
  const file = join(process.cwd(), 'build', `terminal-${process.pid}.mjs`);
  t.teardown(() => nodeFs.rmSync(file, { force: true }));
  for (const [name, program] of Object.entries(programs)) {
    nodeFs.writeFileSync(file, program);
    // A line, and later the end of the input, with which script(1) ends.
    const [expected, actual] = ['node', 'io_uring'].map((backendName) => {
      const run = '(echo a line; sleep 1) | script -qec "$* 2>&1" /dev/null';
      const env = { ...process.env, RINGCORE_BACKEND: backendName };
      return spawnSync('sh', ['-c', run, 'sh', process.execPath, file], {
        env,
        timeout: scaled(60_000),
      }).stdout.toString();
    });
    t.equal(actual, expected, name);
    t.match(actual, /read: a line/);
  }
});

t.test('beyond 4 GiB, in a sparse file', async (t) => {
  for (const library of [node, ours]) {
    const { fs, promises, name } = library;
    const path = join(dir, `sparse-${name}`);
    const far = 5 * gibibyte;
    const handle = await promises.open(path, 'w+');
    await handle.truncate(6 * gibibyte);
    t.equal((await handle.stat()).size, 6 * gibibyte, name);
    t.equal((await promises.stat(path)).size, 6 * gibibyte);
    t.equal((await promises.stat(path, { bigint: true })).size, BigInt(6 * gibibyte));
    t.match(await handle.write(Buffer.from('far-away'), 0, 8, far), { bytesWritten: 8 });
    t.match(await handle.writev([Buffer.from('vec'), Buffer.from('tor')], far + 8), { bytesWritten: 6 });
    const at = async (position: number | bigint): Promise<string> => {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(14), 0, 14, position as number);
      return buffer.toString('latin1', 0, bytesRead);
    };
    t.equal(await at(far), 'far-awayvector');
    // node 20's FileHandle does not take it.
    if (library === ours && !('skip' in onRing)) t.equal(await at(BigInt(far) + 4n), 'awayvector\0\0\0\0');
    t.equal(await at(6 * gibibyte), '');
    t.equal((await handle.readv([Buffer.alloc(3)], 6 * gibibyte - 2)).bytesRead, 2);
    const streamed = await collect(fs.createReadStream(path, { start: far, end: far + 13 }));
    t.equal(streamed.toString(), 'far-awayvector');
    const tail = await collect(fs.createReadStream(path, { start: 6 * gibibyte - 100_000 }));
    t.equal(tail.length, 100_000);
    const out = fs.createWriteStream(path, { flags: 'r+', start: far });
    out.end('NEAR');
    await once(out, 'close');
    t.equal(await at(far), 'NEARawayvector');
    await promises.truncate(path, far + 4);
    t.equal(await at(far), 'NEAR');
    await handle.close();
    t.ok(nodeFs.statSync(path).blocks * 512 < 10_000_000, 'sparse all the time');
    nodeFs.rmSync(path);
  }
  const path = join(dir, 'three');
  nodeFs.closeSync(nodeFs.openSync(path, 'w'));
  nodeFs.truncateSync(path, 3 * gibibyte);
  await same(t, 'too large for readFile', ({ promises }) => promises.readFile(path));
  await same(t, 'too large for readFile, callback', ({ fs }) => promisify(fs.readFile)(path));
  nodeFs.rmSync(path);
});

t.test('positions', async (t) => {
  const positions = [null, undefined, -1, 0, 3, 100, -1n, 0n, 3n, 100n];
  // Newer versions of node's FileHandle refuse what is none.
  const none = isNode20 ? [-2, 1.5, '3', 2 ** 53, 2n ** 63n, {}] : [];
  for (const position of [...positions, ...none]) {
    const name = inspect(position);
    // Twice: the second shows what became of the file's own position.
    await same(t, `read at ${name}, callback`, async (library) => {
      const path = join(dir, 'positions');
      nodeFs.writeFileSync(path, '0123456789');
      const fd = nodeFs.openSync(path, 'r');
      try {
        const first = await reader(library)(fd, Buffer.alloc(4), 0, 4, position);
        const second = await reader(library)(fd, Buffer.alloc(4), 0, 4, null);
        return [first.bytesRead, String(first.buffer), String(second.buffer)];
      } finally {
        nodeFs.closeSync(fd);
      }
    });
    for (const method of ['read', 'write', 'readv', 'writev'] as const) {
      // node 20's FileHandle reads at its own position then.
      if (method === 'read' && typeof position === 'bigint') continue;
      await same(t, `${method} at ${name}, FileHandle`, async ({ promises }) => {
        const path = join(dir, 'positions');
        nodeFs.writeFileSync(path, '0123456789');
        const handle = await promises.open(path, 'r+');
        const buffer = Buffer.from('ABCD');
        const use = handle as unknown as Record<string, (...args: unknown[]) => Promise<object>>;
        try {
          const call =
            method === 'read' || method === 'write'
              ? use[method]!(buffer, 0, 4, position)
              : use[method]!([buffer], position);
          const result = { ...(await call) };
          const next = await handle.read(Buffer.alloc(4), 0, 4);
          return [result, String(next.buffer), nodeFs.readFileSync(path, 'latin1').length];
        } finally {
          await handle.close();
        }
      });
    }
  }
});

t.test('append mode: positions are not looked at', async (t) => {
  await same(t, 'FileHandle', async ({ promises }) => {
    const path = join(dir, 'appended');
    nodeFs.writeFileSync(path, 'begin,');
    const handle = await promises.open(path, 'a+');
    await handle.write(Buffer.from('one,'), 0, 4, 0);
    await handle.write('two,', 1);
    await handle.writev([Buffer.from('three,')], 2);
    await handle.writeFile('four,');
    const { buffer } = await handle.read(Buffer.alloc(5), 0, 5, 6);
    await handle.close();
    return [nodeFs.readFileSync(path, 'latin1'), String(buffer)];
  });
  await same(t, 'stream', async ({ fs }) => {
    const path = join(dir, 'appended');
    nodeFs.writeFileSync(path, 'begin,');
    const stream = fs.createWriteStream(path, { flags: 'a' });
    stream.write('one,');
    stream.end('two');
    await once(stream, 'close');
    return nodeFs.readFileSync(path, 'latin1');
  });
});

t.test('relative paths, after chdir', async (t) => {
  const home = process.cwd();
  t.teardown(() => process.chdir(home));
  for (const name of ['here', 'there']) {
    nodeFs.mkdirSync(join(dir, name));
    process.chdir(join(dir, name));
    for (const { fs, promises } of [node, ours]) {
      await promises.writeFile('relative', name);
      t.equal(await promises.readFile('./relative', 'utf8'), name);
      t.equal(await promises.readFile(`../${name}/relative`, 'utf8'), name);
      t.equal((await promises.stat('relative')).size, name.length);
      await promises.rename('relative', 'renamed');
      t.equal(String(await collect(fs.createReadStream('renamed'))), name);
    }
    await same(t, 'an error says what was asked for', ({ promises }) => promises.readFile('./absent'));
    await same(t, 'the empty path', ({ promises }) => promises.readFile(''));
  }
});

t.test('names: Buffers, URLs, bytes that are no UTF-8', async (t) => {
  const names = [Buffer.from([0xff, 0xfe, 0x80]), Buffer.from('grüße €'), Buffer.from('a b%20c#?\n')];
  for (const name of names) {
    await same(t, `${name.toString('hex')}`, async ({ fs, promises }) => {
      const inDir = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from(`${dir}/`), bytes]);
      const path = inDir(name);
      const moved = inDir(Buffer.concat([name, Buffer.from('2')]));
      await promises.writeFile(path, 'content');
      const all = [
        await promises.readFile(path, 'utf8'),
        await promisify(fs.readFile)(path, 'utf8'),
        (await promises.stat(path)).size,
        String(await collect(fs.createReadStream(path))),
        nodeFs.readdirSync(dir, { encoding: 'buffer' }).some((entry) => entry.equals(name)),
      ];
      const handle = await promises.open(path, 'a');
      await handle.appendFile('!');
      await handle.close();
      await promises.rename(path, moved);
      all.push(await promises.readFile(moved, 'utf8'));
      await promises.unlink(moved);
      return all;
    });
    await same(t, `${name.toString('hex')}: what an error says`, ({ promises }) =>
      promises.readFile(Buffer.concat([Buffer.from(`${dir}/`), name])),
    );
  }
  const url = pathToFileURL(join(dir, 'a b%20c#?'));
  await same(t, 'a URL', async ({ fs, promises }) => {
    await promises.writeFile(url, 'content');
    return [await promises.readFile(url, 'utf8'), String(await collect(fs.createReadStream(url)))];
  });
  await same(t, 'a URL of something else', ({ promises }) =>
    promises.readFile(new URL('http://example.org/')),
  );
  const long = join(dir, 'x'.repeat(300));
  await same(t, 'too long a name', ({ promises }) => promises.readFile(long));
  await same(t, 'too long a path', ({ promises }) => promises.readFile('/x'.repeat(5000)));
});
