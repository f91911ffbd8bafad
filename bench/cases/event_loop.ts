import { closedLoopRate, utilizationCase } from '../harness/server_case.js';
import type { Case, Context, Driver } from '../harness/types.js';
import { workerCase } from '../harness/worker_case.js';

const connections = 64;
const fullRates = new Map<string, Promise<number>>();

/** What the runtime's own net reaches: the rate for both implementations is a share of it. Measured once. */
function fullRate(driver: Driver, context: Context): Promise<number> {
  const baseline = (driver.kind === 'script' ? driver.baseline : undefined) ?? driver;
  const known = fullRates.get(baseline.name);
  if (known) return known;
  const measured = closedLoopRate(baseline, context, { connections });
  fullRates.set(baseline.name, measured);
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
  ...[10, 50, 90].map((percent) =>
    utilizationCase({
      name: `elu-${percent}`,
      what: `event loop utilization, 64 B echo at ${percent} % of node:net's rate, ${connections} connections, open loop`,
      target: { kind: 'difference', atMost: 3 },
      connections,
      rate: async (driver, context) => ((await fullRate(driver, context)) * percent) / 100,
    }),
  ),
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
