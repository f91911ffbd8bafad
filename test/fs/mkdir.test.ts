/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access,
   @typescript-eslint/no-unsafe-return -- wrong arguments on purpose */
// mkdir, recursive or not: the same calls on node:fs and on ringcore.
import { spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { backend, ring as openRing, stats } from 'ringcore/core';
import fs from 'ringcore/fs';
import fsPromises from 'ringcore/fs/promises';
import t from 'tap';
import { scaled } from '../slowness.js';
import { calledBack, outcome, treeOf } from './helpers.js';

type Loose = any;

const root = t.testdir({ made: {} });
const dir = join(root, 'made');
const ring = { skip: backend.name === 'io_uring' ? false : 'this is the node backend' };

function prepare(): void {
  process.chdir(root);
  nodeFs.rmSync(dir, { recursive: true });
  nodeFs.mkdirSync(join(dir, 'there/below'), { recursive: true });
  process.chdir(dir);
  nodeFs.writeFileSync('file', '');
  nodeFs.symlinkSync('nowhere', 'dangling');
  nodeFs.symlinkSync('loop', 'loop');
  nodeFs.symlinkSync('there', 'to-there');
}

const paths = [
  'new',
  'new/',
  'new/a/b/c',
  './new//a/b/',
  'new/../other/x',
  'there',
  'there/new/a',
  'to-there',
  'to-there/new/a',
  Buffer.from('new/a'),
  new Uint8Array(Buffer.from('new/a')),
  Buffer.from('n\xff/a/b', 'latin1'),
  pathToFileURL(join(dir, 'new/a/ä')),
  join(dir, 'new/a'),
  '.',
  '/',
  '',
  'file',
  'file/',
  'file/a/b',
  'dangling',
  'dangling/a/b',
  'loop',
  'loop/a',
  `new/${'x'.repeat(300)}/a`,
  '/sys/new/a',
  undefined,
  null,
  5,
  {},
  'a\0b',
];
const modes = [undefined, null, 0o700, '700', '0o7', 'x', '', -1, 1.5, 2 ** 32, true, {}, 0];

const cases: unknown[][] = [
  ...paths.flatMap((path) => [[path], [path, { recursive: true }]]),
  ...modes.flatMap((mode) => [
    ['new', mode],
    ['new', { mode }],
    ['new/a', { mode, recursive: true }],
  ]),
  ...[undefined, null, 0, 'x', true].map((recursive) => ['new/a', { recursive }]),
  // More than one is wrong.
  [5, { recursive: 5, mode: 'x' }],
  ['new', { recursive: 5, mode: 'x' }],
  [5, 'x'],
];

t.test('results, errors and effects are those of node', async (t) => {
  for (const args of cases) {
    const run = async (module: Loose, promises: Loose): Promise<unknown> => {
      prepare();
      const promise = await outcome(() => promises.mkdir(...args));
      const behindPromise = treeOf(dir);
      prepare();
      const callback = await calledBack((done) => module.mkdir(...args, done));
      return { promise, behindPromise, callback, behindCallback: treeOf(dir) };
    };
    const expected = await run(nodeFs, nodePromises);
    t.same(await run(fs, fsPromises), expected, inspect(args));
  }
});

t.test('callbacks that are none', async (t) => {
  for (const args of [[], ['new'], ['new', 5], ['new', {}, 5], [5, {}, 5], ['new', { mode: 'x' }, 5]]) {
    const run = (module: Loose): Promise<unknown> => {
      prepare();
      return outcome(() => module.mkdir(...args));
    };
    t.same(await run(fs), await run(nodeFs), inspect(args));
    t.notOk(nodeFs.existsSync('new'));
  }
});

t.test('a mode beyond what node takes is no crash', ring, async (t) => {
  prepare();
  await fsPromises.mkdir('new', 2 ** 32 - 1);
  t.ok(nodeFs.statSync('new').isDirectory());
});

t.test('the umask counts', async (t) => {
  prepare();
  const before = process.umask(0o027);
  await fsPromises.mkdir('new/a', { recursive: true });
  process.umask(before);
  t.equal(nodeFs.statSync('new').mode & 0o777, 0o750);
  t.equal(nodeFs.statSync('new/a').mode & 0o777, 0o750);
});

t.test('it is the ring that does it', ring, async (t) => {
  prepare();
  const before = stats().operations.mkdirat ?? 0;
  await fsPromises.mkdir('new');
  t.equal(stats().operations.mkdirat, before + 1);
  await fsPromises.mkdir('there/new/a', { recursive: true });
  // The last fails, the one above it and then the last again do not.
  t.equal(stats().operations.mkdirat, before + 4);
});

t.test('the same path 50 times at once', async (t) => {
  for (let round = 0; round < 10; round++) {
    prepare();
    const path = 'new/a/b/c/d/e';
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        index % 2 === 0
          ? fsPromises.mkdir(path, { recursive: true })
          : new Promise<string | undefined>((resolve, reject) =>
              fs.mkdir(path, { recursive: true }, (error, first) =>
                error === null ? resolve(first) : reject(error),
              ),
            ),
      ),
    );
    t.ok(nodeFs.statSync(path).isDirectory());
    // One has made the first; whoever came later in between has made one below.
    t.equal(results.filter((first) => first === 'new').length, 1);
    t.ok(results.every((first) => first === undefined || path.startsWith(first)));
  }
});

t.test('somebody removes what has been made', ring, async (t) => {
  const { native } = openRing();
  const mkdirat = native.mkdirat.bind(native);
  let removals = 0;
  native.mkdirat = (flags, timeout, dirfd, path, mode) => {
    if (path === 'new/a' && nodeFs.existsSync('new') && removals-- > 0) nodeFs.rmdirSync('new');
    return mkdirat(flags, timeout, dirfd, path, mode);
  };
  t.teardown(() => (native.mkdirat = mkdirat));
  prepare();
  removals = 3;
  t.equal(await fsPromises.mkdir('new/a/b', { recursive: true }), 'new');
  t.equal(removals, -1);
  t.ok(nodeFs.statSync('new/a/b').isDirectory());
  prepare();
  removals = Infinity;
  const gone = { code: 'ENOENT', syscall: 'mkdir', path: 'new/a' };
  await t.rejects(fsPromises.mkdir('new/a/b', { recursive: true }), gone);
});

t.test('where nothing can be made: an error, where node tries for ever', ring, async (t) => {
  const absent = { code: 'ENOENT', syscall: 'mkdir', path: '/proc/new' };
  await t.rejects(fsPromises.mkdir('/proc/new/a', { recursive: true }), absent);
  const program = `
    import fs from 'node:fs';
    import { mkdir } from 'ringcore/fs/promises';
    process.chdir(${JSON.stringify(dir)});
    fs.mkdirSync('gone');
    process.chdir('gone');
    fs.rmdirSync('../gone');
    await mkdir('new/a', { recursive: true }).catch((error) => console.log(error.message));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    timeout: scaled(20_000),
  });
  t.equal(String(stdout), "ENOENT: no such file or directory, mkdir 'new'\n");
});

t.test('a path is taken as it was at the call', async (t) => {
  prepare();
  const path = Buffer.from('new/a/b');
  const made = fsPromises.mkdir(path, { recursive: true });
  path.fill('x');
  t.equal(await made, 'new');
  t.ok(nodeFs.statSync('new/a/b').isDirectory());
});
