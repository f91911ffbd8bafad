/** How the bench and its workers talk: one JSON argument, then messages. */
import type { Implementation } from '../harness/types.js';

export interface WorkerSpec {
  implementation: Implementation;
  /** Which of the things that the worker can do. */
  mode?: string;
  directory?: string;
  outputDirectory?: string;
  depth?: number;
  /** The size of a file. */
  bytes?: number;
  /** The program that empties the page cache. */
  dropCache?: string;
  warmupMs?: number;
  durationMs?: number;
  /** The processor that it is pinned to. */
  cpu?: number;
}

export interface WorkerResult {
  type: 'result';
  /** In the measured time, verified; `allOperations` has those before it too. */
  operations: number;
  allOperations: number;
  seconds: number;
  cpuUs: number;
  /** Share of the time in which something else had the processor, where that can be told. */
  disturbed?: number;
  details?: Record<string, number>;
}

export interface WorkerReport {
  type: 'report';
  utilization: number;
  cpuUs: number;
  seconds: number;
}

export type FromWorker =
  { type: 'ready'; port?: number } | { type: 'unavailable'; reason: string } | WorkerResult | WorkerReport;

/** start: do it. mark, report: event loop utilization and CPU time between the two. */
export type ToWorker = { type: 'start' | 'mark' | 'report' };

export const spec = JSON.parse(process.argv[2] ?? '{}') as WorkerSpec;

export function tell(message: FromWorker): void {
  process.send?.(message);
}

/** Waits for one message of this type. */
export async function told(type: ToWorker['type']): Promise<void> {
  await new Promise<void>((resolve) => {
    const listen = (message: ToWorker) => {
      if (message.type !== type) return;
      process.off('message', listen);
      resolve();
    };
    process.on('message', listen);
  });
}

// When the bench goes, or lets go, nothing remains. Not by process.exit(): that an implementation ends cleanly with
// everything closed is not the subject here, and the bench must not wait for it.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
