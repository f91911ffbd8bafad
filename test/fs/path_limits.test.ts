// { signal, timeout } of the operations on names and sizes.
import nodeFs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { backend, stats } from 'ringcore/core';
import * as fs from 'ringcore/fs';
import * as promises from 'ringcore/fs/promises';
import t, { type Test } from 'tap';
import { lacking } from '../core/support.js';
import { blockWorkers } from './blocked_workers.js';
import { descriptors, listeners, settledDescriptors, treeOf } from './helpers.js';

interface Limits {
  signal?: AbortSignal;
  timeout?: number;
}
type Done = (error: Error | null) => void;

const root = t.testdir({ names: {} });
const dir = join(root, 'names');
const ring = { skip: backend.name === 'io_uring' ? false : 'this is the node backend' };

const begin = (): void => {
  nodeFs.rmSync(dir, { recursive: true });
  nodeFs.mkdirSync(join(dir, 'empty'), { recursive: true });
  nodeFs.mkdirSync(join(dir, 'full/inner'), { recursive: true });
  nodeFs.writeFileSync(join(dir, 'file'), 'content');
};
begin();
const [file, empty, full, made] = ['file', 'empty', 'full', 'made'].map((name) => join(dir, name)) as [
  string,
  string,
  string,
  string,
];

/** Of an open file: it is opened before and closed behind the call. */
const withHandle =
  (use: (handle: promises.FileHandle, limits: Limits) => Promise<unknown>) =>
  async (limits: Limits): Promise<unknown> => {
    const handle = await promises.open(file, 'r+');
    try {
      return await use(handle, limits);
    } finally {
      await handle.close();
    }
  };

/** A callback form as a promise. */
const called =
  (call: (limits: Limits, done: Done) => void) =>
  (limits: Limits): Promise<void> =>
    new Promise((resolve, reject) => {
      call(limits, (error) => (error === null ? resolve() : reject(error)));
    });

const withDescriptor =
  (call: (fd: number, limits: Limits, done: Done) => void) =>
  async (limits: Limits): Promise<void> => {
    const fd = nodeFs.openSync(file, 'r+');
    await called((limits, done) => call(fd, limits, done))(limits).finally(() => nodeFs.closeSync(fd));
  };

type Limited = { sync(limits: Limits): Promise<void>; datasync(limits: Limits): Promise<void> } & {
  truncate(bytes: number, limits: Limits): Promise<void>;
};
const limited = (handle: promises.FileHandle): Limited => handle;

/** Each of them changes something, or nothing ever (sync). */
const operations: Record<string, (limits: Limits) => Promise<unknown>> = {
  unlink: (limits) => promises.unlink(file, limits),
  rmdir: (limits) => promises.rmdir(empty, limits),
  rename: (limits) => promises.rename(file, made, limits),
  link: (limits) => promises.link(file, made, limits),
  symlink: (limits) => promises.symlink('target', made, null, limits),
  mkdir: (limits) => promises.mkdir(made, limits),
  'mkdir, recursive': (limits) => promises.mkdir(join(made, 'a/b'), { ...limits, recursive: true }),
  truncate: (limits) => promises.truncate(file, 3, limits),
  'FileHandle.truncate': withHandle((handle, limits) => limited(handle).truncate(3, limits)),
  'FileHandle.sync': withHandle((handle, limits) => limited(handle).sync(limits)),
  'FileHandle.datasync': withHandle((handle, limits) => limited(handle).datasync(limits)),
  'unlink, callback': called((limits, done) => fs.unlink(file, limits, done)),
  'rmdir, callback': called((limits, done) => fs.rmdir(empty, limits, done)),
  'rename, callback': called((limits, done) => fs.rename(file, made, limits, done)),
  'link, callback': called((limits, done) => fs.link(file, made, limits, done)),
  'symlink, callback': called((limits, done) => fs.symlink('target', made, 'file', limits, done)),
  'mkdir, callback': called((limits, done) => fs.mkdir(made, limits, done)),
  'mkdir, recursive, callback': called((limits, done) =>
    fs.mkdir(join(made, 'a/b'), { ...limits, recursive: true }, done),
  ),
  'truncate, callback': called((limits, done) => fs.truncate(file, 3, limits, done)),
  'ftruncate, callback': withDescriptor((fd, limits, done) => fs.ftruncate(fd, 3, limits, done)),
  'fsync, callback': withDescriptor((fd, limits, done) => fs.fsync(fd, limits, done)),
  'fdatasync, callback': withDescriptor((fd, limits, done) => fs.fdatasync(fd, limits, done)),
};
const syncs = /sync/;
/** Before 6.9 truncating is node's own, which nothing takes back. */
const canBeTakenBack = ([name]: [string, unknown]): boolean =>
  !lacking('ftruncate').skip || !/truncate/.test(name);

/** What the kernel was told to do, opening and closing left out. */
function submitted(): number {
  const { openat = 0, close = 0, ...others } = stats().operations;
  void openat;
  void close;
  return Object.values(others).reduce((sum, count) => sum + count, 0);
}

async function nothingInFlight(): Promise<void> {
  for (let round = 0; round < 500 && stats().inFlight > 0; round++) await wait(10);
}

