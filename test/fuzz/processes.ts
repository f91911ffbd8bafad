// Starts processes of calls, sees that they go on, and goes on behind a call that has crashed or hangs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Of a call that does not return to the event loop. */
const hangMs = 60_000;
/** A process's share: what it keeps in memory ends with it. */
const callsPerProcess = 5000;

export interface Options {
  seed: number;
  calls: number;
  /** No process is started after so long, and those that run are ended. */
  seconds?: number;
  /** Only those whose name this expression finds. */
  only?: string | undefined;
  onLine?: (line: string) => void;
  env?: NodeJS.ProcessEnv;
}

export interface Report {
  calls: number;
  /** A line each: the seed, what was called and what is wrong. */
  failures: string[];
  /** Calls in which node itself ended, or never did. */
  spared: string[];
}

/** On a file system that stays in memory, and on another. */
function folderFor(job: number): string {
  const memory = '/dev/shm';
  try {
    accessSync(memory, constants.W_OK);
  } catch {
    return tmpdir();
  }
  return job % 2 === 0 ? memory : tmpdir();
}

export async function fuzz({
  seed,
  calls,
  seconds,
  only,
  onLine = () => {},
  env = process.env,
}: Options): Promise<Report> {
  const report: Report = { calls: 0, failures: [], spared: [] };
  const deadline = performance.now() + (seconds ?? Infinity) * 1000;
  const fail = (line: string): void => {
    report.failures.push(line);
    onLine(line);
  };

  /** Calls of one process, from `first`: where the next one is to begin. */
  async function part(folder: string, first: number, count: number): Promise<number> {
    const directory = mkdtempSync(join(folder, 'fuzz-'));
    const args = [join(import.meta.dirname, 'run.js'), directory, String(first), String(count)];
    const child = spawn(
      process.execPath,
      [
        '--enable-source-maps',
        '--expose-gc',
        '--no-deprecation',
        ...args,
        ...(only === undefined ? [] : [only]),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...env, RINGCORE_BACKEND: 'io_uring' } },
    );
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-4000)));
    let isDone = false;
    createInterface(child.stdout).on('line', (line) => {
      if (line.startsWith('seed ')) fail(line);
      else isDone = true;
    });
    const now = (): string => {
      try {
        return readFileSync(join(directory, 'now'), 'utf8');
      } catch {
        return '';
      }
    };
    let hangs = false;
    let [last, changedMs] = [now(), performance.now()];
    const watch = setInterval(() => {
      const at = now();
      if (at !== last) [last, changedMs] = [at, performance.now()];
      hangs = performance.now() - changedMs > hangMs;
      if (hangs || performance.now() > deadline) child.kill('SIGKILL');
    }, 500);
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    clearInterval(watch);
    const [at = '', where = '', name = ''] = now().split(' ');
    rmSync(directory, { recursive: true });
    if (isDone && code === 0) {
      report.calls += count;
      return first + count;
    }
    report.calls += Math.max(0, Number(at) - first);
    if (performance.now() > deadline) return first + count;
    const how = hangs ? `nothing happens for ${hangMs / 1000} s` : `ended by ${signal ?? code}`;
    const line = `seed ${at}: ${name}: ${how}, in ${where}'s`;
    if (where === 'node') report.spared.push(line);
    else fail(`${line}\n${errors}`);
    return at === '' ? first + count : Number(at) + 1;
  }

  let next = seed;
  const end = seed + calls;
  const job = async (index: number): Promise<void> => {
    while (next < end && performance.now() < deadline) {
      let first = next;
      next = Math.min(end, next + callsPerProcess);
      const last = next;
      while (first < last && performance.now() < deadline)
        first = await part(folderFor(index), first, last - first);
    }
  };
  await Promise.all([job(0), job(1)]);
  return report;
}
