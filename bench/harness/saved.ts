/** A run as it is kept in a file: `--json` writes it, the report and the check read it. */
import type { Measured } from './rounds.js';
import type { Case } from './types.js';

export interface Comparison {
  /** Times as good as the baseline: above 1 is better, whatever the unit. */
  ratio: number;
  target?: string;
  met?: boolean;
}

export interface SavedDriver extends Omit<Measured, 'driver'> {
  /** Its name: 'node 20', 'ringcore 20', 'C epoll', … */
  driver: string;
  comparison?: Comparison;
}

export interface SavedCase extends Pick<Case, 'name' | 'what' | 'unit' | 'better' | 'scaling'> {
  drivers: SavedDriver[];
  unavailable: { driver: string; reason: string }[];
}

export interface SavedRun {
  machine: Record<string, unknown>;
  rounds: number;
  durationMs: number;
  cases: SavedCase[];
}

/**
 * Several runs as one, with the machine's facts of the first. A later run's cases take the place of an earlier one's, which
 * keep the system calls that the later one has not counted.
 */
export function merge([first, ...later]: [SavedRun, ...SavedRun[]]): SavedRun {
  const cases = new Map(first.cases.map((what) => [what.name, what]));
  for (const what of later.flatMap((run) => run.cases)) {
    const before = cases.get(what.name)?.drivers;
    const drivers = what.drivers.map((one) => {
      const { systemCalls } = before?.find(({ driver }) => driver === one.driver) ?? {};
      return systemCalls === undefined ? one : { systemCalls, ...one };
    });
    cases.set(what.name, { ...what, drivers });
  }
  return { ...first, cases: [...cases.values()] };
}
