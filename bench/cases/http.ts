import { serverCase } from '../harness/server_case.js';
import type { Case } from '../harness/types.js';
import { perSecond, workerCase } from '../harness/worker_case.js';

const floors: Record<number, Record<number, number>> = {
  1: { 20: 1.4, 26: 1.4 },
  4: { 20: 1.1, 26: 1 },
  64: { 20: 1.5, 26: 1.25 },
  512: { 20: 1.7, 26: 1.5 },
};

export const httpCases: Case[] = [
  ...[1, 4, 64, 512].map((connections) =>
    serverCase({
      name: `http-hello-${connections}`,
      what: `http.createServer over the sockets under test, hello, kept-alive connections: ${connections}`,
      target: { kind: 'ratio', byMajor: floors[connections] ?? {} },
      mode: 'http',
      load: { mode: 'http', connections },
    }),
  ),
  ...[1, 200].map((depth) =>
    workerCase({
      name: `http-requests-${depth}`,
      what: `HTTP requests, a new connection each, client and server in one process, ${depth} at once`,
      unit: 'op/s',
      better: 'higher',
      target: { kind: 'ratio', byMajor: { 20: 3, 26: 3 } },
      script: 'http_requests',
      sockets: true,
      spec: { depth },
      value: perSecond,
    }),
  ),
];
