// What the tests of ringcore/register share: programs in processes of their own, started with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** How a program is started. */
export const ways = ['--import', '--require'] as const;

export interface Options {
  way?: (typeof ways)[number];
  /** Other files beside the program. */
  files?: Record<string, string>;
  env?: Record<string, string>;
  /** More of node's own arguments. */
  nodeArguments?: string[];
  /** What comes on its standard input; nothing: it is closed. */
  input?: string;
}

export interface Outcome {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** Runs a file of `t.testdir()`. */
export async function start(
  file: string,
  { way, env, nodeArguments = [], input }: Options,
): Promise<Outcome> {
  const registration = way === undefined ? [] : [way, 'ringcore/register'];
  const child = spawn(process.execPath, [...registration, ...nodeArguments, file], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  child.stdin.end(input ?? '');
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, stdout, stderr };
}

/** What a program says of itself: the object that it prints as JSON, at last. It must end well, and say nothing else. */
export async function facts(t: Test, name: string, source: string, options: Options = {}): Promise<object> {
  const dir = t.testdir({ [name]: source, ...options.files });
  const outcome = await start(`${dir}/${name}`, options);
  try {
    if (outcome.code === 0 && outcome.stderr === '') return JSON.parse(outcome.stdout) as object;
  } catch {
    // Not JSON: told below.
  }
  return { ...outcome };
}
