/** Cases with a web framework under test, on plain node and under ringcore/register, and wrk on the other processor. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hasTool, runForOutput, Worker } from './processes.js';
import { countSystemCalls } from './system_calls.js';
import { Unavailable, type Case, type Context, type Driver, type Sample } from './types.js';

export type WrkCaseOptions = Pick<Case, 'name' | 'what' | 'target'> & {
  framework: 'express' | 'fastify';
  connections: number;
};

interface WrkResult {
  requests: number;
  us: number;
  wrong: number;
  errors: number;
  p50Us: number;
  p99Us: number;
}

const script = fileURLToPath(new URL('../../../bench/wrk.lua', import.meta.url));

async function load(port: number, connections: number, context: Context, ms: number): Promise<WrkResult> {
  // wrk knows whole seconds only.
  const seconds = Math.max(1, Math.round(ms / 1000));
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, `http://127.0.0.1:${port}/`];
  const { loadCpu: cpu, priority } = context;
  const output = await runForOutput('wrk', args, { cpu, priority });
  const result = JSON.parse(output.slice(output.indexOf('{'))) as WrkResult;
  if (result.wrong > 0 || result.errors > 0) throw new Error(`wrk: ${JSON.stringify(result)}`);
  return result;
}

/** How long a process has waited for its processor. */
function waitedNs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]);
}

async function withServer<T>(
  driver: Driver,
  mode: string,
  context: Context,
  use: (server: Worker) => Promise<T>,
): Promise<T> {
  if (!hasTool('wrk')) throw new Unavailable('there is no wrk');
  if (driver.kind !== 'script') throw new Unavailable('a server of node only');
  const nodeArguments =
    driver.implementation === 'ringcore' ? ['--import', import.meta.resolve('ringcore/register')] : [];
  const server = await Worker.start('framework', { mode }, driver, context, nodeArguments);
  try {
    return await use(server);
  } finally {
    await server.end();
  }
}

/** Closed loop: how many requests a second. */
export function wrkCase({ framework, connections, ...rest }: WrkCaseOptions): Case {
  return {
    ...rest,
    unit: 'op/s',
    better: 'higher',
    sample: (driver, context) =>
      withServer(driver, framework, context, async (server): Promise<Sample> => {
        await load(server.port, connections, context, context.socketWarmupMs);
        const waited = waitedNs(server.pid);
        server.tell({ type: 'mark' });
        const { requests, us, p50Us, p99Us } = await load(
          server.port,
          connections,
          context,
          context.durationMs,
        );
        server.tell({ type: 'report' });
        const { cpuUs } = await server.receive('report');
        return {
          value: (requests * 1e6) / us,
          operations: requests,
          cpuUsPerOperation: cpuUs / requests,
          p50Us,
          p99Us,
          disturbed: (waitedNs(server.pid) - waited) / 1000 / us,
        };
      }),
    systemCalls: (driver, context) =>
      withServer(driver, framework, context, async (server) => {
        await load(server.port, connections, context, 1000);
        const work = async () => (await load(server.port, connections, context, 1000)).requests;
        return countSystemCalls(server.pid, work, context.forceStrace);
      }),
  };
}
