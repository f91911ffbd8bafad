// Starts processes of runs, and sees that they go on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createPlan, type Counts } from './plan.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Of a run that says nothing. */
const hangMs = 30_000;

/** The environment in which the addon with the fault layer is loaded, and follows the plan at this path. */
export function faultEnvironment(plan: string, setup?: { call: number; errno: number }): NodeJS.ProcessEnv {
  const prebuild = join(root, 'test', 'faults');
  if (!existsSync(join(prebuild, 'build')))
    throw new Error('node scripts/fault_addon.mjs builds what this needs');
  createPlan(plan, setup);
  return {
    ...process.env,
    RINGCORE_BACKEND: 'io_uring',
    RINGCORE_PREBUILD: prebuild,
    RINGCORE_FAULTS: plan,
  };
}

export interface Outcome {
  /** The seed that went wrong, and what was said. */
  failure?: { seed: number; output: string };
  counts?: Counts;
}

/** Runs these seeds in one process. */
export async function runSeeds(
  first: number,
  count: number,
  onLine: (line: string) => void = () => {},
): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'ringcore-plan-'));
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', join(import.meta.dirname, 'run.js'), String(first), String(count)],
    { env: faultEnvironment(join(directory, 'plan')), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let seed = first;
  let output = '';
  let counts: Counts | undefined;
  let hangs = false;
  const watch = setTimeout(() => {
    hangs = true;
    child.kill('SIGKILL');
  }, hangMs);
  createInterface(child.stdout).on('line', (line) => {
    watch.refresh();
    if (line.startsWith('seed ')) {
      seed = Number(line.slice(5));
      output = '';
    } else if (line.startsWith('{')) counts = JSON.parse(line) as Counts;
    else output += `${line}\n`;
    onLine(line);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(watch);
  rmSync(directory, { recursive: true });
  if (code === 0) return { ...(counts && { counts }) };
  const how = hangs ? `nothing happened for ${hangMs / 1000} s` : (signal ?? `exit code ${code}`);
  return { failure: { seed, output: `${how}\n${output}` } };
}
