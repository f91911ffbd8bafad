/** Cases with a server under test and the load generator of bench/native on the other processor. */
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { end, runProgram, startProgram, Worker } from './processes.js';
import { countSystemCalls } from './system_calls.js';
import { Unavailable, type Case, type Context, type Driver, type Sample } from './types.js';

/** The program that puts the load on, by default echo_load, and its arguments. */
export type LoadArguments = Record<string, string | number>;

interface RunningServer {
  pid: number;
  port: number;
  worker?: Worker;
  end(): Promise<void>;
}

async function startServer(driver: Driver, mode: string, context: Context): Promise<RunningServer> {
  if (driver.kind === 'script') {
    const worker = await Worker.start('server', { mode }, driver, context);
    return { pid: worker.pid, port: worker.port, worker, end: () => worker.end() };
  }
  const program = context.program(driver.program);
  const { testCpu: cpu, priority } = context;
  const { child, port } = await startProgram(program, { cpu, priority });
  return { pid: child.pid ?? 0, port, end: () => end(child) };
}

function load(
  server: RunningServer,
  context: Context,
  { program = 'echo_load', ...load }: LoadArguments,
  durationMs = context.durationMs,
  warmupMs = server.worker === undefined ? context.warmupMs : context.socketWarmupMs,
): Promise<Record<string, number>> {
  const options = {
    ...load,
    port: server.port,
    pid: server.pid,
    ...(context.testCpu === undefined ? {} : { cpu: context.testCpu }),
    'duration-ms': durationMs,
    'warmup-ms': warmupMs,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const { loadCpu: cpu, priority } = context;
  return runProgram(context.program(String(program)), args, { cpu, priority });
}

async function withServer<T>(
  driver: Driver,
  mode: string,
  context: Context,
  use: (server: RunningServer) => Promise<T>,
): Promise<T> {
  const server = await startServer(driver, mode, context);
  try {
    return await use(server);
  } finally {
    await server.end();
  }
}

/** Those that echo_load prints. */
const percentiles = ['10', '50', '90', '99', '99.9'];

function toSample(result: Record<string, number>, sleeps: boolean): Sample {
  const {
    exchanges = 0,
    seconds = 0,
    perSecond = 0,
    serverCpuSeconds = 0,
    disturbedSeconds = 0,
    stalled = 0,
  } = result;
  return {
    value: perSecond,
    operations: exchanges,
    cpuUsPerOperation: (serverCpuSeconds * 1e6) / exchanges,
    p50Us: result['p50Us'],
    p99Us: result['p99Us'],
    percentilesUs: Object.fromEntries(percentiles.map((at) => [at, result[`p${at}Us`] ?? NaN])),
    disturbed: disturbedSeconds / seconds,
    // One that sleeps while it waits never looks in vain.
    generatorIdle: sleeps ? undefined : result['idlePolls'],
    details: stalled > 0 ? { stalledConnections: stalled } : {},
  };
}

export type ServerCaseOptions = Pick<Case, 'name' | 'what' | 'target' | 'natives'> & {
  mode: 'echo' | 'forAwait' | 'http' | 'sink';
  load: LoadArguments;
};

/** Closed loop: how many exchanges a second. */
export function serverCase({ mode, load: args, ...rest }: ServerCaseOptions): Case {
  const sleeps = args['wait'] === 'sleep' || args['program'] === 'stream_load';
  return {
    ...rest,
    unit: 'op/s',
    better: 'higher',
    sample: (driver, context) =>
      withServer(driver, mode, context, async (server) =>
        toSample(await load(server, context, args), sleeps),
      ),
    systemCalls: (driver, context) =>
      withServer(driver, mode, context, async (server) => {
        // What a server does once, when it runs for the first time, shall not count.
        if (args['mode'] !== 'accept') await load(server, context, args, 100, 0);
        const work = async () => (await load(server, context, args, 300, 0))['allExchanges'] ?? 0;
        return countSystemCalls(server.pid, work, context.forceStrace);
      }),
  };
}

/** Two processes of a cluster on one port: how many times the rate of one. */
export function clusterCase(options: Pick<Case, 'name' | 'what' | 'target'> & { connections: number }): Case {
  const { connections, ...rest } = options;
  const rate = async (processes: number, driver: Driver, context: Context) => {
    if (driver.kind === 'native') throw new Unavailable('of the implementations only');
    const worker = await Worker.start('cluster', { depth: processes }, driver, context);
    const server = { pid: 0, port: worker.port, worker, end: () => worker.end() };
    try {
      const { exchanges = 0, perSecond = 0 } = await load(server, context, { connections, wait: 'sleep' });
      return { exchanges, perSecond };
    } finally {
      await worker.end();
    }
  };
  return {
    ...rest,
    unit: 'x',
    better: 'higher',
    async sample(driver, pinned) {
      // The processes may have all processors, and the load generator any.
      const context = { ...pinned, testCpu: undefined, loadCpu: undefined };
      const one = await rate(1, driver, context);
      const two = await rate(2, driver, context);
      return {
        value: two.perSecond / one.perSecond,
        operations: one.exchanges + two.exchanges,
        details: {
          oneWorkerPerSecond: one.perSecond,
          twoWorkersPerSecond: two.perSecond,
          processors: availableParallelism(),
          processorsWanted: 3,
        },
      };
    },
  };
}

/** Event loop utilization, in per cent, with `connections` and so many exchanges a second, an open loop. */
export function utilizationCase(
  options: Pick<Case, 'name' | 'what' | 'target'> & {
    connections: number;
    rate: (driver: Driver, context: Context) => Promise<number>;
  },
): Case {
  const { connections, rate, ...rest } = options;
  return {
    ...rest,
    unit: '%',
    better: 'lower',
    async sample(driver, context) {
      const perSecond = await rate(driver, context);
      return withServer(driver, 'echo', context, async (server) => {
        const { worker } = server;
        if (!worker) throw new Unavailable('no event loop to ask');
        const settleMs = 200;
        const { durationMs } = context;
        await load(server, context, { connections }, 100);
        const args = { connections, rate: Math.round(perSecond) };
        const loaded = load(server, context, args, durationMs + 2 * settleMs, 0);
        await delay(settleMs);
        worker.tell({ type: 'mark' });
        await delay(durationMs);
        worker.tell({ type: 'report' });
        const [report, result] = await Promise.all([worker.receive('report'), loaded]);
        return {
          ...toSample(result, false),
          value: report.utilization * 100,
          // Where the process has nothing to do, others may well use its processor.
          disturbed: undefined,
          details: { rate: perSecond, cpuPercent: report.cpuUs / report.seconds / 1e4 },
        };
      });
    },
  };
}

/** What a server reaches in a closed loop, to set a share of it as the rate of an open one. */
export function closedLoopRate(driver: Driver, context: Context, args: LoadArguments): Promise<number> {
  return withServer(driver, 'echo', context, async (server) => {
    const result = await load(server, context, args);
    return result['perSecond'] ?? 0;
  });
}
