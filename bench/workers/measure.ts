/** The measured part of a worker: warm-up, then as many operations as fit in a time, several at once. */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { spec, tell, told } from './protocol.js';

/** Does one verified operation; `index` counts up over all that run at once. Throws when the result is wrong. */
export type Operation = (index: number) => Promise<void>;

interface Phase {
  operations: number;
  seconds: number;
}

async function phase(
  operation: Operation,
  depth: number,
  durationMs: number,
  atLeast: number,
): Promise<Phase> {
  const begin = performance.now();
  const end = begin + durationMs;
  let started = 0;
  let operations = 0;
  const one = async () => {
    while (performance.now() < end || operations < atLeast) {
      await operation(started++);
      operations++;
    }
  };
  await Promise.all(Array.from({ length: depth }, one));
  return { operations, seconds: (performance.now() - begin) / 1000 };
}

/** Seconds in which our processor was busy, whoever kept it so; in ticks of 10 ms. */
function busySeconds(): number | undefined {
  if (spec.cpu === undefined) return undefined;
  const line = readFileSync('/proc/stat', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`cpu${spec.cpu} `));
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    line?.split(' ').slice(1).map(Number) ?? [];
  return (user + nice + system + irq + softirq + steal) / 100;
}

export interface MeasureOptions {
  /** For operations that take long: this many whatever the time. */
  atLeast?: number;
  /** Called when the warm-up is over. */
  begin?: () => void;
  details?: () => Record<string, number>;
}

/** Waits for the start, measures, tells the result. */
export async function measure(operation: Operation, options: MeasureOptions = {}): Promise<void> {
  const { depth = 1, warmupMs = 0, durationMs = 100 } = spec;
  tell({ type: 'ready' });
  await told('start');
  const warmAtLeast = options.atLeast === undefined || warmupMs === 0 ? 0 : 1;
  const warm = await phase(operation, depth, warmupMs, warmAtLeast);
  options.begin?.();
  const busyBefore = busySeconds();
  const cpuBefore = process.cpuUsage();
  const { operations, seconds } = await phase(operation, depth, durationMs, options.atLeast ?? 0);
  const { user, system } = process.cpuUsage(cpuBefore);
  const busyAfter = busySeconds();
  tell({
    type: 'result',
    operations,
    allOperations: operations + warm.operations,
    seconds,
    cpuUs: user + system,
    disturbed:
      busyBefore !== undefined && busyAfter !== undefined
        ? Math.max(0, (busyAfter - busyBefore - (user + system) / 1e6) / seconds)
        : undefined,
    details: options.details?.(),
  });
}

/**
 * For what can be done only once after a preparation, which is not measured: rounds of `count` operations, `depth` at
 * once, until their times add up.
 */
export async function measureRounds(prepare: () => void, operation: Operation, count: number): Promise<void> {
  const { depth = 1, durationMs = 100 } = spec;
  tell({ type: 'ready' });
  await told('start');
  const round = async () => {
    prepare();
    const cpuBefore = process.cpuUsage();
    const begin = performance.now();
    let started = 0;
    const one = async () => {
      while (started < count) await operation(started++);
    };
    await Promise.all(Array.from({ length: depth }, one));
    const { user, system } = process.cpuUsage(cpuBefore);
    return { seconds: (performance.now() - begin) / 1000, cpuUs: user + system };
  };
  await round();
  let [rounds, seconds, cpuUs] = [0, 0, 0];
  while (seconds * 1000 < durationMs) {
    const took = await round();
    rounds++;
    seconds += took.seconds;
    cpuUs += took.cpuUs;
  }
  const operations = rounds * count;
  tell({ type: 'result', operations, allOperations: operations + count, seconds, cpuUs });
}

export function verify(right: boolean, what: string): asserts right {
  if (!right) throw new Error(`wrong result: ${what}`);
}
