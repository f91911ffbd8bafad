// The package as npm packs it, and the runtimes to try it on.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { globSync } from 'tinyglobby';

export const run = promisify(execFile);
export const root = dirname(createRequire(import.meta.url).resolve('ringcore/package.json'));

/** npm for these tests: quiet, and without a look at what is newer than its cache. */
export const npmFlags = [
  '--prefer-offline',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--loglevel=error',
];

/** Some 40 MB; a registry that is slower makes a skipped test. */
const installLimitMs = 60_000;

export interface Tarball {
  path: string;
  files: string[];
}

/** The package as it is published, before it is packed. */
export const published = join(root, 'build/package');

/** Bundles what is built, and packs it. */
export async function pack(): Promise<Tarball> {
  const { stdout } = await run(process.execPath, ['scripts/pack.mjs'], { cwd: root });
  const [path] = stdout.split(':', 1) as [string];
  return { path: join(root, path), files: globSync('**', { cwd: published, dot: true }) };
}

/** A node of another version, kept in build/; the reason if it cannot be had. */
export async function otherNode(
  major: number,
  arch: string = process.arch,
): Promise<{ path: string } | { reason: string }> {
  const own = arch === process.arch && Number.parseInt(process.versions.node, 10) === major;
  if (own) return { path: process.execPath };
  const name = `node-linux-${arch}`;
  const directory = join(root, 'build/nodes', `${major}-${arch}`);
  const path = join(directory, 'node_modules', name, 'bin/node');
  try {
    if (!existsSync(path)) {
      mkdirSync(directory, { recursive: true });
      // By force, since it is perhaps not for this machine's processor.
      const where = ['--no-save', '--no-package-lock', '--force', '--ignore-scripts', '--prefix', directory];
      const install = ['install', ...where, ...npmFlags, `${name}@${major}`];
      await run('npm', install, { cwd: directory, timeout: installLimitMs });
    }
    return { path };
  } catch (error) {
    return { reason: `node ${major} could not be installed: ${(error as Error).message.split('\n', 1)[0]}` };
  }
}
