/** A case's samples: the drivers take turns, so that what drifts in the machine drifts for all of them. */
import { medianOf, spread, median } from './statistics.js';
import { Unavailable, type Case, type Context, type Driver, type Sample, type SystemCalls } from './types.js';

/** Above this share of time taken by something else, a sample says more about the machine than about the case. */
const disturbedAbove = 0.05;

export interface Measured {
  driver: Driver;
  samples: Sample[];
  /** Medians. */
  value: number;
  spread: number;
  cpuUsPerOperation?: number;
  p50Us?: number;
  p99Us?: number;
  percentilesUs: Record<string, number>;
  disturbed?: number;
  generatorIdle?: number;
  systemCalls?: SystemCalls;
  systemCallsUnavailable?: string;
  details: Record<string, number>;
}

export interface CaseResult {
  case: Case;
  measured: Measured[];
  unavailable: { driver: Driver; reason: string }[];
}

const isQuiet = (sample: Sample) => (sample.disturbed ?? 0) <= disturbedAbove;

/** Quiet samples count; where there are too few of them, all do, and the share of disturbance is told. */
function summarize(driver: Driver, samples: Sample[], rounds: number): Measured {
  const quiet = samples.filter(isQuiet);
  const used = quiet.length >= Math.min(3, rounds) ? quiet : samples;
  const medians = (pick: (sample: Sample) => Record<string, number> | undefined) => {
    const names = Object.keys((used[0] && pick(used[0])) ?? {});
    return Object.fromEntries(
      names.map((name) => [name, medianOf(used, (sample) => pick(sample)?.[name]) ?? NaN]),
    );
  };
  const values = used.map((sample) => sample.value);
  return {
    driver,
    samples,
    value: median(values),
    spread: spread(values),
    cpuUsPerOperation: medianOf(used, (sample) => sample.cpuUsPerOperation),
    p50Us: medianOf(used, (sample) => sample.p50Us),
    p99Us: medianOf(used, (sample) => sample.p99Us),
    disturbed: medianOf(used, (sample) => sample.disturbed),
    generatorIdle: medianOf(used, (sample) => sample.generatorIdle),
    percentilesUs: medians((sample) => sample.percentilesUs),
    details: medians((sample) => sample.details),
  };
}

export interface RoundOptions {
  rounds: number;
  /** Repeat disturbed rounds, up to as many again. */
  repeat: boolean;
  systemCalls: boolean;
}

export async function runCase(
  what: Case,
  drivers: Driver[],
  context: Context,
  options: RoundOptions,
): Promise<CaseResult> {
  const unavailable: CaseResult['unavailable'] = [];
  const samples = new Map<Driver, Sample[]>(drivers.map((driver) => [driver, []]));
  const taken = (driver: Driver) =>
    samples.get(driver)?.filter((sample) => !options.repeat || isQuiet(sample)).length ?? Infinity;
  const limit = options.repeat ? 2 * options.rounds : options.rounds;
  for (let round = 0; round < limit; round++) {
    const left = [...samples.keys()];
    if (left.every((driver) => taken(driver) >= options.rounds)) break;
    for (const driver of left) {
      try {
        samples.get(driver)?.push(await what.sample(driver, context));
      } catch (error) {
        // A wrong reply fails the driver in this case, and the bench's exit code; the other cases go on.
        samples.delete(driver);
        unavailable.push({ driver, reason: (error as Error).message });
        if (!(error instanceof Unavailable)) process.exitCode = 1;
      }
    }
  }
  const measured = [...samples].map(([driver, all]) => summarize(driver, all, options.rounds));
  for (const one of options.systemCalls && what.systemCalls ? measured : []) {
    if (one.driver.kind === 'native' && one.driver.program === 'read_files') continue; // it ends by itself
    try {
      one.systemCalls = await what.systemCalls?.(one.driver, context);
    } catch (error) {
      one.systemCallsUnavailable = (error as Error).message;
    }
  }
  return { case: what, measured, unavailable };
}
