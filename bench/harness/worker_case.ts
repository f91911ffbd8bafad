/** Cases whose work runs in one process of its own. */
import { runProgram, Worker } from './processes.js';
import { countSystemCalls } from './system_calls.js';
import { Unavailable, type Case, type Context, type Data, type Driver, type Sample } from './types.js';
import { listPath, blockBytes } from './data.js';
import type { WorkerResult, WorkerSpec } from '../workers/protocol.js';

export type WorkerCaseOptions = Omit<Case, 'sample' | 'systemCalls'> & {
  script: string;
  spec?: Pick<WorkerSpec, 'mode' | 'depth' | 'bytes'>;
  /** What it reads beside the files that are always there. */
  files?: Parameters<Data['make']>[0] | 'sized';
  /** A fresh process does it once: what a program that is started for it sees. */
  once?: boolean;
  /** It works on sockets. */
  sockets?: boolean;
  /** Where it writes, if it does. */
  output?: 'memory' | 'disk';
  /** The result in the case's unit. */
  value: (result: WorkerResult) => number;
};

function fullSpec(options: WorkerCaseOptions, context: Context): Omit<WorkerSpec, 'implementation'> {
  const { directory, memoryDirectory } = context.data;
  if (options.output === 'memory' && memoryDirectory === undefined) throw new Unavailable('no tmpfs');
  if (options.files === 'sized') context.data.makeSized(options.spec?.bytes ?? 0);
  else if (options.files !== undefined) context.data.make(options.files);
  return {
    ...options.spec,
    directory,
    outputDirectory: options.output === 'memory' ? memoryDirectory : directory,
    ...(options.files === 'cold' ? { dropCache: context.program('drop_cache') } : {}),
    warmupMs: options.once ? 0 : options.sockets ? context.socketWarmupMs : context.warmupMs,
    durationMs: options.once ? 0 : context.durationMs,
    cpu: context.testCpu,
  };
}

async function nativeSample(options: WorkerCaseOptions, program: string, context: Context): Promise<Sample> {
  const args = [
    ...['--list', listPath(context.data.directory), '--bytes', blockBytes],
    ...['--depth', options.spec?.depth ?? 1],
    ...['--warmup-ms', context.warmupMs, '--duration-ms', context.durationMs],
  ];
  const { testCpu: cpu, priority } = context;
  const result = await runProgram(context.program(program), args, { cpu, priority });
  const { exchanges = 0, perSecond = 0, serverCpuSeconds = 0 } = result;
  return { value: perSecond, operations: exchanges, cpuUsPerOperation: (serverCpuSeconds * 1e6) / exchanges };
}

async function run(worker: Worker): Promise<WorkerResult> {
  worker.tell({ type: 'start' });
  return worker.receive('result');
}

export function workerCase(options: WorkerCaseOptions): Case {
  const { name, what, unit, better, target, natives, script, value } = options;
  return {
    name,
    what,
    unit,
    better,
    target,
    natives,
    async sample(driver: Driver, context: Context) {
      if (driver.kind === 'native') return nativeSample(options, driver.program, context);
      const worker = await Worker.start(script, fullSpec(options, context), driver, context);
      try {
        const result = await run(worker);
        const { operations, cpuUs, disturbed, details } = result;
        return {
          value: value(result),
          operations,
          cpuUsPerOperation: cpuUs / operations,
          disturbed,
          details,
        };
      } finally {
        await worker.end();
      }
    },
    async systemCalls(driver: Driver, context: Context) {
      if (driver.kind === 'native') throw new Unavailable('counted for the implementations only');
      const short = { ...context, warmupMs: 0, socketWarmupMs: 0, durationMs: 200 };
      const worker = await Worker.start(script, fullSpec(options, short), driver, short);
      try {
        const work = async () => (await run(worker)).allOperations;
        return await countSystemCalls(worker.pid, work, context.forceStrace);
      } finally {
        await worker.end();
      }
    },
  };
}

export const perSecond = (result: WorkerResult): number => result.operations / result.seconds;

/** Of one operation. */
export const milliseconds = (result: WorkerResult): number => (result.seconds / result.operations) * 1000;
