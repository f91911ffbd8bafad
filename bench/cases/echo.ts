import { clusterCase, serverCase } from '../harness/server_case.js';
import type { Case, NativeDriver } from '../harness/types.js';
import { workerCase } from '../harness/worker_case.js';

const natives: NativeDriver[] = [
  { kind: 'native', name: 'C epoll', program: 'echo_epoll' },
  { kind: 'native', name: 'C io_uring', program: 'echo_uring' },
];

const floors: Record<number, Record<number, number>> = {
  1: { 20: 2.5, 26: 2.5 },
  4: { 20: 1.8, 26: 1.6 },
  64: { 20: 1.6, 26: 1.5 },
  512: { 20: 1.7, 26: 1.6 },
};

export const echoCases: Case[] = [
  serverCase({
    name: 'echo-64b-1-asleep',
    what: 'Duplex echo, 64 B, connections: 1, the client sleeps while it waits',
    target: { kind: 'ratio', byMajor: { 20: 1.05, 26: 1.05 } },
    natives,
    mode: 'echo',
    load: { connections: 1, wait: 'sleep' },
  }),
  ...[1, 4, 64, 512].map((connections) =>
    serverCase({
      name: `echo-64b-${connections}`,
      what: `Duplex echo, 64 B, connections: ${connections}`,
      target: { kind: 'ratio', byMajor: floors[connections] ?? {} },
      natives,
      mode: 'echo',
      load: { connections },
    }),
  ),
  ...[64, 512].map((connections) =>
    serverCase({
      name: `echo-4k-${connections}`,
      what: `Duplex echo, 4 KiB, ${connections} connections`,
      target: { kind: 'ratio', byMajor: connections === 64 ? { 20: 1.4, 26: 1.3 } : { 20: 1.6, 26: 1.5 } },
      natives,
      mode: 'echo',
      load: { connections, bytes: 4096 },
    }),
  ),
  ...[64, 512].map((connections) =>
    serverCase({
      name: `for-await-64b-${connections}`,
      what: `\`for await\` echo, 64 B, ${connections} connections`,
      target: { kind: 'ratio', byMajor: { 20: 2, 26: 2 } },
      mode: 'forAwait',
      load: { connections },
    }),
  ),
  serverCase({
    name: 'accept',
    what: 'connect, one echo of 64 B, close; 16 at once',
    target: { kind: 'ratio', byMajor: { 20: 2.3, 26: 2.2 } },
    natives,
    mode: 'echo',
    load: { mode: 'accept', connections: 16 },
  }),
  clusterCase({
    name: 'cluster-2',
    what:
      'echo, 64 B, 256 connections: the rate of two processes of a cluster on one port, in rates of one. ' +
      'They and the load generator want three processors: with fewer, it is less',
    target: { kind: 'above', value: 1.7 },
    connections: 256,
  }),
  {
    ...workerCase({
      name: 'idle-connections',
      what: 'growth of RSS for each of 10,000 connections that were used once',
      unit: 'bytes',
      better: 'lower',
      target: { kind: 'ratio', byMajor: { 20: 1.25, 26: 1.25 } },
      script: 'idle_connections',
      value: (result) => result.details?.['bytes'] ?? NaN,
    }),
    systemCalls: undefined,
  },
];
