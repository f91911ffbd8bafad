/**
 * Modules that few programs need, loaded when they are first used: at import, each would cost every program a
 * millisecond or more.
 *
 * @module
 */
import type * as AbortHelpers from 'abort-controller-x';
import type * as Dns from 'node:dns';
import type * as Module from 'node:module';
import type * as Readline from 'node:readline';
import type * as WebStreams from 'node:stream/web';
import type * as Timers from 'node:timers/promises';
import type * as WorkerThreads from 'node:worker_threads';

const builtin = (name: string): unknown => process.getBuiltinModule(name);

export const dns = (): typeof Dns => builtin('node:dns') as typeof Dns;
export const readline = (): typeof Readline => builtin('node:readline') as typeof Readline;
export const nodeTimers = (): typeof Timers => builtin('node:timers/promises') as typeof Timers;
export const webStreams = (): typeof WebStreams => builtin('node:stream/web') as typeof WebStreams;
export const workerThreads = (): typeof WorkerThreads => {
  return builtin('node:worker_threads') as typeof WorkerThreads;
};

let helpers: typeof AbortHelpers | undefined;

export function abortHelpers(): typeof AbortHelpers {
  if (helpers === undefined) {
    const { createRequire } = builtin('node:module') as typeof Module;
    helpers = createRequire(import.meta.url)('abort-controller-x') as typeof AbortHelpers;
  }
  return helpers;
}
