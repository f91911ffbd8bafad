// rm: what is removed, what is not, and node's errors.
import { spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { backend, stats } from 'ringcore/core';
import fs from 'ringcore/fs';
import { rm } from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, listeners, outcome, settledDescriptors } from './helpers.js';

const dir = t.testdir();
const at = (...names: string[]): string => join(dir, ...names);
const options = backend.name === 'io_uring' ? {} : { skip: 'this is the node backend' };
const isRoot = process.geteuid?.() === 0;
type Remove = typeof nodePromises.rm;
type Options = Parameters<Remove>[1] & { signal?: AbortSignal; timeout?: number };

/** Files, links in and out, empty and deep directories, names that are not UTF-8. Returns how many files. */
function makeTree(base: string, breadth = 4, files = 70): number {
  let count = 0;
  for (let index = 0; index < breadth; index++) {
    const directory = join(base, `directory ${index}`, 'deeper', 'deepest');
    nodeFs.mkdirSync(directory, { recursive: true });
    nodeFs.mkdirSync(join(base, `directory ${index}`, 'empty'));
    for (let file = 0; file < files; file++, count++) nodeFs.writeFileSync(join(directory, `f${file}`), 'x');
    nodeFs.symlinkSync('/nowhere', join(base, `directory ${index}`, 'dangling'));
  }
  nodeFs.writeFileSync(Buffer.concat([Buffer.from(`${base}/`), Buffer.from([0xff, 0x80])]), 'odd');
  nodeFs.mkdirSync(Buffer.concat([Buffer.from(`${base}/`), Buffer.from([0xfe, 0x80])]));
  return count + 1;
}

t.test('a tree, as a promise and with a callback', async (t) => {
  const before = descriptors();
  makeTree(at('tree'));
  t.equal(await rm(at('tree'), { recursive: true }), undefined);
  t.notOk(nodeFs.existsSync(at('tree')));
  makeTree(at('tree'));
  const results = await new Promise((resolve) => {
    fs.rm(at('tree'), { recursive: true }, function (this: unknown, ...args: unknown[]) {
      resolve([this, ...args]);
    });
  });
  t.same(results, [undefined, null]);
  t.notOk(nodeFs.existsSync(at('tree')));
  nodeFs.mkdirSync(at('empty'));
  await rm(`${at('empty')}/`, { recursive: true });
  t.notOk(nodeFs.existsSync(at('empty')));
  t.equal(await settledDescriptors(before), before);
});

t.test('the ring removes each entry, and the directory', options, async (t) => {
  nodeFs.mkdirSync(at('flat'));
  for (let index = 0; index < 600; index++) nodeFs.writeFileSync(at('flat', `f${index}`), '');
  const before = stats().operations.unlinkat ?? 0;
  await rm(at('flat'), { recursive: true });
  // The unlink that finds a directory, its rmdir that finds it full, the entries, and the rmdir.
  t.equal((stats().operations.unlinkat ?? 0) - before, 603);
});

t.test('what cannot be removed keeps its contents', async (t) => {
  nodeFs.mkdirSync(at('kept'));
  nodeFs.writeFileSync(at('kept', 'file'), 'x');
  const directory = process.cwd();
  t.teardown(() => process.chdir(directory));
  process.chdir(at('kept'));
  await t.rejects(rm('.', { recursive: true, force: true }), { code: 'EINVAL' });
  t.same(nodeFs.readdirSync(at('kept')), ['file']);
  process.chdir(directory);

  nodeFs.mkdirSync(at('outer', 'mounted'), { recursive: true });
  if (spawnSync('mount', ['--bind', at('kept'), at('outer', 'mounted')]).status !== 0) {
    return void t.pass('', { skip: 'nothing can be mounted here' });
  }
  t.teardown(() => spawnSync('umount', ['-l', at('outer', 'mounted')]));
  await t.rejects(rm(at('outer', 'mounted'), { recursive: true }), { code: 'EBUSY' });
  await t.rejects(rm(at('outer'), { recursive: true }), { code: 'EBUSY' });
  t.same(nodeFs.readdirSync(at('kept')), ['file'], 'a directory outside of the tree, mounted in it');
});

