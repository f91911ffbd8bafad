/** Resident memory of this process, at its most. */
import { readFileSync, writeFileSync } from 'node:fs';

const residentKiB = (line: 'VmRSS' | 'VmHWM'): number =>
  Number(new RegExp(`^${line}:\\s*(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);

/** The peak begins anew here. */
export function markMemory(): number {
  writeFileSync('/proc/self/clear_refs', '5');
  return residentKiB('VmRSS');
}

export const growthMiB = (beforeKiB: number): number => (residentKiB('VmHWM') - beforeKiB) / 1024;
