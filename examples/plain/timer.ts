// The twin of timer on plain node: setTimeout and setInterval of node:timers/promises.
import { setInterval, setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { codeOf, run } from '../support/run.js';

let begin = performance.now();
const elapsed = (): string => `${(performance.now() - begin).toFixed(1)} ms`;

await run('timer', async () => {
  const { values } = parseArgs({
    options: { ms: { type: 'string', default: '50' }, ticks: { type: 'string', default: '5' } },
  });
  const [ms, ticks] = [Number(values.ms), Number(values.ticks)];
  if (!(ms >= 1) || !(ticks >= 1)) throw new Error('usage: timer [--ms N] [--ticks N]');
  await setTimeout(ms);
  console.log(`sleep(${ms}) took ${elapsed()}`);

  begin = performance.now();
  let tick = 0;
  // Whole milliseconds only, and each tick as late as the one before it.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  for await (const _ of setInterval(ms)) {
    console.log(`tick ${++tick} after ${elapsed()}`);
    if (tick >= ticks) break;
  }

  begin = performance.now();
  const hurry = AbortSignal.timeout(ms);
  await setTimeout(60_000, undefined, { signal: hurry }).catch((error: unknown) => {
    if (codeOf(error) !== 'ABORT_ERR') throw error;
  });
  console.log(`sleep(60000) aborted after ${elapsed()}`);
});
