/** Cases with a server under test and the load generator of bench/native on the other processor. */
import { setTimeout as delay } from 'node:timers/promises';
import { end, runProgram, startProgram, Worker } from './processes.js';
import { countSystemCalls } from './system_calls.js';
import { Unavailable, type Case, type Context, type Driver, type Sample } from './types.js';

/** Arguments of echo_load. */
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
  load: LoadArguments,
  durationMs = context.durationMs,
  warmupMs = context.warmupMs,
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
  return runProgram(context.program('echo_load'), args, { cpu, priority });
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
  mode: 'echo' | 'forAwait' | 'http';
  load: LoadArguments;
};

/** Closed loop: how many exchanges a second. */
export function serverCase({ mode, load: args, ...rest }: ServerCaseOptions): Case {
  return {
    ...rest,
    unit: 'op/s',
    better: 'higher',
    sample: (driver, context) =>
      withServer(driver, mode, context, async (server) =>
        toSample(await load(server, context, args), args['wait'] === 'sleep'),
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
