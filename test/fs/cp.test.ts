// cp: the copy that node makes, node's errors, and nothing half-done when it is stopped.
import { execFileSync } from 'node:child_process';
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { backend, stats } from 'ringcore/core';
import fs from 'ringcore/fs';
import { cp } from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, listeners, outcome, pattern, settledDescriptors } from './helpers.js';
import { listing } from './trees.js';

const dir = t.testdir();
const at = (...names: string[]): string => join(dir, ...names);
const options = backend.name === 'io_uring' ? {} : { skip: 'this is the node backend' };
type Copy = typeof nodePromises.cp;
type Options = Parameters<Copy>[2] & { signal?: AbortSignal; timeout?: number };

function makeTree(base: string): void {
  for (const name of ['a', 'b/c/d', 'empty', 'read-only/inner', 'many']) {
    nodeFs.mkdirSync(join(base, name), { recursive: true });
  }
  nodeFs.writeFileSync(join(base, 'large'), pattern(3_000_001));
  nodeFs.writeFileSync(join(base, 'none'), '');
  nodeFs.writeFileSync(join(base, 'a', 'script'), '#!', { mode: 0o755 });
  nodeFs.writeFileSync(join(base, 'b', 'c', 'd', 'secret'), 'x', { mode: 0o600 });
  nodeFs.writeFileSync(join(base, 'a', 'special'), 'x');
  nodeFs.chmodSync(join(base, 'a', 'special'), 0o4755);
  nodeFs.writeFileSync(join(base, 'read-only', 'file'), 'x', { mode: 0o444 });
  for (let index = 0; index < 60; index++)
    nodeFs.writeFileSync(join(base, 'many', `f${index}`), pattern(index * 97));
  nodeFs.symlinkSync('a/script', join(base, 'link'));
  nodeFs.symlinkSync('a', join(base, 'link-to-directory'));
  nodeFs.utimesSync(join(base, 'large'), 1_600_000_000, 1_500_000_000);
  nodeFs.utimesSync(join(base, 'read-only', 'file'), 1_600_000_000, 1_500_000_123);
  nodeFs.chmodSync(join(base, 'read-only'), 0o555);
}

const source = at('source');
makeTree(source);

/** The same call with node's and with ours. Both write to the same name, since links may show it. */
async function both(
  prepare: (target: string) => void,
  call: (copy: Copy, target: string) => unknown,
): Promise<[unknown, unknown]> {
  const results = [];
  for (const copy of [nodePromises.cp, cp]) {
    const base = at('base');
    nodeFs.rmSync(base, { recursive: true, force: true });
    nodeFs.mkdirSync(base);
    prepare(join(base, 'target'));
    const result = await outcome(() => call(copy, join(base, 'target')));
    results.push({ result, found: listing(base, { times: true }).map(withoutRecentTime) });
  }
  return results as [unknown, unknown];
}

const withoutRecentTime = (line: string): string => line.replace(/ 20(?!17)\d\d-[-0-9T:.Z]+$/, '');
const nothing = (): void => {};
const partOfTree = (target: string): void => {
  nodeFs.mkdirSync(join(target, 'a'), { recursive: true });
  nodeFs.mkdirSync(join(target, 'many'));
  nodeFs.writeFileSync(join(target, 'a', 'script'), 'old', { mode: 0o640 });
  nodeFs.writeFileSync(join(target, 'many', 'f7'), 'old');
  nodeFs.writeFileSync(join(target, 'many', 'another'), 'stays');
};
const linksInTheWay = (target: string): void => {
  nodeFs.mkdirSync(target, { recursive: true });
  nodeFs.symlinkSync('elsewhere', join(target, 'link'));
};

t.test('what node copies, with every option', async (t) => {
  const all: Options[] = [
    { recursive: true },
    { recursive: true, dereference: true },
    { recursive: true, verbatimSymlinks: true },
    { recursive: true, preserveTimestamps: true },
    { recursive: true, force: false },
    { recursive: true, mode: nodeFs.constants.COPYFILE_FICLONE },
    { recursive: true, filter: (from: string) => !from.includes('/many') },
    { recursive: true, filter: async (from: string) => wait(0, !from.endsWith('d')) },
    { recursive: true, filter: () => false },
  ];
  for (const [name, prepare] of Object.entries({ nothing, partOfTree, linksInTheWay })) {
    for (const given of all) {
      const [expected, found] = await both(prepare, (copy, target) => copy(source, target, given));
      t.same(found, expected, `onto ${name}, ${JSON.stringify(given)}`);
    }
  }
});

t.test('single files and links, into directories that are not there', async (t) => {
  for (const name of ['large', 'none', 'link', 'link-to-directory', 'a/special', 'read-only/file']) {
    for (const given of [{}, { preserveTimestamps: true }, { dereference: true, recursive: true }]) {
      const [expected, found] = await both(nothing, (copy, target) =>
        copy(join(source, name), join(target, 'new', name), given),
      );
      t.same(found, expected, `${name} ${JSON.stringify(given)}`);
    }
  }
});

