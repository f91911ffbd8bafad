// A read that never completes against a timer; the loser is cancelled in the kernel (ASYNC_CANCEL).
import { close, constants, openat, read, sleep, socket, stats, TimeoutError } from 'ringcore/core';
import { getSystemErrorName, parseArgs } from 'node:util';
import { run } from './support/run.js';

/**
 * Resolves or rejects as the first of what `start` begins, after it has aborted the others and they have ended: nothing
 * runs on unobserved. (The package abort-controller-x has this as `race`, and much more of the kind.)
 */
async function race<T>(start: (signal: AbortSignal) => PromiseLike<T>[]): Promise<T> {
  const losers = new AbortController();
  const runners = start(losers.signal);
  try {
    return await Promise.race(runners);
  } finally {
    losers.abort('another one was faster');
    await Promise.allSettled(runners);
  }
}

/** Runs `action`, returns what it gave and the milliseconds that it took. */
async function timed<T>(action: () => Promise<T>): Promise<[result: T, ms: string]> {
  const begin = performance.now();
  const result = await action();
  return [result, `${(performance.now() - begin).toFixed(1)} ms`];
}

/** How often each operation was given to the kernel since `before`. */
function operationsSince(before: Record<string, number>): string {
  return Object.entries(stats().operations)
    .map(([kind, count]) => [kind, count - (before[kind] ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ');
}

/** An errno's name; an operation that was cancelled ends with -ECANCELED. */
const inTheKernel = (result: number): string => (result < 0 ? getSystemErrorName(result) : `${result} bytes`);

async function loseAgainstTimer(fd: number, ms: number): Promise<void> {
  const before = stats().operations;
  let pending: ReturnType<typeof read> | undefined;
  const [winner, duration] = await timed(() =>
    race((signal) => {
      pending = read(fd, Buffer.alloc(1024), { signal });
      return [pending.then(() => 'read'), sleep(ms, { signal, value: 'sleep' })];
    }),
  );
  console.log(`1. ${winner} won after ${duration}`);
  // The promise was rejected at once. `released` is the kernel's own last word on the request, and on the buffer.
  console.log(`   the read ended in the kernel with ${inTheKernel(await pending!.released)}`);
  console.log(`   operations: ${operationsSince(before)}`);
}

async function winAgainstTimer(path: string): Promise<void> {
  const before = stats().operations;
  const fd = await openat(path);
  const [winner, duration] = await timed(() =>
    race((signal) => [
      read(fd, Buffer.alloc(1024), { signal }).then((bytes) => `the read of ${bytes} bytes`),
      sleep(60_000, { signal, value: 'sleep' }),
    ]),
  );
  await close(fd);
  console.log(`2. ${winner} won after ${duration}`);
  console.log(`   operations: ${operationsSince(before)}`);
}

/** The same without a race: an IORING_OP_LINK_TIMEOUT behind the read, and the kernel does the rest. */
async function limit(fd: number, ms: number): Promise<void> {
  const before = stats().operations;
  const pending = read(fd, Buffer.alloc(1024), { timeout: ms });
  const [error, duration] = await timed(() => pending.then(() => undefined).catch((error: unknown) => error));
  if (!(error instanceof TimeoutError)) throw new Error('the read should have timed out', { cause: error });
  console.log(`3. ${error.name} after ${duration}: ${error.message}`);
  console.log(`   the read ended in the kernel with ${inTheKernel(await pending.released)}`);
  console.log(`   operations: ${operationsSince(before)}`);
}

await run('timeout_race', async () => {
  const { values } = parseArgs({ options: { ms: { type: 'string', default: '100' } } });
  const ms = Number(values.ms);
  if (!(ms >= 1)) throw new Error('usage: timeout_race [--ms N]');

  // A socket without an address: nobody can ever send to it.
  const lonely = await socket(constants.AF_UNIX, constants.SOCK_DGRAM);
  try {
    await loseAgainstTimer(lonely, ms);
    await winAgainstTimer('/proc/self/status');
    await limit(lonely, ms);
  } finally {
    await close(lonely);
  }
  console.log(`in flight now: ${stats().inFlight}`);
});
