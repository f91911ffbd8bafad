/** How long the first import takes, in a process that has imported nothing else. Mode: published, modules. */
import { fileURLToPath } from 'node:url';
import type * as Ringcore from 'ringcore';
import { spec, tell, told } from './protocol.js';

// `npm run pack` puts it there.
const published = '../../package/dist/index.js';
// The addon of the checkout, unless `npm run prebuilds` has made those of the package.
process.env.RINGCORE_PREBUILD = fileURLToPath(new URL('../../..', import.meta.url));
const name = spec.mode === 'published' ? new URL(published, import.meta.url).href : 'ringcore';
tell({ type: 'ready' });
await told('start');
const rssBefore = process.memoryUsage.rss();
const cpuBefore = process.cpuUsage();
const begin = process.hrtime.bigint();
try {
  if (spec.implementation === 'ringcore') {
    const { backend } = (await import(name)) as typeof Ringcore;
    if (backend.name === 'node') throw new Error(backend.reason);
  } else {
    await import('node:fs/promises');
    await import('node:net');
  }
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  const { user, system } = process.cpuUsage(cpuBefore);
  const rssMiB = (process.memoryUsage.rss() - rssBefore) / 2 ** 20;
  const details = { rssMiB };
  tell({ type: 'result', operations: 1, allOperations: 1, seconds, cpuUs: user + system, details });
} catch (error) {
  tell({ type: 'unavailable', reason: String(error).split('\n')[0] ?? '' });
}