t.test('errors are node’s, and so is what is left', async (t) => {
  const server = createServer().listen(at('socket'));
  await once(server, 'listening');
  t.teardown(() => server.close());
  execFileSync('mkfifo', [at('fifo')]);
  const file = (target: string): void => nodeFs.writeFileSync(target, 'old');
  const directory = (target: string): void => nodeFs.mkdirSync(target);
  const cases: [string, (target: string) => void, (target: string) => [string, string, Options?]][] = [
    ['nothing there', nothing, (target) => [at('missing'), target]],
    ['a directory without recursive', nothing, (target) => [source, target]],
    ['a file onto itself', nothing, () => [join(source, 'none'), join(source, 'none')]],
    ['a tree onto itself', nothing, () => [source, source, { recursive: true }]],
    ['a tree into itself', nothing, () => [source, join(source, 'a', 'new'), { recursive: true }]],
    [
      'a tree into itself, by a link',
      nothing,
      () => [source, join(source, 'link-to-directory', 'new'), { recursive: true }],
    ],
    ['a directory onto a file', file, (target) => [source, target, { recursive: true }]],
    ['a file onto a directory', directory, (target) => [join(source, 'none'), target]],
    [
      'no overwriting',
      file,
      (target) => [join(source, 'none'), target, { force: false, errorOnExist: true }],
    ],
    [
      'no overwriting in a tree',
      partOfTree,
      (target) => [source, target, { recursive: true, force: false, errorOnExist: true }],
    ],
    ['a socket', nothing, (target) => [at('socket'), target]],
    ['a FIFO', nothing, (target) => [at('fifo'), target]],
    ['a name in a file', nothing, (target) => [join(source, 'none'), `${source}/none/x/${target.slice(-1)}`]],
    [
      'a mode for what exists',
      file,
      (target) => [join(source, 'none'), target, { force: false, mode: nodeFs.constants.COPYFILE_EXCL }],
    ],
  ];
  for (const [name, prepare, args] of cases) {
    const [expected, found] = await both(prepare, (copy, target) => copy(...args(target)));
    // The walk stops where it is: node's may have got further, or less far.
    if (name === 'no overwriting in a tree') {
      t.same((found as { result: unknown }).result, (expected as { result: unknown }).result, name);
    } else t.same(found, expected, name);
  }
});

t.test('arguments are checked as node checks them', async (t) => {
  for (const args of [
    [],
    [1, 2],
    ['a'],
    ['a', 'b', 1],
    ['a', 'b', null],
    ['a', 'b', { mode: 8 }],
    ['a', 'b', { mode: 'x' }],
    ['a', 'b', { recursive: 1 }],
    ['a', 'b', { force: null }],
    ['a', 'b', { filter: 1 }],
    ['a', 'b', { dereference: true, verbatimSymlinks: true }],
    ['a\0', 'b'],
    [Buffer.from('a'), 'b'],
  ]) {
    const call = (copy: unknown): unknown => (copy as (...args: unknown[]) => unknown)(...args);
    t.same(await outcome(() => call(cp)), await outcome(() => call(nodePromises.cp)), JSON.stringify(args));
    t.same(await outcome(() => call(fs.cp)), await outcome(() => call(nodeFs.cp)), 'without a callback');
  }
  await t.rejects(cp('a', 'b', { timeout: -1 } as Options), { code: 'ERR_OUT_OF_RANGE' });
});

t.test('a filter is asked in node’s order, about what node asks', async (t) => {
  const asked = async (copy: Copy): Promise<string[]> => {
    const names: string[] = [];
    const filter = (from: string, to: string): boolean => {
      names.push(`${from} ${to}`);
      return !from.endsWith('/c');
    };
    nodeFs.rmSync(at('filtered'), { recursive: true, force: true });
    await copy(source, at('filtered'), { recursive: true, filter });
    return names;
  };
  t.same((await asked(cp)).sort(), (await asked(nodePromises.cp)).sort());
  const names = await asked(cp);
  const inside = names.filter((name) => name.includes('/many'));
  const first = names.indexOf(inside[0]!);
  t.same(names.slice(first, first + inside.length), inside, 'a directory is done before the next begins');
  await t.rejects(
    cp(source, at('filtered'), {
      recursive: true,
      filter: () => {
        throw new Error('no');
      },
    }),
    { message: 'no' },
  );
});

t.test('the callback: null and no result, as from node, later, without a this', async (t) => {
  const results = await new Promise((resolve) => {
    fs.cp(join(source, 'none'), at('called'), function (this: unknown, ...args: unknown[]) {
      resolve([this, ...args]);
    });
  });
  t.same(results, [undefined, null, undefined]);
  const error = await new Promise((resolve) => fs.cp(source, at('called 2'), {}, resolve));
  t.match(error, { code: 'ERR_FS_EISDIR', name: 'SystemError' });
});

t.test('aborted at every moment: whole files only, and no descriptor', options, async (t) => {
  const before = descriptors();
  let aborted = 0;
  for (let turns = 0; turns < 24; turns += 2) {
    const controller = new AbortController();
    const { signal } = controller;
    const target = at(`aborted ${turns}`);
    const copying = cp(source, target, { recursive: true, signal } as Options);
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    controller.abort('enough');
    await copying.catch((error: Error) => {
      t.match(error, { name: 'AbortError', cause: 'enough' });
      aborted++;
    });
    t.equal(listeners(signal), 0);
    for (let round = 0; round < 300 && stats().inFlight > 0; round++) await wait(10);
    t.equal(await settledDescriptors(before), before);
    for (const name of nodeFs.existsSync(target) ? nodeFs.readdirSync(target, { recursive: true }) : []) {
      const [copied, original] = [target, source].map((base) => nodeFs.lstatSync(join(base, String(name))));
      if (copied!.isFile()) t.equal(copied!.size, original!.size, String(name));
    }
  }
  t.ok(aborted > 2, `${aborted} were in time`);
});

t.test('a timeout', options, async (t) => {
  const never = { recursive: true, timeout: 20, filter: () => new Promise<boolean>(() => {}) };
  await t.rejects(cp(source, at('late'), never as Options), { name: 'TimeoutError', code: 'ETIMEDOUT' });
  t.notOk(nodeFs.existsSync(at('late')));
});
