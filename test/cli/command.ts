// Runs the command `ringcore` as package.json names it.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ended, type Outcome } from '../shared/child.js';

const require = createRequire(import.meta.url);
const manifestPath = require.resolve('ringcore/package.json');
const manifest = require(manifestPath) as { bin: { ringcore: string }; version: string };

export type { Outcome } from '../shared/child.js';

export const root = dirname(manifestPath);
export const main = join(root, manifest.bin.ringcore);
export const { version } = manifest;

/** This process's environment with `changes`; RINGCORE_BACKEND only where it is one of them. */
export function environment(changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...process.env, RINGCORE_BACKEND: undefined, ...changes };
}

/** Runs a command to its end. */
export function outcomeOf(command: string[], env = environment()): Promise<Outcome> {
  const [file, ...args] = command as [string, ...string[]];
  return ended(spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 }));
}

/** Runs `ringcore ARGS`, in a wrapper (`prlimit …`) if there is one. */
export function ringcore(
  args: string[],
  { env, wrapper = [] }: { env?: NodeJS.ProcessEnv; wrapper?: string[] } = {},
): Promise<Outcome> {
  return outcomeOf([...wrapper, process.execPath, main, ...args], env);
}
