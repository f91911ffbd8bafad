/** Which drivers measure: each runtime with its own fs and net, then with ringcore's; then the programs in C++. */
import { spawnSync } from 'node:child_process';
import type { Case, Driver, ScriptDriver } from './types.js';

export interface DriverOptions {
  /** Another node binary. */
  node26?: string;
  /** A bun binary. */
  bun?: string;
  /** Measure the baseline twice in place of ringcore: what differs then is noise. */
  same: boolean;
  natives: boolean;
}

function majorOf(execPath: string, version: RegExp): number {
  const result = spawnSync(execPath, ['--version'], { encoding: 'utf8' });
  const major = Number(version.exec(result.stdout ?? '')?.[1]);
  if (!Number.isFinite(major))
    throw new Error(`not what it should be: ${execPath} ${result.error?.message ?? ''}`);
  return major;
}

function pair(execPath: string, same: boolean): ScriptDriver[] {
  const major = majorOf(execPath, /^v(\d+)\./);
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

/** Bun's own fs and net, for comparison: ringcore passes through there. */
function bunDriver(execPath: string): ScriptDriver {
  const major = majorOf(execPath, /^(\d+)\./);
  return { kind: 'script', name: `bun ${major}`, execPath, implementation: 'node', major };
}

export function scriptDrivers(options: DriverOptions): ScriptDriver[] {
  const binaries = [process.execPath, ...(options.node26 ? [options.node26] : [])];
  const pairs = binaries.flatMap((execPath) => pair(execPath, options.same));
  return options.bun ? [...pairs, bunDriver(options.bun)] : pairs;
}

export function driversOf(what: Case, scripts: ScriptDriver[], options: DriverOptions): Driver[] {
  // What else there is (delays and utilization of the event loop, memory, imports) is measured by what only node has.
  const isRate = what.unit === 'op/s' || what.unit === 'MB/s';
  const applicable = scripts.filter(({ execPath }) => isRate || execPath !== options.bun);
  return [...applicable, ...(options.natives ? (what.natives ?? []) : [])];
}
