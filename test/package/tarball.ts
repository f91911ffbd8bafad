// The package as npm packs it, and the runtimes to try it on.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

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

/** Packs what is built into `directory`. */
export async function pack(directory: string): Promise<Tarball> {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory, ...npmFlags];
  const { stdout } = await run('npm', args, { cwd: root, maxBuffer: 1 << 24 });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  return { path: join(directory, filename), files: files.map(({ path }) => path) };
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
