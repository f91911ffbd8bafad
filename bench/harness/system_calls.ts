/**
 * How many system calls a process makes while something runs. perf counts them without slowing the process down. Where
 * it may not, strace does; every call then costs so much that more work gathers between two calls, and a program that
 * batches looks even better than it is.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { Unavailable, type SystemCalls } from './types.js';

/** `work` does the operations and tells how many. */
export async function countSystemCalls(
  pid: number,
  work: () => Promise<number>,
  forceStrace: boolean,
): Promise<SystemCalls> {
  const directory = mkdtempSync(join(tmpdir(), 'ringcore-bench-'));
  const output = join(directory, 'counts');
  try {
    const perf = forceStrace ? undefined : await attachPerf(pid, output);
    if (perf) {
      const operations = await work();
      await interrupt(perf);
      return { perOperation: readPerf(readFileSync(output, 'utf8')) / operations, tool: 'perf' };
    }
    const strace = await attachStrace(pid, output);
    const operations = await work();
    await interrupt(strace);
    const { total, byName } = readStrace(readFileSync(output, 'utf8'));
    for (const name of Object.keys(byName)) byName[name] = (byName[name] ?? 0) / operations;
    return { perOperation: total / operations, tool: 'strace', byName };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Both tools write their counts when interrupted. */
async function interrupt(tool: ChildProcess): Promise<void> {
  if (tool.exitCode !== null || tool.signalCode !== null) return;
  const exited = once(tool, 'exit');
  tool.kill('SIGINT');
  await exited;
}

/** Undefined where perf is missing or not allowed. */
async function attachPerf(pid: number, output: string): Promise<ChildProcess | undefined> {
  const args = ['stat', '-x', ',', '-o', output, '-e', 'raw_syscalls:sys_enter', '-p', String(pid)];
  // Events start switched off (-D -1) and are switched on by a command, which perf acknowledges.
  const perf = spawn('perf', [...args, '-D', '-1', '--control', 'fd:3,4'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  const gone = new Promise<undefined>((resolve) => {
    perf.once('error', () => resolve(undefined));
    perf.once('exit', () => resolve(undefined));
  });
  const control = perf.stdio[3] as Writable;
  const acknowledged = once(perf.stdio[4] as Readable, 'data').catch(() => undefined);
  control.on('error', () => {});
  control.write('enable\n');
  return (await Promise.race([gone, acknowledged])) === undefined ? undefined : perf;
}

function readPerf(text: string): number {
  const line = text.split('\n').find((line) => line.includes('raw_syscalls:sys_enter'));
  const count = Number(line?.split(',')[0]);
  if (!Number.isFinite(count)) throw new Error(`perf said: ${text}`);
  return count;
}

async function attachStrace(pid: number, output: string): Promise<ChildProcess> {
  const strace = spawn('strace', ['-c', '-f', '-o', output, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 60_000,
  });
  let said = '';
  const attached = await new Promise<boolean>((resolve) => {
    strace.once('error', () => resolve(false));
    strace.once('exit', () => resolve(false));
    strace.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      if (/attached/.test(said)) resolve(true);
    });
  });
  if (!attached) throw new Unavailable(`neither perf nor strace counts here ${said.trim()}`);
  return strace;
}

/** Columns: % time, seconds, usecs/call, calls, errors (or nothing), name. */
function readStrace(text: string): { total: number; byName: Record<string, number> } {
  const counts = text
    .split('\n')
    .map((line) => /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/.exec(line))
    .flatMap((match) => (match ? [{ calls: Number(match[1]), name: match[2] ?? '' }] : []))
    .filter(({ name }) => name !== 'total')
    .sort((a, b) => b.calls - a.calls);
  return {
    total: counts.reduce((sum, { calls }) => sum + calls, 0),
    byName: Object.fromEntries(counts.slice(0, 6).map(({ name, calls }) => [name, calls])),
  };
}
