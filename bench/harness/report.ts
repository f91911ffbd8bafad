/** The results as a table for people and as JSON for programs. */
import type { CaseResult, Measured } from './rounds.js';
import type { Comparison, SavedCase } from './saved.js';
import type { Driver } from './types.js';

const baselineOf = (driver: Driver) => (driver.kind === 'script' ? driver.baseline : undefined);

export function compare(result: CaseResult, measured: Measured): Comparison | undefined {
  const baseline = result.measured.find(({ driver }) => driver === baselineOf(measured.driver));
  if (!baseline || measured.driver.kind !== 'script') return undefined;
  const { better } = result.case;
  // The targets are ringcore's; node against itself has none.
  const target = measured.driver.implementation === 'ringcore' ? result.case.target : undefined;
  const ratio = better === 'higher' ? measured.value / baseline.value : baseline.value / measured.value;
  switch (target?.kind) {
    case undefined:
      return { ratio };
    case 'ratio': {
      const floor = target.byMajor[measured.driver.major];
      return floor === undefined ? { ratio } : { ratio, target: `${floor}x`, met: ratio >= floor };
    }
    case 'difference': {
      const met = measured.value - baseline.value <= target.atMost;
      return { ratio, target: `+${target.atMost} at most`, met };
    }
    case 'below':
      return {
        ratio,
        target: `< ${target.value} ${result.case.unit}`,
        met: measured.value < target.value,
      };
    case 'above':
      return { ratio, target: `${target.value} at least`, met: measured.value >= target.value };
  }
}

/** Three significant digits are more than such a measurement has. */
export function short(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toFixed(Math.min(digits, 3));
}

const percent = (share: number | undefined) => (share === undefined ? '' : `${(share * 100).toFixed(0)} %`);

function row(result: CaseResult, measured: Measured): Record<string, string> {
  const comparison = compare(result, measured);
  return {
    driver: measured.driver.name,
    [result.case.unit]: short(measured.value),
    spread: percent(measured.spread),
    'CPU us/op': short(measured.cpuUsPerOperation),
    'calls/op': short(measured.systemCalls?.perOperation),
    'p50 us': short(measured.p50Us),
    'p99 us': short(measured.p99Us),
    disturbed: percent(measured.disturbed),
    ratio: comparison ? `${comparison.ratio.toFixed(2)}x` : '',
    target: comparison?.target ?? '',
    met: comparison?.met === undefined ? '' : comparison.met ? 'yes' : 'NO',
  };
}

/** Columns that no row has a value for are left out. */
function markdownTable(rows: Record<string, string>[]): string {
  const names = Object.keys(rows[0] ?? {}).filter((name) => rows.some((row) => row[name] !== ''));
  const columns = names.map((name) => {
    const cells = rows.map((row) => row[name] ?? '');
    const width = Math.max(name.length, ...cells.map((cell) => cell.length));
    const isText = name === 'driver';
    const rule = isText ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`;
    return [name, rule, ...cells].map((cell) => (isText ? cell.padEnd(width) : cell.padStart(width)));
  });
  const lines = ['', '', ...rows].map((_, line) => columns.map((column) => column[line]).join(' | '));
  return lines.map((line) => `| ${line} |`).join('\n');
}

export function printCase(result: CaseResult): void {
  console.log(`\n${result.case.name}: ${result.case.what}`);
  if (result.measured.length > 0) {
    console.log(markdownTable(result.measured.map((measured) => row(result, measured))));
  }
  for (const { driver, details, systemCalls, systemCallsUnavailable, generatorIdle } of result.measured) {
    const told = Object.entries(details).map(([name, value]) => `${name} ${short(value)}`);
    if (systemCalls?.byName) {
      const calls = Object.entries(systemCalls.byName).map(([name, count]) => `${name} ${short(count)}`);
      told.push(`calls per operation: ${calls.join(', ')}`);
    }
    if (systemCallsUnavailable) told.push(`no count of system calls: ${systemCallsUnavailable}`);
    if (generatorIdle !== undefined && generatorIdle < 0.05 && result.case.unit === 'op/s') {
      told.push('the load generator was busy all the time: it may be the limit');
    }
    if (told.length > 0) console.log(`${driver.name}: ${told.join('; ')}`);
  }
  for (const { driver, reason } of result.unavailable) console.log(`${driver.name}: none: ${reason}`);
}

export function toSaved({ case: what, measured, unavailable }: CaseResult): SavedCase {
  const { name, unit, better, scaling } = what;
  return {
    ...{ name, what: what.what, unit, better, scaling },
    drivers: measured.map(({ driver, ...rest }) => ({
      driver: driver.name,
      ...rest,
      comparison: compare({ case: what, measured, unavailable }, { driver, ...rest }),
    })),
    unavailable: unavailable.map(({ driver, reason }) => ({ driver: driver.name, reason })),
  };
}
