/** Which drivers measure: each runtime with its own fs and net, then with ringcore's; then the programs in C++. */
import { spawnSync } from 'node:child_process';
import type { Case, Driver, ScriptDriver } from './types.js';

export interface DriverOptions {
  /** Another node binary. */
  node26?: string;
  /** Measure the baseline twice in place of ringcore: what differs then is noise. */
  same: boolean;
  natives: boolean;
}

function majorOf(execPath: string): number {
  const result = spawnSync(execPath, ['--version'], { encoding: 'utf8' });
  const major = Number(/^v(\d+)\./.exec(result.stdout ?? '')?.[1]);
  if (!Number.isFinite(major)) throw new Error(`${execPath} is no node: ${result.error?.message ?? ''}`);
  return major;
}

function pair(execPath: string, same: boolean): ScriptDriver[] {
  const major = majorOf(execPath);
  const baseline: ScriptDriver = {
    kind: 'script',
    name: `node ${major}`,
    execPath,
    implementation: 'node',
    major,
  };
  const tested: ScriptDriver = {
    ...baseline,
    name: same ? `node ${major} again` : `ringcore ${major}`,
    implementation: same ? 'node' : 'ringcore',
    baseline,
  };
  return [baseline, tested];
}

export function scriptDrivers(options: DriverOptions): ScriptDriver[] {
  const binaries = [process.execPath, ...(options.node26 ? [options.node26] : [])];
  return binaries.flatMap((execPath) => pair(execPath, options.same));
}

export function driversOf(what: Case, scripts: ScriptDriver[], options: DriverOptions): Driver[] {
  return [...scripts, ...(options.natives ? (what.natives ?? []) : [])];
}
