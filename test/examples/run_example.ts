// Runs examples as a user does, each in a process of its own.
import { spawn, spawnSync, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { buffer, text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { backend } from 'ringcore/core';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** For tap's `skip`: why examples that need a ring cannot run here, or false. */
export const noRing = backend.name === 'node' ? `no io_uring here: ${backend.reason}` : false;

export interface Outcome {
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

export interface RunOptions {
  input?: string | Buffer;
  /** RINGCORE_BACKEND; not set by default. */
  backend?: string;
  /** Runs this command, with the example's command line as its last arguments. */
  through?: string[];
  /** Options of node itself. */
  nodeOptions?: string[];
  /** A descriptor as standard output. */
  output?: number;
}

/** The command line of an example. */
export function commandOf(args: string[], nodeOptions: string[] = []): string[] {
  return [process.execPath, ...nodeOptions, 'scripts/example.mjs', ...args];
}

export async function runExample(args: string[], options: RunOptions = {}): Promise<Outcome> {
  const [command = '', ...rest] = [...(options.through ?? []), ...commandOf(args, options.nodeOptions)];
  const env = { ...process.env };
  delete env.RINGCORE_BACKEND;
  if (options.backend !== undefined) env.RINGCORE_BACKEND = options.backend;
  const stdio: StdioOptions = [
    options.input === undefined ? 'ignore' : 'pipe',
    options.output ?? 'pipe',
    'pipe',
  ];
  const child = spawn(command, rest, { cwd: root, env, stdio });
  child.stdin?.on('error', () => {}); // it may end without having read everything
  child.stdin?.end(options.input);
  const [[code], stdout, stderr] = await Promise.all([
    once(child, 'close') as Promise<[number | null]>,
    child.stdout === null ? Buffer.alloc(0) : buffer(child.stdout),
    text(child.stderr as Readable),
  ]);
  return { code, stdout, stderr };
}

/** `through` for a shell script in which `"$@"` is the example. */
export function shell(script: string): string[] {
  return ['sh', '-c', script, 'sh'];
}

/** Why a program that tests use cannot be used here, or false. */
export function missing(command: string, args: string[], expected = /(?:)/): string | false {
  const { error, status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) return `${command} is not installed`;
  return status === 0 && expected.test(stdout) ? false : `${command} does not work here`;
}
