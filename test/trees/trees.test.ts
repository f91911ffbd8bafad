// Packages that everybody uses, with ringcore/fs in the place of node:fs, on a tree of real files: what comes of it is
// byte for byte what comes of node's own.
import { execFile } from 'node:child_process';
import nodeFs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { backend } from 'ringcore/core';
import t, { type Test } from 'tap';
import { listing } from '../fs/trees.js';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));

/** In memory where there is room: a disk that others use as well makes minutes of this. */
function workplace(): string {
  const memory = '/dev/shm';
  const { bavail, bsize } = nodeFs.existsSync(memory) ? nodeFs.statfsSync(memory) : { bavail: 0, bsize: 0 };
  if (bavail * bsize < 500_000_000) return t.testdir();
  const place = nodeFs.mkdtempSync(join(memory, 'ringcore-trees-'));
  t.teardown(() => nodeFs.rmSync(place, { recursive: true }));
  return place;
}

const dir = workplace();
const source = join(dir, 'source');
/** As many files as an average node_modules has, in a time that every run of the tests can bear. */
const wantedFiles = 3000;
const mostBytes = 20_000_000;

/** Packages of this project's own node_modules, and its links. */
function makeSource(): number {
  const modules = join(here, '../../../node_modules');
  nodeFs.mkdirSync(source);
  let [files, bytes] = [0, 0];
  const isPackage = (name: string): boolean => nodeFs.existsSync(join(modules, name, 'package.json'));
  for (const name of nodeFs.readdirSync(modules).sort().filter(isPackage)) {
    const entries = nodeFs.readdirSync(join(modules, name), { recursive: true });
    const sizes = entries.map((entry) => nodeFs.lstatSync(join(modules, name, String(entry))).size);
    const size = sizes.reduce((sum, one) => sum + one, 0);
    if (bytes + size > mostBytes || files + entries.length > wantedFiles * 1.1) continue;
    nodeFs.cpSync(join(modules, name), join(source, name), { recursive: true, verbatimSymlinks: true });
    files += entries.length;
    bytes += size;
    if (files >= wantedFiles) break;
  }
  nodeFs.cpSync(join(modules, '.bin'), join(source, 'bin'), { recursive: true, verbatimSymlinks: true });
  nodeFs.symlinkSync('empty', join(source, 'to-directory'));
  nodeFs.mkdirSync(join(source, 'empty'));
  nodeFs.writeFileSync(join(source, 'script'), '#!/bin/sh\n', { mode: 0o755 });
  nodeFs.writeFileSync(join(source, 'read-only'), 'x', { mode: 0o444 });
  nodeFs.writeFileSync(join(source, 'Ä ö\n𝒰'), 'a name');
  return files;
}

async function work(
  which: string,
  job: string,
  from: string,
  to: string,
  openFiles?: number,
): Promise<number> {
  const command = [process.execPath, join(here, 'work.js'), which, job, from, to];
  const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles}; `;
  const { stdout } = await run('sh', ['-c', `${limit}exec "$@"`, 'sh', ...command]);
  return Number(stdout);
}

/** The same job with both; returns where the results are. What is there before is `prepare`'s. */
async function both(
  t: Test,
  job: string,
  from: string,
  {
    prepare = (_target: string): void => {},
    openFiles,
  }: { prepare?: (target: string) => void; openFiles?: number } = {},
): Promise<[string, string]> {
  const targets: string[] = [];
  for (const which of ['node', 'ringcore']) {
    // Both work on the same name: links and archives tell it.
    const target = join(dir, 'target');
    const kept = join(dir, `${which} ${job}`);
    prepare(target);
    const operations = await work(which, job, from, target, openFiles);
    if (which === 'ringcore' && backend.name === 'io_uring') {
      t.ok(operations > 0, `${operations} operations on the ring`);
    }
    if (nodeFs.existsSync(target)) nodeFs.renameSync(target, kept);
    targets.push(kept);
  }
  return targets as [string, string];
}

t.before(() => {
  t.comment(`${makeSource()} files`);
});

t.test('fs-extra copies a tree', async (t) => {
  const [nodes, ours] = await both(t, 'fs-extra copy', source);
  t.same(listing(ours, { times: true }), listing(nodes, { times: true }));
});

t.test('fs-extra filters, overwrites, moves, empties, removes', async (t) => {
  const [nodes, ours] = await both(t, 'fs-extra changes', source);
  t.same(listing(ours), listing(nodes));
});

t.test('tar packs a tree, and unpacks it', async (t) => {
  for (const job of ['tar pack', 'tar pack zipped']) {
    const [nodes, ours] = await both(t, job, source);
    t.ok(nodeFs.readFileSync(ours).equals(nodeFs.readFileSync(nodes)), job);
    const [nodesTree, oursTree] = await both(t, 'tar extract', nodes);
    const found = listing(oursTree, { times: true });
    t.same(found, listing(nodesTree, { times: true }));
    t.equal(found.length, listing(source).length);
    for (const tree of [nodesTree, oursTree]) nodeFs.rmSync(tree, { recursive: true });
  }
});

t.test('cp copies a tree', async (t) => {
  const [nodes, ours] = await both(t, 'cp', source);
  t.same(listing(ours), listing(nodes));
});

t.test('rm and fs-extra remove a tree', async (t) => {
  const prepare = (target: string): void =>
    nodeFs.cpSync(source, target, { recursive: true, verbatimSymlinks: true });
  for (const job of ['rm', 'fs-extra remove']) {
    const targets = await both(t, job, source, { prepare });
    for (const target of targets) t.notOk(nodeFs.existsSync(target), job);
  }
  t.notOk(nodeFs.existsSync(join(dir, 'target')));
});

t.test('graceful-fs waits when no more files may be open', async (t) => {
  const [nodes, ours] = await both(t, 'graceful-fs', source, { openFiles: 90 });
  t.same(listing(ours), listing(nodes));
  t.equal(listing(ours).length, 801);
});
