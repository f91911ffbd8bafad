// What the tests of programs share: installing their packages, starting one on plain node and under ringcore/register,
// and comparing what came of it.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { backend } from 'ringcore/core';
import type { Test } from 'tap';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
export const programs = join(root, 'test/programs');

/** Packages that npm could not get: no network, no registry, a registry without them. */
const unreachable =
  /code (E40[134]|E5\d\d|EAI_AGAIN|ENOTFOUND|ENOTCACHED|ECONN\w+|ETIMEDOUT|ERR_SOCKET_TIMEOUT|EHOSTUNREACH|ENETUNREACH)/;

/** Installs what the programs need; gives the reason why they cannot run, false if they can. */
export function install(): string | false {
  const script = fileURLToPath(new URL('install.js', import.meta.url));
  const lock = join(root, 'build/programs.lock');
  const { status, error, stderr } = spawnSync('flock', [lock, process.execPath, script], {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (error) throw error;
  const code = unreachable.exec(stderr)?.[1];
  if (status !== 0 && code === undefined) throw new Error(`npm ci in test/programs: ${stderr}`);
  return status !== 0 && `npm cannot get the packages of test/programs: ${code}`;
}

/** How ringcore/register comes in; undefined: not at all. */
export type By = 'import' | 'require' | undefined;

export interface StartOptions {
  by?: By;
  args?: string[];
  env?: Record<string, string>;
  cwd?: string;
  limitMs?: number;
  /** How many descriptors it may have. */
  openFiles?: number;
}

export interface Outcome {
  code: number | null;
  signal: string | null;
  /** What it said, line by line; JSON is read. */
  facts: unknown[];
  stderr: string;
  /** How often the rings of all its threads and processes did what; undefined without ringcore. */
  operations: Record<string, number> | undefined;
}

const read = (line: string): unknown => {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return line;
  }
};

/** A program in a process of its own. */
export class Program {
  readonly facts: unknown[] = [];
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
  #wake = (): void => {};
  #ended = false;

  /** A name stands for apps/NAME; anything else is the path of a script. */
  constructor(script: string, options: StartOptions = {}) {
    const { by, args = [], env = {}, cwd, limitMs = 60_000, openFiles } = options;
    const scratch = mkdtempSync(join(tmpdir(), 'ringcore-report-'));
    const report = join(scratch, 'report');
    const preload =
      by === undefined ? [] : [`--${by}`, 'ringcore/register', `--${by}`, join(programs, 'report.cjs')];
    const path = script.includes('/') ? script : join(programs, 'apps', script);
    const command = [process.execPath, ...preload, path, ...args];
    const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles}; `;
    this.child = spawn('sh', ['-c', `${limit}exec "$@"`, 'sh', ...command], {
      cwd: cwd ?? programs,
      env: { ...process.env, ...env, RINGCORE_REPORT: report },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
    let stderr = '';
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      this.facts.push(read(line));
      this.#wake();
    });
    this.outcome = once(this.child, 'close').then(([code, signal]) => {
      this.#ended = true;
      this.#wake();
      let operations: Record<string, number> | undefined;
      for (const line of existsSync(report) ? readFileSync(report, 'utf8').trim().split('\n') : []) {
        const one = JSON.parse(line) as { operations: Record<string, number> };
        operations ??= {};
        for (const [kind, count] of Object.entries(one.operations)) {
          operations[kind] = (operations[kind] ?? 0) + count;
        }
      }
      rmSync(scratch, { recursive: true });
      return {
        code: code as number | null,
        signal: signal as string | null,
        facts: this.facts,
        stderr,
        operations,
      };
    });
  }

  /** The first fact of this name: a server's port. */
  async told<T>(name: string): Promise<T> {
    for (;;) {
      const found = this.facts.find((fact) => typeof fact === 'object' && fact !== null && name in fact);
      if (found) return (found as Record<string, T>)[name]!;
      if (this.#ended) throw new Error(`ended: ${JSON.stringify(await this.outcome)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

export interface CompareOptions extends Omit<StartOptions, 'by'> {
  by?: Exclude<By, undefined>;
  /** The operations that its ring must have done. */
  ring: string[];
  /** What else is done with it, and what is found; both are compared. */
  drive?: (program: Program, target: string) => Promise<unknown>;
  /** Where each run has a folder of its own, its target. */
  base?: string;
  /** Options that are another for each run. */
  each?: (target: string) => Partial<StartOptions>;
}

/** Without what is another each time: a port, the target's name. */
function comparable(facts: unknown[], target: string): unknown {
  const same = facts.filter((fact) => !(typeof fact === 'object' && fact !== null && 'port' in fact));
  return JSON.parse(JSON.stringify(same).replaceAll(target, 'TARGET'));
}

/** The program on plain node and under ringcore/register: the same outcome, and that by the ring. */
export async function compare(t: Test, script: string, options: CompareOptions): Promise<void> {
  const { by = 'import', ring, drive, base = '', each, ...rest } = options;
  const found: { driven: unknown; facts: unknown }[] = [];
  for (const how of [undefined, by]) {
    const target = join(base, how ?? 'plain');
    const program = new Program(script, { ...rest, by: how, ...each?.(target) });
    t.teardown(() => program.child.kill('SIGKILL'));
    let failure: Error | undefined;
    const driven = await drive?.(program, target).catch((error: Error) => {
      failure = error;
      program.child.kill('SIGKILL');
    });
    const { code, signal, facts, stderr, operations } = await program.outcome;
    const where = how === undefined ? 'plain node' : `--${how} ringcore/register`;
    t.match({ code, signal, stderr }, { code: 0, signal: null, stderr: '' }, `${where} ends well`);
    if (failure) throw failure;
    const wrong = facts.filter((fact) => Object.values(fact ?? {}).includes(false));
    t.same(wrong, [], `${where} finds right what it checks`);
    found.push({ driven, facts: comparable(facts, target) });
    if (how === undefined) continue;
    t.ok(operations, 'ringcore was there');
    if (backend.name === 'io_uring') {
      const lacking = ring.filter((kind) => !operations?.[kind]);
      t.same(lacking, [], `carried by the ring: ${JSON.stringify(operations)}`);
    } else t.pass('carried by the ring', { skip: `no io_uring: ${backend.reason}` });
  }
  const [plain, ours] = found;
  t.same(ours!.facts, plain!.facts, 'it says the same');
  t.same(ours!.driven, plain!.driven, 'it is found the same');
}
