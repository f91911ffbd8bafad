// A server of node's http that tells how busy its event loop was since it was last asked.
import { createServer } from 'node:http';
import { performance } from 'node:perf_hooks';
import { fact, portOf } from './facts.mjs';

let since = performance.eventLoopUtilization();
const server = createServer((request, response) => {
  if (request.url !== '/utilization') return response.end('hello');
  const { utilization } = performance.eventLoopUtilization(since);
  since = performance.eventLoopUtilization();
  response.end(String(utilization));
});
// What is idle between two measurements stays open.
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => fact('port', portOf(server)));
process.once('SIGTERM', () => server.close());
