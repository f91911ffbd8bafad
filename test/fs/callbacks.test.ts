// Callbacks: their async context, and exceptions in them.
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as fs from 'ringcore/fs';
import t from 'tap';

const dir = t.testdir({ file: 'content' });
const file = join(dir, 'file');

t.test("a callback's exception reaches its domain, and leaves it", async (t) => {
  const script = `
    import domain from 'node:domain';
    import fs from 'ringcore/fs';
    const scope = domain.create().on('error', ({ message }) => {
      console.log(message, process.domain === scope);
    });
    scope.run(() => fs.readFile('/proc/self/comm', () => { throw new Error('read'); }));
    scope.run(() => fs.stat('/', () => { throw new Error('stat'); }));
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  t.same(String(stdout).split('\n').sort(), ['', 'read false', 'stat false'], String(stderr));
});

t.test('answers of one turn are in no domain but their own', async (t) => {
  const script = `
    import domain from 'node:domain';
    import { AsyncLocalStorage } from 'node:async_hooks';
    import fs from 'ringcore/fs';
    const storage = new AsyncLocalStorage();
    const scope = domain.create().on('error', ({ message }) => console.log('in the domain', message));
    process.on('uncaughtException', ({ message }) => {
      // Its own, if any.
      console.log(message, [undefined, 'own'].includes(storage.getStore()));
    });
    storage.run('first', () => scope.run(() => fs.stat('/', () => {})));
    storage.run('own', () => {
      fs.stat('/', () => { throw new Error(process.domain ? 'in a domain' : 'in none'); });
    });
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  t.equal(String(stdout), 'in none true\n', String(stderr));
});

t.test('a callback runs in the async context of its call', async (t) => {
  const storage = new AsyncLocalStorage<string>();
  const fd = nodeFs.openSync(file, 'r+');
  const calls: Record<string, (done: () => void) => void> = {
    readFile: (done) => fs.readFile(file, done),
    'readFile of /proc': (done) => fs.readFile('/proc/self/comm', done),
    'readFile with a timeout': (done) => fs.readFile(file, { timeout: 10_000 } as object, done),
    'readFile that fails': (done) => fs.readFile('absent', done),
    writeFile: (done) => fs.writeFile(join(dir, 'written'), 'x', done),
    read: (done) => fs.read(fd, Buffer.alloc(1), 0, 1, 0, done),
    'read of nothing': (done) => fs.read(fd, Buffer.alloc(0), 0, 0, 0, done),
    write: (done) => fs.write(fd, 'c', 0, done),
    readv: (done) => fs.readv(fd, [Buffer.alloc(1)], done),
    fsync: (done) => fs.fsync(fd, done),
    open: (done) => fs.open('absent', done),
    close: (done) => fs.close(999_999, done),
    unlink: (done) => fs.unlink('absent', done),
    'unlink with a timeout': (done) => fs.unlink('absent', { timeout: 10_000 }, done),
    'mkdir, recursive': (done) => fs.mkdir(join(dir, 'a/b'), { recursive: true }, done),
    truncate: (done) => fs.truncate('absent', done),
    ftruncate: (done) => fs.ftruncate(999_999, done),
    exists: (done) => fs.exists('absent', done),
  };
  await Promise.all(
    Object.entries(calls).map(async ([name, call]) => {
      const store = await new Promise((resolve) =>
        storage.run(name, () => call(() => resolve(storage.getStore()))),
      );
      t.equal(store, name);
    }),
  );
  nodeFs.closeSync(fd);
  const store = await new Promise((resolve) => {
    storage.run('stream', () => fs.createReadStream(file).on('data', () => resolve(storage.getStore())));
  });
  t.equal(store, 'stream');
});

t.test('an exception in a callback is uncaught, and the others are called all the same', async (t) => {
  const program = `
    import * as fs from 'ringcore/fs';
    const seen = [];
    process.on('uncaughtException', (error) => seen.push(error.message));
    process.on('unhandledRejection', () => seen.push('unhandledRejection'));
    for (const [name, path] of [['a', ${JSON.stringify(file)}], ['b', '/proc/self/comm'], ['c', 'absent']]) {
      fs.readFile(path, () => { throw new Error(name); });
    }
    fs.readFile(${JSON.stringify(file)}, 'utf8', (error, text) => {
      seen.push(text);
      process.nextTick(() => seen.push('tick'));
    });
    fs.writeFile(${JSON.stringify(join(dir, 'thrown'))}, 'x', () => { throw new Error('d'); });
    process.on('exit', () => console.log(JSON.stringify(seen.sort())));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
  t.same(JSON.parse(String(stdout) || '0'), ['a', 'b', 'c', 'content', 'd', 'tick'], String(stderr));
});

t.test('promisify gives the results names, as with node', async (t) => {
  const fd = nodeFs.openSync(file, 'r');
  const buffer = Buffer.alloc(3);
  t.same(await promisify(fs.read)(fd, buffer, 0, 3, 0), { bytesRead: 3, buffer });
  t.same(await promisify(fs.readv)(fd, [buffer], 0), { bytesRead: 3, buffers: [buffer] });
  nodeFs.closeSync(fd);
});
