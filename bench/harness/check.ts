/**
 * The guard against getting slower: ratios to node, measured in one run, against those that were reached once
 * (bench/floors.json). Rates would tell about the machine; ratios of one run tell about ringcore.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SavedCase, SavedRun } from './saved.js';

/** By case, then by node's major version. */
export type Floors = Record<string, Record<string, number>>;

/** What two runs of the same may differ by on a machine that does other things too. */
const slack = 0.2;

// From build/bench/harness, where this file is compiled to.
const path = fileURLToPath(new URL('../../../bench/floors.json', import.meta.url));

export const readFloors = (): Floors => JSON.parse(readFileSync(path, 'utf8')) as Floors;

/** The ratio of each version of node that was measured. */
function ratiosOf(what: SavedCase): [major: string, ratio: number][] {
  return what.drivers.flatMap(({ driver, comparison }) => {
    const major = /^ringcore (\d+)$/.exec(driver)?.[1];
    return major !== undefined && comparison !== undefined ? [[major, comparison.ratio]] : [];
  });
}

/** What has got slower, a line each. */
export function regressions(what: SavedCase, floors: Floors): string[] {
  return ratiosOf(what).flatMap(([major, ratio]) => {
    const floor = floors[what.name]?.[major];
    if (floor === undefined || ratio >= floor * (1 - slack)) return [];
    return [`${what.name}, node ${major}: ${ratio.toFixed(2)}x, was ${floor.toFixed(2)}x`];
  });
}

/** Takes over the ratios of a run, where there is a rate; what was not measured stays. */
export function writeFloors(run: SavedRun): void {
  const floors = readFloors();
  for (const what of run.cases) {
    if (what.scaling !== undefined || (what.unit !== 'op/s' && what.unit !== 'MB/s')) continue;
    const rounded = ratiosOf(what).map(([major, ratio]) => [major, Number(ratio.toFixed(2))]);
    floors[what.name] = { ...floors[what.name], ...(Object.fromEntries(rounded) as Record<string, number>) };
  }
  writeFileSync(path, `${JSON.stringify(floors, undefined, 2)}\n`);
}
