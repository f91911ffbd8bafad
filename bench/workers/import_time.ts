/** How long the first import takes, in a process that has imported nothing else. Mode: published, modules. */
import { performance } from 'node:perf_hooks';
import { spec, tell, told } from './protocol.js';

// `npm run pack` puts it there.
const published = '../../package/dist/index.js';
const name = spec.mode === 'published' ? new URL(published, import.meta.url).href : 'ringcore';
tell({ type: 'ready' });
await told('start');
const rssBefore = process.memoryUsage.rss();
const cpuBefore = process.cpuUsage();
const begin = performance.now();
try {
  if (spec.implementation === 'ringcore') {
    await import(name);
  } else {
    await import('node:fs/promises');
    await import('node:net');
  }
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const rssMiB = (process.memoryUsage.rss() - rssBefore) / 2 ** 20;
  const details = { rssMiB };
  tell({ type: 'result', operations: 1, allOperations: 1, seconds, cpuUs: user + system, details });
} catch (error) {
  tell({ type: 'unavailable', reason: String(error).split('\n')[0] ?? '' });
}
