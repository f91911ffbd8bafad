/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access,
   @typescript-eslint/no-unsafe-return -- wrong arguments on purpose */
// rename, link, symlink, unlink, rmdir, exists: the same calls on node:fs and on ringcore.
import { spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect, promisify } from 'node:util';
import { backend, stats } from 'ringcore/core';
import fs from 'ringcore/fs';
import fsPromises from 'ringcore/fs/promises';
import t from 'tap';
import { calledBack, descriptors, outcome, settledDescriptors, treeOf } from './helpers.js';

type Loose = any;

const root = t.testdir({ names: {} });
const dir = join(root, 'names');
const odd = Buffer.from('\xff\xfe-odd', 'latin1');
const ring = { skip: backend.name === 'io_uring' ? false : 'this is the node backend' };

/** The same files as before each call. */
function prepare(): void {
  process.chdir(root);
  nodeFs.rmSync(dir, { recursive: true });
  nodeFs.mkdirSync(join(dir, 'full'), { recursive: true });
  process.chdir(dir);
  nodeFs.mkdirSync('empty');
  nodeFs.writeFileSync('file', 'content');
  nodeFs.writeFileSync('other', 'other content');
  nodeFs.writeFileSync(odd, 'odd');
  nodeFs.writeFileSync('full/inner', '');
  nodeFs.symlinkSync('loop', 'loop');
  nodeFs.symlinkSync('nowhere', 'dangling');
  nodeFs.symlinkSync('full', 'to-full');
}

const bad = [undefined, null, 5, {}, [], true, 'a\0b', Buffer.from('a\0b'), new URL('http://a/b'), ''];
const unusual = [
  'absent',
  'absent/below',
  'file/below',
  'loop/below',
  'x'.repeat(300),
  '.',
  '/',
  '/dev/null/x',
];
const good = [
  'file',
  './file',
  Buffer.from('file'),
  new Uint8Array(Buffer.from('file')),
  pathToFileURL(join(dir, 'file')),
  odd,
  'empty',
  'empty/',
  'full',
  'loop',
  'dangling',
  'to-full',
  'to-full/',
];
const all = [...bad, ...unusual, ...good];
const types = [undefined, null, 'file', 'dir', 'junction', 'bogus', '', 5, {}];

const cases: [string, ...unknown[]][] = [
  ...all.flatMap((path): [string, ...unknown[]][] => [
    ['unlink', path],
    ['rmdir', path],
    ['rename', path, 'new'],
    ['rename', path, 'other'],
    ['rename', 'file', path],
    ['link', path, 'new'],
    ['link', 'file', path],
    ['symlink', path, 'new'],
    ['symlink', 'target', path],
  ]),
  ...types.map((type): [string, ...unknown[]] => ['symlink', 'target', 'new', type]),
  ['symlink', 5, 5, 'file'],
  ['rename', 5, 5],
  ['link', 5, 5],
  ['rename', odd, Buffer.from('\xfd', 'latin1')],
  ['symlink', odd, Buffer.from('\xfd', 'latin1')],
  ['link', odd, Buffer.from('\xfd', 'latin1')],
  ...[null, 5, 'x', [], {}, { other: 1 }].map((options): [string, ...unknown[]] => [
    'rmdir',
    'empty',
    options,
  ]),
  ...[undefined, null, false, true, 1].map((recursive): [string, ...unknown[]] => [
    'rmdir',
    'full',
    { recursive },
  ]),
  ['rmdir', 'empty', { retryDelay: -1 }],
  ['rmdir', 'empty', { maxRetries: 1.5 }],
  ['rmdir', 5, 5],
];

t.test('results, errors and effects are those of node', async (t) => {
  for (const [method, ...args] of cases) {
    const run = async (module: Loose, promises: Loose) => {
      prepare();
      const promise = await outcome(() => promises[method](...args));
      const behindPromise = treeOf(dir);
      prepare();
      const callback = await calledBack((done) => module[method](...args, done));
      return { promise, behindPromise, callback, behindCallback: treeOf(dir) };
    };
    const expected = await run(nodeFs, nodePromises);
    // Since node 24 symlink forgets that callbacks have no `this`.
    if ('called' in expected.callback) expected.callback.receiver = undefined;
    t.same(await run(fs, fsPromises), expected, `${method} ${args.map((arg) => inspect(arg)).join()}`);
  }
});

t.test('callbacks that are none', async (t) => {
  for (const args of [[], ['file'], ['file', 'new'], ['file', 'new', 5], [5, 5, 5], [5, 5, undefined]]) {
    for (const method of ['unlink', 'rmdir', 'rename', 'link', 'symlink', 'exists']) {
      const run = (module: Loose): Promise<unknown> => {
        prepare();
        return outcome(() => module[method](...args));
      };
      t.same(await run(fs), await run(nodeFs), `${method} ${inspect(args)}`);
      t.equal(nodeFs.readFileSync('file', 'utf8'), 'content');
    }
  }
});

