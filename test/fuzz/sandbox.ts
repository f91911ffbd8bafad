// The folder that calls are made in, and what is in it.
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';

/** Anew, whatever is there. */
export function makeSandbox(path: string): void {
  process.chdir('/');
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // A mode has been taken away.
    execFileSync('chmod', ['-R', 'u+rwx', path]);
    rmSync(path, { recursive: true, force: true });
  }
  mkdirSync(`${path}/folder/inner`, { recursive: true });
  writeFileSync(`${path}/file`, 'content of a file');
  writeFileSync(`${path}/other`, 'other');
  writeFileSync(`${path}/opened`, 'what is in the file that is open');
  symlinkSync('file', `${path}/link`);
}

const mostBytes = 256;
const block = Buffer.alloc(mostBytes);

function beginning(path: string): string {
  let fd: number;
  try {
    // Whatever it is, it is not waited for.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return 'unreadable';
  }
  try {
    return block.toString('latin1', 0, readSync(fd, block, 0, mostBytes, 0));
  } finally {
    closeSync(fd);
  }
}

/** Random ends of names, as mkdtemp makes them. */
const maskedName = (name: string): string =>
  name.replace(
    /^(file|other|folder|inner|link|missing|deeper|below|no such thing|\ufffd)[A-Za-z0-9]{6}$/,
    '$1…',
  );

/** Of a time of today nothing is told: it is not the same twice. */
const time = (ms: number): number | string => (Math.abs(ms - Date.now()) < 86_400_000 ? 'now' : ms);

/** Every name with its type, mode, owner, time and beginning: the same for the same work. */
export function snapshot(folder: string): string[] {
  const lines: string[] = [];
  const visit = (path: string, shown: string): void => {
    let names: string[];
    try {
      names = readdirSync(path).sort();
    } catch {
      names = [];
    }
    for (const name of names) {
      const below = `${path}/${name}`;
      const told = `${shown}/${maskedName(name)}`;
      const stats = lstatSync(below);
      const { mode, uid, gid } = stats;
      let what = '';
      if (stats.isSymbolicLink()) what = readlinkSync(below).replaceAll(folder, '.');
      else if (stats.isFile()) what = `${stats.size} ${time(stats.mtimeMs)} ${beginning(below)}`;
      lines.push(`${told} ${mode.toString(8)} ${uid} ${gid} ${what}`);
      if (stats.isDirectory()) visit(below, told);
    }
  };
  visit(folder, '');
  return lines;
}
