// What the tests of ringcore/register share: programs in processes of their own, started with it.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { ended, type Outcome } from '../shared/child.js';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** How a program is started. */
export const ways = ['--import', '--require'] as const;

interface Files {
  [name: string]: string | Files;
}

export interface Options {
  way?: (typeof ways)[number];
  /** Other files beside the program. */
  files?: Files;
  /** It has a copy of ringcore of its own: what it gets by that name is not what is registered. */
  hasCopy?: boolean;
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

function copyInto(directory: string): void {
  const copy = join(directory, 'node_modules/ringcore');
  mkdirSync(join(copy, 'build'), { recursive: true });
  cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  for (const path of ['build/Release', 'node_modules', 'prebuilds']) {
    symlinkSync(join(root, path), join(copy, path));
  }
  // A package of its own: here 'ringcore' is not the checkout.
  writeFileSync(join(directory, 'package.json'), '{}');
}

/** What a program says of itself: the object that it prints as JSON, at last. It must end well, and say nothing else. */
export async function facts(t: Test, name: string, source: string, options: Options = {}): Promise<object> {
  const dir = t.testdir({ [name]: source, ...options.files });
  if (options.hasCopy) copyInto(dir);
  const outcome = await start(`${dir}/${name}`, options);
  try {
    if (outcome.code === 0 && outcome.stderr === '') return JSON.parse(outcome.stdout) as object;
  } catch {
    // Not JSON: told below.
  }
  return { ...outcome };
}
