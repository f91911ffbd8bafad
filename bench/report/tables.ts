/** The report's tables, in Markdown. */
import { short } from '../harness/report.js';
import type { SavedCase, SavedDriver, SavedRun } from '../harness/saved.js';

/** The major versions of node that were measured: [20, 26]. */
export function majorsOf(run: SavedRun): string[] {
  const names = run.cases.flatMap(({ drivers }) => drivers.map(({ driver }) => driver));
  const majors = names.flatMap((name) => /^ringcore (\d+)$/.exec(name)?.[1] ?? []);
  return [...new Set(majors)].sort();
}

export const driverOf = (what: SavedCase, name: string): SavedDriver | undefined =>
  what.drivers.find(({ driver }) => driver === name);

export const ringcoreOf = (what: SavedCase, major: string) => driverOf(what, `ringcore ${major}`);

export const isOther = ({ driver }: SavedDriver): boolean => !/^(?:node|ringcore) \d+$/.test(driver);

function table(names: string[], rows: string[][], textColumns: number): string {
  const rule = names.map((_, column) => (column < textColumns ? '---' : '---:'));
  return [names, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const met = (driver: SavedDriver | undefined): string =>
  driver?.comparison?.met === undefined ? '' : driver.comparison.met ? 'yes' : '**no**';

export const ratioText = (driver: SavedDriver | undefined): string =>
  driver?.comparison ? `${driver.comparison.ratio.toFixed(2)}x` : '';

/** Values, ratios and targets: a line a case. */
export function resultTable(run: SavedRun, cases: SavedCase[]): string {
  const majors = majorsOf(run);
  const columns = majors.flatMap((major) => [`node ${major}`, `ringcore ${major}`, 'ratio', 'target', 'met']);
  const rows = cases.map((what) => [
    what.name,
    what.unit,
    ...majors.flatMap((major) => {
      const ours = ringcoreOf(what, major);
      return [
        short(driverOf(what, `node ${major}`)?.value),
        short(ours?.value),
        ratioText(ours),
        ours?.comparison?.target ?? '',
        met(ours),
      ];
    }),
    what.drivers
      .filter(isOther)
      .map(({ driver, value }) => `${driver}: ${short(value)}`)
      .join(', '),
  ]);
  return table(['case', 'unit', ...columns, 'others'], rows, 2);
}

/** What an operation costs: node's and ringcore's, with a stroke between them. */
export function costTable(run: SavedRun, cases: SavedCase[]): string {
  const majors = majorsOf(run);
  const quantities: [string, (driver: SavedDriver) => number | undefined][] = [
    ['CPU us/op', ({ cpuUsPerOperation }) => cpuUsPerOperation],
    ['calls/op', ({ systemCalls }) => systemCalls?.perOperation],
    ['p50 us', ({ p50Us }) => p50Us],
    ['p99 us', ({ p99Us }) => p99Us],
    ['spread %', ({ spread }) => spread * 100],
    ['disturbed %', ({ disturbed }) => disturbed && disturbed * 100],
  ];
  const columns = majors.flatMap((major) => quantities.map(([name]) => `${name} [${major}]`));
  const rows = cases.map((what) => [
    what.name,
    ...majors.flatMap((major) => {
      const pair = [driverOf(what, `node ${major}`), ringcoreOf(what, major)];
      return quantities.map(([, pick]) => {
        const texts = pair.map((driver) => short(driver && pick(driver)));
        return texts.some((text) => text !== '') ? texts.map((text) => text || '–').join(' / ') : '';
      });
    }),
  ]);
  return table(['case', ...columns], rows, 1);
}

export function machineTable(run: SavedRun): string {
  const facts = { ...run.machine, rounds: run.rounds, 'run, ms': run.durationMs };
  const rows = Object.entries(facts).map(([name, value]) => [name, String(value)]);
  return table(['', ''], rows, 2);
}
