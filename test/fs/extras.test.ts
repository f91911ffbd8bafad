// Beyond node: space, advice, extended attributes; by name, descriptor and FileHandle; promises and callbacks.
import { spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { backend, constants } from 'ringcore/core';
import fs from 'ringcore/fs';
import { fadvise, fallocate, getxattr, open, setxattr } from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, listeners, settledDescriptors } from './helpers.js';

const dir = t.testdir();
const options = backend.name === 'io_uring' ? {} : { skip: 'this is the node backend' };
const { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, POSIX_FADV_WILLNEED, XATTR_CREATE, XATTR_REPLACE } =
  constants;

function asPromise(call: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error === null ? resolve() : reject(error))));
}

let files = 0;
function fresh(content: string | Buffer = ''): string {
  const path = join(dir, `file${files++}`);
  nodeFs.writeFileSync(path, content);
  return path;
}

t.test('fallocate: reserves, extends, punches', options, async (t) => {
  const path = fresh();
  const handle = await open(path, 'r+');
  await handle.fallocate({ length: 100_000 });
  const { size, blocks } = nodeFs.statSync(path);
  t.equal(size, 100_000);
  t.ok(blocks * 512 >= 100_000, 'the space is there');
  await fallocate(handle, { mode: FALLOC_FL_KEEP_SIZE, offset: 100_000n, length: 1_000_000n });
  t.equal(nodeFs.statSync(path).size, 100_000);
  t.ok(nodeFs.statSync(path).blocks * 512 >= 1_100_000);
  await handle.write(Buffer.alloc(100_000, 'x'), 0, 100_000, 0);
  await fallocate(handle.fd, {
    mode: FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
    offset: 4096,
    length: 8192,
  });
  const content = nodeFs.readFileSync(path);
  t.equal(content.indexOf(0), 4096);
  t.equal(content.lastIndexOf(0), 4096 + 8192 - 1);
  const called = await new Promise<unknown[]>((resolve) =>
    fs.fallocate(handle.fd, { offset: 2_000_000, length: 1 }, (...args) => resolve(args)),
  );
  t.strictSame(called, [null], 'success: null and nothing else');
  t.equal(nodeFs.statSync(path).size, 2_000_001);
  await handle.close();
  t.throws(() => fs.fallocate(0, { length: 0 }, () => {}), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => fs.fallocate(0, { length: 1 }, undefined as never), { code: 'ERR_INVALID_ARG_TYPE' });
  await t.rejects(fallocate('x' as never, { length: 1 }), { code: 'ERR_INVALID_ARG_TYPE' });
  await t.rejects(handle.fallocate({ length: 1 }), { code: 'EBADF', message: 'file closed' });
});

t.test('fallocate: errors', options, async (t) => {
  const fd = nodeFs.openSync(fresh(), 'r');
  const failure = { code: 'EBADF', errno: -9, syscall: 'fallocate', message: /^EBADF: .*, fallocate$/ };
  await t.rejects(fallocate(fd, { length: 1 }), failure);
  await t.rejects(
    asPromise((done) => fs.fallocate(fd, { length: 1 }, done)),
    failure,
  );
  nodeFs.closeSync(fd);
});

t.test('fadvise', options, async (t) => {
  const handle = await open(fresh('content'));
  await handle.fadvise(POSIX_FADV_WILLNEED);
  await fadvise(handle, POSIX_FADV_WILLNEED, { offset: 1, length: 2 });
  await asPromise((done) => fs.fadvise(handle.fd, POSIX_FADV_WILLNEED, {}, done));
  await new Promise<void>((resolve) => fs.fadvise(handle.fd, POSIX_FADV_WILLNEED, () => resolve()));
  await t.rejects(handle.fadvise(77), { code: 'EINVAL', syscall: 'fadvise' });
  await t.rejects(handle.fadvise(-1), { code: 'ERR_OUT_OF_RANGE' });
  await handle.close();
});

const supported = spawnSync('python3', [
  '-c',
  `import os; os.setxattr(${JSON.stringify(fresh())}, 'user.x', b'')`,
]);
const attributes =
  'skip' in options ? options : supported.status === 0 ? {} : { skip: 'no extended attributes here' };

t.test(
  'attributes: of a path, a Buffer, a URL, a descriptor, both kinds of handles',
  attributes,
  async (t) => {
    const path = fresh();
    const handle = await open(path, 'r+');
    const nodes = await nodePromises.open(path, 'r+');
    const targets = [path, Buffer.from(path), pathToFileURL(path), handle.fd, handle, nodes];
    for (const [index, target] of targets.entries()) {
      const value = Buffer.from([index, 0, 255]);
      await setxattr(target, 'user.note', value);
      for (const other of targets) t.ok((await getxattr(other, 'user.note')).equals(value));
      t.ok((await handle.getxattr('user.note')).equals(value));
    }
    await handle.setxattr('user.text', 'grüße');
    t.equal(await getxattr(path, 'user.text', 'utf8'), 'grüße');
    t.equal(await handle.getxattr('user.text', { encoding: 'hex' }), Buffer.from('grüße').toString('hex'));
    const read = spawnSync('python3', [
      '-c',
      `import os; print(os.getxattr(${JSON.stringify(path)}, 'user.text'))`,
    ]);
    t.equal(String(read.stdout).trim(), String.raw`b'gr\xc3\xbc\xc3\x9fe'`, 'as others see it');
    await setxattr(path, 'user.empty', '');
    t.equal((await getxattr(path, 'user.empty')).length, 0);
    await handle.close();
    await nodes.close();
  },
);

