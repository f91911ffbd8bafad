/** How long the event loop is held up by reading: timers of 1 ms go on meanwhile. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { bigBytes, bigPath, blockBytes, isBlock, smallFiles, smallPath } from '../harness/data.js';
import { loadFsPromises } from './implementation.js';
import { measure, verify } from './measure.js';
import { spec } from './protocol.js';

const resolutionMs = 1;
const { readFile } = await loadFsPromises();
const { directory = '' } = spec;
const big = bigPath(directory);
const paths = Array.from({ length: smallFiles }, (_, file) => smallPath(directory, file));
const delays = monitorEventLoopDelay({ resolution: resolutionMs });

const readBig = async () => {
  const data = await readFile(big);
  verify(data.length === bigBytes && isBlock(data, bigBytes - blockBytes, bigBytes / blockBytes - 1), big);
};

const readSmall = async (index: number) => {
  const file = index % smallFiles;
  const data = await readFile(paths[file] ?? '');
  verify(data.length === blockBytes && isBlock(data, 0, file), paths[file] ?? '');
};

/** The histogram holds times between two timers: what is above the timer's own is delay. */
const delayMs = (ns: number) => Math.max(0, ns / 1e6 - resolutionMs);

delays.enable();
await measure(spec.mode === 'big' ? readBig : readSmall, {
  atLeast: 3,
  begin: () => delays.reset(),
  details: () => ({
    p50Ms: delayMs(delays.percentile(50)),
    p99Ms: delayMs(delays.percentile(99)),
    maxMs: delayMs(delays.max),
  }),
});
