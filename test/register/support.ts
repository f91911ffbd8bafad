// What the tests of ringcore/register share: programs in processes of their own, started with it.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { ended, type Outcome } from '../shared/child.js';

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
  return ended(child);
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
