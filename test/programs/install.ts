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

if (!existsSync(stamp) || !readFileSync(stamp).equals(readFileSync(lock))) {
  const { status, error } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: programs,
    stdio: ['ignore', 'ignore', 'inherit'],
    // Where there is no registry that is to be known soon.
    env: { ...process.env, npm_config_fetch_retries: '1', npm_config_fetch_timeout: '30000' },
  });
  if (error) throw error;
  if (status !== 0) process.exit(1);
  // As a user's program has it: by its name.
  symlinkSync(root, join(programs, 'node_modules/ringcore'));
  copyFileSync(lock, stamp);
}
