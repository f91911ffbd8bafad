// sleep() and interval() on the kernel's clock (IORING_OP_TIMEOUT), and how an AbortSignal stops them.
import { backend, interval, sleep } from 'ringcore/core';
import { parseArgs } from 'node:util';
import { codeOf, run } from './support/run.js';

let begin = performance.now();

/** Milliseconds since the last call of `restart`. */
const elapsed = (): string => `${(performance.now() - begin).toFixed(1)} ms`;
const restart = (): void => void (begin = performance.now());

/** Awaits what is expected to be aborted; returns the reason that the signal gave. */
async function reasonOf(aborted: Promise<unknown>): Promise<unknown> {
  try {
    await aborted;
  } catch (error) {
    if (codeOf(error) === 'ABORT_ERR') return (error as Error).cause;
    throw error;
  }
  throw new Error('it was not aborted');
}

async function count(ticks: AsyncIterable<number>): Promise<void> {
  for await (const tick of ticks) console.log(`tick ${tick} after ${elapsed()}`);
}

await run('timer', async () => {
  const { values } = parseArgs({
    options: { ms: { type: 'string', default: '50' }, ticks: { type: 'string', default: '5' } },
  });
  const ms = Number(values.ms);
  const ticks = Number(values.ticks);
  if (!(ms >= 1) || !(ticks >= 1)) throw new Error('usage: timer [--ms N] [--ticks N]');
  console.log(`timers of ${backend.name}${backend.reason === undefined ? '' : `: ${backend.reason}`}`);

  restart();
  await sleep(ms);
  console.log(`sleep(${ms}) took ${elapsed()}`);

  // One request to the kernel; it expires again and again. The clock starts with the first tick that is awaited.
  restart();
  for await (const tick of interval(ms)) {
    console.log(`tick ${tick} after ${elapsed()}`);
    // Leaving the loop cancels the request.
    if (tick >= ticks) break;
  }

  // A minute's sleep keeps the process alive for a minute, unless someone gives up.
  restart();
  const hurry = new AbortController();
  setTimeout(() => hurry.abort('no time'), ms);
  const sleepReason = await reasonOf(sleep(60_000, { signal: hurry.signal }));
  console.log(`sleep(60000) aborted after ${elapsed()}: ${String(sleepReason)}`);

  restart();
  const enough = new AbortController();
  setTimeout(() => enough.abort('enough'), 2.5 * ms);
  const tickReason = await reasonOf(count(interval(ms, { signal: enough.signal })));
  console.log(`interval(${ms}) aborted after ${elapsed()}: ${String(tickReason)}`);
});