t.test('symlink without a callback, but with a type', async (t) => {
  prepare();
  // From node 24 on its own does not look.
  const call = (): unknown => (fs.symlink as Loose)('target', 'new', 'file', 5);
  t.match(await outcome(call), { thrown: { code: 'ERR_INVALID_ARG_TYPE' } });
  t.notOk(nodeFs.existsSync('new'));
});

t.test('exists', async (t) => {
  prepare();
  for (const path of all) {
    const run = (module: Loose): Promise<unknown> => calledBack((done) => module.exists(path, done));
    t.same(await run(fs), await run(nodeFs), inspect(path));
  }
  t.equal(await promisify(fs.exists)('file'), true);
  t.equal(await promisify(fs.exists)('absent'), false);
});

t.test('promisify(exists) is that of ringcore', ring, async (t) => {
  prepare();
  const answers = (): number => stats().atOnce + (stats().operations.statx ?? 0);
  const before = answers();
  await promisify(fs.exists)('file');
  t.equal(answers(), before + 1);
});

t.test('it is the ring that does it', ring, async (t) => {
  prepare();
  const kinds = ['renameat', 'linkat', 'symlinkat', 'unlinkat'];
  const counts = (): number[] => kinds.map((kind) => stats().operations[kind] ?? 0);
  const before = counts();
  await fsPromises.rename('file', 'renamed');
  await fsPromises.link('renamed', 'linked');
  await fsPromises.symlink('renamed', 'symbolic');
  await fsPromises.unlink('renamed');
  await fsPromises.rmdir('empty');
  await promisify(fs.rename)('linked', 'renamed');
  await promisify(fs.link)('renamed', 'linked');
  await promisify(fs.symlink)('renamed', 'symbolic2');
  await promisify(fs.unlink)('renamed');
  await promisify(fs.rmdir)('full').catch(() => {});
  t.same(
    counts(),
    before.map((count, index) => count + (index === 3 ? 4 : 2)),
  );
});

t.test('surplus arguments do not matter', async (t) => {
  prepare();
  await Promise.all(['file', 'other'].map(fsPromises.unlink as (path: string) => Promise<void>));
  t.notOk(nodeFs.existsSync('file') || nodeFs.existsSync('other'));
  nodeFs.writeFileSync('file', '');
  await new Promise((resolve) => (fs.unlink as Loose)('file', resolve, 'surplus'));
  t.notOk(nodeFs.existsSync('file'));
});

t.test('a path is taken as it was at the call', async (t) => {
  prepare();
  const path = Buffer.from('absent');
  const removed = outcome(() => fsPromises.unlink(path));
  path.fill('x');
  t.match(await removed, { rejected: { path: 'absent' } });
});

t.test('relative paths follow process.chdir', async (t) => {
  prepare();
  await fsPromises.unlink('file');
  process.chdir('full');
  await fsPromises.unlink('inner');
  await fsPromises.rename('../other', 'moved');
  t.same(nodeFs.readdirSync('.'), ['moved']);
});

t.test('rmdir of a tree warns as the node that runs', (t) => {
  const warnings = (module: string): string => {
    prepare();
    const program = `
      import fs from '${module}';
      process.on('warning', (warning) => console.log(warning.code));
      try {
        fs.rmdir(${JSON.stringify(join(dir, 'full'))}, { recursive: true }, (error) => console.log(error?.code));
      } catch (error) { console.log(error.code); }`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
    return String(stdout) + nodeFs.existsSync('full');
  };
  t.equal(warnings('ringcore/fs'), warnings('node:fs'));
  t.end();
});

t.test('2,000 operations, good and bad, at once: no descriptor is left', async (t) => {
  prepare();
  const before = descriptors();
  const one = async (index: number): Promise<void> => {
    const name = `made-${index}`;
    await fsPromises.mkdir(`${name}/a/b`, { recursive: true });
    await fsPromises.link('file', `${name}/file`);
    await fsPromises.symlink('file', `${name}/symbolic`);
    await fsPromises.rename(`${name}/file`, `${name}/a/b/file`);
    await fsPromises.truncate(`${name}/a/b/file`, 3);
    await fsPromises.truncate(`${name}/a`, 3).catch(() => {});
    await fsPromises.rmdir(`${name}/a`).catch(() => {});
    await fsPromises.unlink(`${name}/a/b/file`);
    await fsPromises.unlink(`${name}/symbolic`);
    for (const path of ['a/b', 'a', '']) await fsPromises.rmdir(`${name}/${path}`);
  };
  await Promise.all(Array.from({ length: 200 }, (_, index) => one(index)));
  t.equal(await settledDescriptors(before), before);
  t.same(
    nodeFs.readdirSync('.').filter((name) => name.startsWith('made')),
    [],
  );
});
