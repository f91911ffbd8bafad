// Packages that work on files under ringcore/register, as on plain node.
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { listing } from '../fs/trees.js';
import { compare, install, root } from './support.js';

const skip = install();

/** This project's own sources, and what else may be in a tree. */
function makeSource(t: Test): string {
  const directory = t.testdir();
  const source = join(directory, 'source');
  cpSync(join(root, 'lib'), source, { recursive: true });
  symlinkSync('net', join(source, 'to-directory'));
  mkdirSync(join(source, 'empty'));
  writeFileSync(join(source, 'script'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(source, 'large'), Buffer.alloc(5_000_000, 'large'));
  return directory;
}

t.test('fs-extra', { skip }, async (t) => {
  const directory = makeSource(t);
  await compare(t, 'fs_extra.mjs', {
    ring: ['openat', 'unlinkat', 'mkdirat', 'renameat'],
    base: directory,
    each: (target) => ({ args: [join(directory, 'source'), target] }),
    // Where links lead is below the target.
    drive: async (program, target) => {
      await program.outcome;
      return listing(target).map((line) => line.replace(target, 'TARGET'));
    },
  });
});

t.test('tar', { skip }, async (t) => {
  const directory = makeSource(t);
  await compare(t, 'tar.mjs', {
    by: 'require',
    ring: ['openat', 'read', 'write', 'close'],
    base: directory,
    each: (target) => ({ args: [join(directory, 'source'), target] }),
    drive: async (program, target) => {
      await program.outcome;
      // Archives have the time at which they were made.
      return listing(target, { times: true }).map((line) => line.replace(/(\.t(?:ar|gz) .*) \S+$/, '$1'));
    },
  });
});

t.test('graceful-fs waits when no more files may be open', { skip }, async (t) => {
  const directory = t.testdir({ plain: {}, import: {} });
  await compare(t, 'graceful_fs.mjs', {
    ring: ['openat', 'close'],
    openFiles: 90,
    base: directory,
    each: (target) => ({ args: [target] }),
    drive: async (program, target) => {
      await program.outcome;
      return listing(target);
    },
  });
});

t.test('pino', { skip }, async (t) => {
  const directory = t.testdir({ plain: {}, import: {} });
  await compare(t, 'pino.mjs', {
    ring: ['openat', 'write'],
    base: directory,
    each: (target) => ({ args: [target] }),
    drive: async (program, target) => {
      await program.outcome;
      const count = (name: string): number => readFileSync(join(target, name), 'utf8').split('\n').length - 1;
      const counts = ['later', 'later.1', 'made/at once', 'worker', 'errors'].map(count);
      t.same(counts, [1000, 20_000, 2000, 5001, 1]);
      return listing(target);
    },
  });
});

t.test('chokidar', { skip }, async (t) => {
  const directory = t.testdir({ plain: {}, require: {} });
  await compare(t, 'chokidar.mjs', {
    by: 'require',
    ring: ['write', 'mkdirat', 'renameat', 'unlinkat'],
    base: directory,
    each: (target) => ({ args: [target] }),
  });
});