t.test('nothing outside of the tree', async (t) => {
  nodeFs.mkdirSync(at('outside'));
  nodeFs.writeFileSync(at('outside', 'file'), 'x');
  nodeFs.mkdirSync(at('tree'));
  nodeFs.symlinkSync(at('outside'), at('tree', 'link'));
  nodeFs.symlinkSync(at('outside'), at('to outside'));
  await rm(at('tree'), { recursive: true });
  await rm(`${at('to outside')}/`, { recursive: true });
  t.ok(nodeFs.lstatSync(at('to outside')).isSymbolicLink(), 'as node: neither the link nor what it shows');
  await rm(at('to outside'), { recursive: true });
  t.notOk(nodeFs.existsSync(at('to outside')));
  t.same(nodeFs.readdirSync(at('outside')), ['file']);
});

t.test('a link in the place of a directory meanwhile leads nowhere', options, async (t) => {
  nodeFs.mkdirSync(at('precious'));
  for (let index = 0; index < 50; index++) nodeFs.writeFileSync(at('precious', `f${index}`), 'x');
  for (let round = 0; round < 40; round++) {
    const breadth = 6;
    makeTree(at('tree'), breadth, 5);
    const removing = rm(at('tree'), { recursive: true }).catch(() => {});
    for (let index = 0; index < breadth; index++) {
      for (let turn = 0; turn < round % 8; turn++) await new Promise((resolve) => setImmediate(resolve));
      try {
        nodeFs.renameSync(at('tree', `directory ${index}`, 'deeper'), at(`moved ${round} ${index}`));
        nodeFs.symlinkSync(at('precious'), at('tree', `directory ${index}`, 'deeper'));
      } catch {
        // It is gone already.
      }
    }
    await removing;
    nodeFs.rmSync(at('tree'), { recursive: true, force: true });
  }
  t.equal(nodeFs.readdirSync(at('precious')).length, 50);
});

/** The same call on node's and ours, in directories that look the same. */
async function both(
  make: (base: string) => void,
  call: (remove: Remove, base: string) => Promise<unknown>,
): Promise<[unknown, unknown]> {
  const results = [];
  for (const remove of [nodePromises.rm, rm]) {
    nodeFs.rmSync(at('base'), { recursive: true, force: true });
    nodeFs.mkdirSync(at('base'), { mode: 0o777 });
    nodeFs.chmodSync(at('base'), 0o777);
    make(at('base'));
    const result = await outcome(() => call(remove, at('base')));
    results.push({ result, names: nodeFs.readdirSync(at('base'), { recursive: true }) });
  }
  return results as [unknown, unknown];
}

t.test('results and errors are node’s', async (t) => {
  const make = (base: string): void => {
    nodeFs.writeFileSync(join(base, 'file'), 'x');
    nodeFs.mkdirSync(join(base, 'directory', 'inner'), { recursive: true });
    nodeFs.symlinkSync('directory', join(base, 'link'));
    nodeFs.symlinkSync('none', join(base, 'dangling'));
  };
  const all: Options[] = [
    {},
    { force: true },
    { recursive: true },
    { recursive: true, force: true },
    { recursive: true, maxRetries: 2, retryDelay: 1 },
  ];
  for (const name of ['file', 'directory', 'link', 'link/', 'dangling', 'none', 'none/none', 'file/none']) {
    for (const given of [undefined, ...all]) {
      const [expected, found] = await both(make, (remove, base) => remove(`${base}/${name}`, given));
      t.same(found, expected, `${name} ${JSON.stringify(given)}`);
    }
  }
});

t.test('arguments are checked as node checks them', async (t) => {
  for (const args of [
    [],
    [1],
    ['a\0'],
    ['a', 1],
    ['a', null],
    ['a', []],
    ['a', { recursive: 1 }],
    ['a', { force: 'x' }],
    ['a', { maxRetries: -1 }],
    ['a', { retryDelay: 1.5 }],
    ['a', { retryDelay: 2 ** 31 }],
    ['a', { recursive: undefined }],
  ]) {
    const call = (remove: unknown): unknown => (remove as (...args: unknown[]) => unknown)(...args);
    t.same(
      await outcome(() => call(rm)),
      await outcome(() => call(nodePromises.rm)),
      `promise ${JSON.stringify(args)}`,
    );
    if (args.length === 0) continue;
    const withCallback = (remove: unknown): unknown =>
      (remove as (...args: unknown[]) => unknown)(...args, () => {});
    t.same(
      await outcome(() => withCallback(fs.rm)),
      await outcome(() => withCallback(nodeFs.rm)),
      `callback ${JSON.stringify(args)}`,
    );
  }
  await t.rejects(rm('a', { timeout: -1 } as Options), { code: 'ERR_OUT_OF_RANGE' });
});

