/**
 * The files that a traced program leaves, one for each of its threads and processes (lib/core/trace_file.ts), as one.
 *
 * @module
 */
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** FILE.PID, FILE.THREAD and FILE.PID.THREAD. */
function others(file: string): string[] {
  const prefix = `${basename(file)}.`;
  return readdirSync(dirname(file))
    .filter((name) => name.startsWith(prefix) && /^\d+(\.\d+)?$/.test(name.slice(prefix.length)))
    .map((name) => join(dirname(file), name));
}

/** Removes what an earlier run has left. */
export function removeTraces(file: string): void {
  for (const path of [file, ...others(file)]) rmSync(path, { force: true });
}

/** The events of a file, each as its text; of a process that was killed, the last may have been cut. */
function eventsOf(file: string): string[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.replace(/,$/, ''))
    .filter((line) => line.startsWith('{'));
  const last = lines.at(-1);
  if (last !== undefined && !isJson(last)) lines.pop();
  return lines;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Puts all of them into `file`, complete, and removes the others; the number of events, or undefined if there is none. */
export function mergeTraces(file: string): number | undefined {
  const files = [file, ...others(file).sort()].filter((path) => existsSync(path));
  if (files.length === 0) return undefined;
  let count = 0;
  const merged = `${file}.merged`;
  const fd = openSync(merged, 'w');
  for (const path of files) {
    const events = eventsOf(path);
    if (events.length > 0) writeFileSync(fd, (count === 0 ? '[\n' : ',\n') + events.join(',\n'));
    count += events.length;
    rmSync(path);
  }
  writeFileSync(fd, count === 0 ? '[]\n' : '\n]\n');
  closeSync(fd);
  renameSync(merged, file);
  return count;
}
