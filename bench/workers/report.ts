/** Event loop utilization and CPU time of a server, from one message to another. */
import { performance } from 'node:perf_hooks';
import { tell, type ToWorker } from './protocol.js';

let mark = { utilization: performance.eventLoopUtilization(), cpu: process.cpuUsage(), ms: 0 };

export function reportWhenAsked(): void {
  process.on('message', (message: ToWorker) => {
    if (message.type === 'mark') {
      mark = {
        utilization: performance.eventLoopUtilization(),
        cpu: process.cpuUsage(),
        ms: performance.now(),
      };
    } else if (message.type === 'report') {
      const { user, system } = process.cpuUsage(mark.cpu);
      const { utilization } = performance.eventLoopUtilization(mark.utilization);
      tell({
        type: 'report',
        utilization,
        cpuUs: user + system,
        seconds: (performance.now() - mark.ms) / 1000,
      });
    }
  });
}
