// What another user may not do: errors are node's. Run by root, in a child of another user's; else, by that user.
import { spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backend } from 'ringcore/core';
import fs from 'ringcore/fs';
import fsPromises from 'ringcore/fs/promises';
import t from 'tap';
import { factsOf } from './facts.js';
import type { Side } from './world.js';

const nobody = 65534;

/** Methods of fs/promises, and paths below a directory of root's. */
const calls: [method: string, ...args: unknown[]][] = [
  ...['private/file', 'secret', 'private/nowhere', 'open/file'].flatMap((path): typeof calls => [
    ['readFile', path],
    ['writeFile', path, 'x'],
    ['appendFile', path, 'x'],
    ['open', path, 'r'],
    ['open', path, 'w'],
    ['stat', path],
    ['lstat', path],
    ['access', path],
    ['truncate', path, 1],
    ['chmod', path, 0o777],
    ['chown', path, 1, 1],
    ['utimes', path, 1, 1],
    ['unlink', path],
    ['rm', path],
    ['rm', path, { recursive: true, force: true }],
    ['rename', path, 'open/new'],
    ['link', path, 'open/new'],
    ['copyFile', path, 'open/new'],
    ['cp', path, 'open/new'],
    ['symlink', 'x', `${path}.new`],
  ]),
  ...['private', 'private/new', 'open/new', 'open'].flatMap((path): typeof calls => [
    ['mkdir', path],
    ['mkdir', path, { recursive: true }],
    ['mkdir', `${path}/a/b`, { recursive: true }],
    ['rmdir', path],
    ['readdir', path],
    ['opendir', path],
    ['realpath', path],
    ['mkdtemp', `${path}/temp-`],
    ['rm', path, { recursive: true }],
    ['cp', path, 'open/new', { recursive: true }],
  ]),
];

type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** The outcomes of all calls on one side, in the working directory. */
async function outcomes({ promises }: Side): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const [method, ...args] of calls) {
    try {
      const value = await (promises as unknown as Methods)[method]!(...args);
      results.push(['resolved', factsOf(value, process.cwd())]);
      await (value as { close?: () => Promise<void> } | undefined)?.close?.();
    } catch (error) {
      results.push(['rejected', factsOf(error, process.cwd())]);
    }
  }
  return results;
}

if (process.argv[2] === 'child') {
  const ring = await outcomes({ fs, promises: fsPromises });
  const node = await outcomes({ fs: nodeFs, promises: nodePromises });
  console.log(JSON.stringify({ ring, node, backend: backend.name }));
} else if (process.getuid?.() !== 0) {
  t.pass('skipped: only root can become another user', { skip: 'needs root' });
} else {
  const dir = t.testdir({ private: { file: 'x' }, secret: 'x', open: { file: 'x' } });
  nodeFs.chmodSync(join(dir, 'private'), 0o700);
  nodeFs.chmodSync(join(dir, 'secret'), 0o600);
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), 'child'], {
    cwd: dir,
    uid: nobody,
    gid: nobody,
    encoding: 'utf8',
  });
  t.equal(child.status, 0, child.stderr);
  const {
    ring,
    node,
    backend: used,
  } = JSON.parse(child.stdout || '{}') as {
    ring: unknown[];
    node: unknown[];
    backend: string;
  };
  t.equal(used, backend.name);
  calls.forEach((call, index) => t.same(ring[index], node[index], call.map(String).join(' ')));
  const denied = node.filter((outcome) => /EACCES|EPERM/.test(JSON.stringify(outcome)));
  t.ok(denied.length > calls.length / 2, 'most of it is denied');
}
