import { closedLoopRate, utilizationCase } from '../harness/server_case.js';
import type { Case, Context, Driver } from '../harness/types.js';
import { workerCase } from '../harness/worker_case.js';

const connections = 64;
const halfRates = new Map<string, Promise<number>>();

/** Half of what the runtime's own net reaches: the same rate for both implementations, measured once. */
function halfRate(driver: Driver, context: Context): Promise<number> {
  const baseline = (driver.kind === 'script' ? driver.baseline : undefined) ?? driver;
  const known = halfRates.get(baseline.name);
  if (known) return known;
  const measured = closedLoopRate(baseline, context, { connections }).then((rate) => rate / 2);
  halfRates.set(baseline.name, measured);
  return measured;
}

export const eventLoopCases: Case[] = [
  utilizationCase({
    name: 'elu-idle',
    what: 'event loop utilization, 64 connections, 2 exchanges a second',
    target: { kind: 'difference', atMost: 3 },
    connections,
    rate: async () => 2,
  }),
  utilizationCase({
    name: 'elu-50',
    what: "event loop utilization, 64 B echo at half of node:net's rate, 64 connections, open loop",
    target: { kind: 'difference', atMost: 3 },
    connections,
    rate: halfRate,
  }),
  workerCase({
    name: 'loop-delay-100m',
    what: 'p99 of event loop delay while readFile reads 100 MB again and again',
    unit: 'ms',
    better: 'lower',
    target: { kind: 'below', value: 1 },
    script: 'loop_delay',
    spec: { mode: 'big' },
    value: (result) => result.details?.['p99Ms'] ?? NaN,
  }),
  workerCase({
    name: 'loop-delay-4k-256',
    what: 'p99 of event loop delay while readFile reads 4 KiB files, 256 at once',
    unit: 'ms',
    better: 'lower',
    target: { kind: 'below', value: 3 },
    script: 'loop_delay',
    spec: { mode: 'small', depth: 256 },
    value: (result) => result.details?.['p99Ms'] ?? NaN,
  }),
];