t.test('without permission', { skip: !isRoot && 'only root can become somebody else' }, async (t) => {
  nodeFs.chmodSync(dir, 0o755);
  const make = (base: string): void => {
    const mine = join(base, 'mine');
    // With one entry: of several, node's rm would still be at the others when it has rejected, with rights given back.
    nodeFs.mkdirSync(join(mine, 'closed'), { recursive: true });
    nodeFs.mkdirSync(join(mine, 'unreadable', 'inner'), { recursive: true });
    nodeFs.mkdirSync(join(mine, 'unreadable-empty'));
    for (const name of ['.', 'unreadable', 'unreadable-empty'])
      nodeFs.chownSync(join(mine, name), 65534, 65534);
    nodeFs.chmodSync(join(mine, 'unreadable'), 0o300);
    nodeFs.chmodSync(join(mine, 'unreadable-empty'), 0o300);
    nodeFs.writeFileSync(join(mine, 'closed', 'file'), 'x');
  };
  const cases = ['mine/closed', 'mine/unreadable', 'mine/unreadable-empty', 'mine/closed/file', 'mine'];
  for (const name of cases.slice(0, 4)) {
    const [expected, found] = await both(make, async (remove, base) => {
      process.seteuid!(65534);
      try {
        return await remove(join(base, name), { recursive: true });
      } finally {
        process.seteuid!(0);
      }
    });
    t.same(found, expected, name);
  }
});

t.test('retries: what somebody adds meanwhile is removed as well', async (t) => {
  makeTree(at('busy'), 3, 40);
  let adding = true;
  const add = async (): Promise<void> => {
    for (let index = 0; adding && index < 40; index++) {
      try {
        nodeFs.writeFileSync(at('busy', 'directory 1', 'deeper', `late ${index}`), 'x');
      } catch {
        return;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all([add(), rm(at('busy'), { recursive: true, maxRetries: 20, retryDelay: 5 })]);
  adding = false;
  t.notOk(nodeFs.existsSync(at('busy')));
});

t.test('two at once: neither minds the other', async (t) => {
  makeTree(at('shared'), 6, 50);
  const call = (): Promise<void> => rm(at('shared'), { recursive: true, force: true });
  await Promise.all([call(), call()]);
  t.notOk(nodeFs.existsSync(at('shared')));
});

t.test('deeper than a path can be long', async (t) => {
  const cwd = process.cwd();
  nodeFs.mkdirSync(at('deep'));
  process.chdir(at('deep'));
  const name = 'd'.repeat(200);
  for (let level = 0; level < 30; level++) {
    nodeFs.mkdirSync(name);
    process.chdir(name);
  }
  process.chdir(cwd);
  if (backend.name === 'io_uring') await rm(at('deep'), { recursive: true });
  else nodeFs.rmSync(at('deep'), { recursive: true });
  t.notOk(nodeFs.existsSync(at('deep')));
});

t.test('aborted in the middle: it stops, and leaves no descriptor', options, async (t) => {
  const before = descriptors();
  for (const turns of [0, 1, 4, 10, 20]) {
    const files = makeTree(at('tree'), 8, 80);
    const controller = new AbortController();
    const { signal } = controller;
    const removing = rm(at('tree'), { recursive: true, signal } as Options);
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await removing.then(
      () => t.notOk(nodeFs.existsSync(at('tree'))),
      (error: Error) => t.equal(error.name, 'AbortError'),
    );
    t.equal(listeners(signal), 0);
    for (let round = 0; round < 300 && stats().inFlight > 0; round++) await wait(10);
    t.equal(await settledDescriptors(before), before);
    const left = nodeFs.existsSync(at('tree'))
      ? nodeFs.readdirSync(at('tree'), { recursive: true }).length
      : 0;
    if (turns === 0) t.ok(left > files, 'nothing has been removed');
    nodeFs.rmSync(at('tree'), { recursive: true, force: true });
  }
  await t.rejects(
    rm(at('x'), { timeout: 0 } as Options).then(() => Promise.reject(new Error('done'))),
    Error,
  );
});