for (const [name, operation] of Object.entries(operations)) {
  t.test(`${name}: aborted before`, ring, async (t) => {
    begin();
    const tree = treeOf(dir);
    const before = submitted();
    const reason = new Error('no more');
    await t.rejects(operation({ signal: AbortSignal.abort(reason) }), {
      name: 'AbortError',
      code: 'ABORT_ERR',
      cause: reason,
    });
    t.equal(submitted(), before, 'nothing was submitted');
    t.same(treeOf(dir), tree);
  });

  t.test(`${name}: within its limits`, ring, async (t) => {
    begin();
    const tree = treeOf(dir);
    const { signal } = new AbortController();
    await operation({ signal, timeout: 60_000 });
    if (!syncs.test(name)) t.not(treeOf(dir).join(), tree.join());
    t.equal(listeners(signal), 0);
    await nothingInFlight();
    t.equal(stats().inFlight, 0, 'the timer is gone');
  });

  t.test(`${name}: limits that are none`, ring, async (t) => {
    begin();
    const tree = treeOf(dir);
    const refusal = async (limits: object): Promise<unknown> => {
      try {
        await operation(limits);
        return undefined;
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    t.equal(await refusal({ timeout: -1 }), 'ERR_OUT_OF_RANGE');
    t.equal(await refusal({ timeout: 'x' }), 'ERR_INVALID_ARG_TYPE');
    // Among node's own options a signal may be anything, as it means nothing there.
    const inOptions = /^(mk|rm)dir/.test(name);
    if (!inOptions) t.equal(await refusal({ signal: 'x' }), 'ERR_INVALID_ARG_TYPE');
    t.same(treeOf(dir), tree);
    if (inOptions) t.equal(await refusal({ signal: 'x' }), undefined);
  });
}

/** Runs `use` while no kernel worker for files is free. */
async function whileBlocked(t: Test, use: () => Promise<void>): Promise<void> {
  const release = await blockWorkers(join(root, 'leased'));
  if (release === undefined) {
    t.pass('kernel workers cannot be kept busy here');
    return;
  }
  try {
    await use();
  } finally {
    await release();
  }
}

t.test('aborted in flight: rejects at once, and does not happen', ring, async (t) => {
  begin();
  const tree = treeOf(dir);
  // With the first child process libuv opens a descriptor that it keeps.
  await whileBlocked(t, async () => {});
  const before = descriptors();
  await whileBlocked(t, async () => {
    // Those that open a file themselves come that far.
    const entries = Object.entries(operations).filter(([name]) => !/FileHandle/.test(name));
    const handle = await promises.open(file, 'r+');
    entries.push(
      ['FileHandle.truncate', (limits) => limited(handle).truncate(3, limits)],
      ['FileHandle.sync', (limits) => limited(handle).sync(limits)],
      ['FileHandle.datasync', (limits) => limited(handle).datasync(limits)],
    );
    for (const [name, operation] of entries.filter(canBeTakenBack)) {
      const controller = new AbortController();
      const { signal } = controller;
      const call = operation({ signal });
      call.catch(() => {});
      const inFlight = stats().inFlight;
      // The kernel has it.
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      const reason = new Error(name);
      controller.abort(reason);
      await t.rejects(call, { name: 'AbortError', code: 'ABORT_ERR', cause: reason }, name);
      t.equal(listeners(signal), 0);
      for (let round = 0; round < 500 && stats().inFlight >= inFlight && inFlight > 32; round++)
        await wait(2);
      t.ok(stats().inFlight <= 32, `${name}: the kernel has let go`);
    }
    await handle.close();
  });
  await nothingInFlight();
  t.same(treeOf(dir), tree);
  t.equal(await settledDescriptors(before), before);
});

t.test('a timeout in flight', ring, async (t) => {
  begin();
  const tree = treeOf(dir);
  await whileBlocked(t, async () => {
    const late = { name: 'TimeoutError', code: 'ETIMEDOUT' };
    await Promise.all(
      Object.entries(operations)
        .filter(canBeTakenBack)
        .map(([name, operation]) => t.rejects(operation({ timeout: 20 }), late, name)),
    );
  });
  await nothingInFlight();
  t.same(treeOf(dir), tree);
});

t.test('a handle can be closed when its sync was aborted', ring, async (t) => {
  const before = descriptors();
  await whileBlocked(t, async () => {
    const handle = await promises.open(file, 'r+');
    const controller = new AbortController();
    const synced = limited(handle).sync({ signal: controller.signal });
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await t.rejects(synced, { name: 'AbortError' });
    await handle.close();
    await t.rejects(limited(handle).sync({}), { code: 'EBADF' });
  });
  t.equal(await settledDescriptors(before), before);
});

t.test('rmdir of a tree', ring, async (t) => {
  begin();
  const options = { recursive: true, signal: AbortSignal.abort() } as object;
  await t.rejects(promises.rmdir(full, options), { name: 'AbortError' });
  await t.rejects(called((limits, done) => fs.rmdir(full, options, done))({}), { name: 'AbortError' });
  t.ok(nodeFs.existsSync(full));
});