t.test('attributes: errors, with the path if there is one', attributes, async (t) => {
  const path = fresh();
  const missing = { code: 'ENODATA', syscall: 'getxattr', path };
  await t.rejects(getxattr(path, 'user.none'), missing);
  const error = await new Promise((resolve) => fs.getxattr(path, 'user.none', resolve));
  t.match(error, missing);
  const fd = nodeFs.openSync(path, 'r');
  await t.rejects(getxattr(fd, 'user.none'), { code: 'ENODATA', syscall: 'fgetxattr', path: undefined });
  nodeFs.closeSync(fd);
  await setxattr(path, 'user.one', 'long', { xattrFlags: XATTR_CREATE });
  await t.rejects(setxattr(path, 'user.one', '1', { xattrFlags: XATTR_CREATE }), { code: 'EEXIST' });
  await t.rejects(setxattr(path, 'user.two', '2', { xattrFlags: XATTR_REPLACE }), { code: 'ENODATA' });
  await t.rejects(getxattr(path, 'user.one', { maxBytes: 2 }), { code: 'ERANGE' });
  await t.rejects(getxattr(join(dir, 'absent'), 'user.one'), { code: 'ENOENT', path: join(dir, 'absent') });
  await t.rejects(getxattr(path, 5 as never), { code: 'ERR_INVALID_ARG_TYPE' });
  await t.rejects(setxattr(path, 'user.one', 5 as never), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => fs.getxattr(path, 'user.one', 'nonsense' as 'utf8', () => {}), {
    code: 'ERR_INVALID_ARG_VALUE',
  });
});

t.test('attributes: callbacks', attributes, async (t) => {
  const path = fresh();
  const set = await new Promise((resolve) =>
    fs.setxattr(path, 'user.a', 'value', (...args) => resolve(args)),
  );
  t.strictSame(set, [null]);
  const got = await new Promise((resolve) =>
    fs.getxattr(path, 'user.a', 'utf8', (...args: unknown[]) => resolve(args)),
  );
  t.strictSame(got, [null, 'value']);
  const raw = await new Promise((resolve) => fs.getxattr(path, 'user.a', (...args) => resolve(args)));
  t.strictSame(raw, [null, Buffer.from('value')]);
});

t.test('limits', options, async (t) => {
  const before = descriptors();
  const path = fresh();
  const handle = await open(path, 'r+');
  const aborted = { signal: AbortSignal.abort('reason') };
  const error = { name: 'AbortError', cause: 'reason' };
  await t.rejects(handle.fallocate({ length: 1, ...aborted }), error);
  await t.rejects(fadvise(handle, 0, aborted), error);
  await t.rejects(handle.getxattr('user.a', aborted), error);
  await t.rejects(
    asPromise((done) => fs.setxattr(path, 'user.a', 'a', aborted, done)),
    error,
  );
  t.equal(nodeFs.statSync(path).size, 0, 'nothing was done');
  const { signal } = new AbortController();
  await handle.fallocate({ length: 1, signal, timeout: 10_000 });
  t.equal(listeners(signal), 0);
  await handle.close();
  t.equal(await settledDescriptors(before), before);
});

t.test('RINGCORE_BACKEND=node: advice is taken, the others say why not', async (t) => {
  const program = `
    import fs from 'ringcore/fs';
    import { fadvise, fallocate, getxattr, open, setxattr } from 'ringcore/fs/promises';
    const path = ${JSON.stringify(fresh())};
    const handle = await open(path, 'r+');
    const outcomes = [];
    const note = (promise) => promise.then(() => outcomes.push('ok'), (error) => outcomes.push(error.code));
    await note(fadvise(handle, 0));
    await note(fadvise(handle, 'x'));
    await note(fadvise(handle, 0, { signal: AbortSignal.abort() }));
    await note(fallocate(handle, { length: 1 }));
    await note(fallocate(handle, { length: -1 }));
    await note(getxattr(path, 'user.a'));
    await note(setxattr(handle.fd, 'user.a', ''));
    await note(new Promise((resolve, reject) => fs.getxattr(path, 'user.a', reject)));
    await handle.close();
    console.log(JSON.stringify(outcomes));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, RINGCORE_BACKEND: 'node' },
  });
  const none = 'ERR_RINGCORE_UNAVAILABLE';
  t.same(
    JSON.parse(String(stdout) || '0'),
    ['ok', 'ERR_INVALID_ARG_TYPE', 'ABORT_ERR', none, 'ERR_OUT_OF_RANGE', none, none, none],
    String(stderr),
  );
});
