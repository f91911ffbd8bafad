// `install.js`: installs the packages of test/programs where its lock file has changed since, and ringcore beside them.
// support.ts runs it under a lock, so that two tests never install at the same time.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const programs = join(root, 'test/programs');
const lock = join(programs, 'package-lock.json');
/** The lock file that node_modules was made from: written last. */
const stamp = join(programs, 'node_modules/.installed-lock.json');

/** What npm says when it fails; undefined when it does not. */
function npm(args: string[], limitMs?: number): string | undefined {
  const options = { cwd: programs, timeout: limitMs, encoding: 'utf8' } as const;
  const { status, signal, error, stderr } = spawnSync('npm', args, options);
  if (signal !== null) return 'npm error code ETIMEDOUT';
  if (error) throw error;
  return status === 0 ? undefined : stderr;
}

if (!existsSync(stamp) || !readFileSync(stamp).equals(readFileSync(lock))) {
  // Where there is no registry that is known soon: `npm ci` tries it for every package. Not every registry answers this.
  const unanswered = npm(['ping', '--fetch-retries=0'], 20_000);
  const failure = /code E(?!\d)/.test(unanswered ?? '')
    ? unanswered
    : npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
  if (failure !== undefined) {
    console.error(failure);
    process.exit(1);
  }
  // As a user's program has it: by its name.
  symlinkSync(root, join(programs, 'node_modules/ringcore'));
  copyFileSync(lock, stamp);
}
