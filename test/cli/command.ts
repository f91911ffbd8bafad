// Runs the command `ringcore` as package.json names it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';

const require = createRequire(import.meta.url);
const manifestPath = require.resolve('ringcore/package.json');
const manifest = require(manifestPath) as { bin: { ringcore: string }; version: string };

export const root = dirname(manifestPath);
export const main = join(root, manifest.bin.ringcore);
export const { version } = manifest;

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** This process's environment with `changes`; RINGCORE_BACKEND only where it is one of them. */
export function environment(changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...process.env, RINGCORE_BACKEND: undefined, ...changes };
}

/** Runs a command to its end. */
export async function outcomeOf(command: string[], env = environment()): Promise<Outcome> {
  const [file, ...args] = command as [string, ...string[]];
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { code, signal, stdout, stderr };
}

/** Runs `ringcore ARGS`, in a wrapper (`prlimit …`) if there is one. */
export function ringcore(
  args: string[],
  { env, wrapper = [] }: { env?: NodeJS.ProcessEnv; wrapper?: string[] } = {},
): Promise<Outcome> {
  return outcomeOf([...wrapper, process.execPath, main, ...args], env);
}
