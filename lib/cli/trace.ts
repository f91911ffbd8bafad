/**
 * `ringcore trace`: `ringcore run` with RINGCORE_TRACE, and afterwards one file of what its threads and processes wrote.
 *
 * @module
 */
import { resolve } from 'node:path';
import { nodeArguments, runChild } from './run.js';
import { mergeTraces, removeTraces } from './trace_files.js';

/** Runs `node --import ringcore/register …rest`, traced to `output`. */
export function trace(rest: string[], output: string): void {
  const file = resolve(output);
  try {
    removeTraces(file);
  } catch (error) {
    process.stderr.write(`ringcore: cannot write ${file}: ${(error as Error).message}\n`);
    process.exitCode = 2;
    return;
  }
  // RINGCORE_TRACE_PID: if this process is traced itself, the program is none of its children.
  const env = { ...process.env, RINGCORE_TRACE: file, RINGCORE_TRACE_PID: undefined };
  runChild(nodeArguments(rest), env, () => {
    const events = mergeTraces(file);
    process.stderr.write(
      events === undefined
        ? 'ringcore: there is no trace, since the program opened no ring; `ringcore doctor` tells if it can\n'
        : `ringcore: ${events} events in ${output}; open it in https://ui.perfetto.dev\n`,
    );
  });
}
