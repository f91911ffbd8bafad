import { serverCase } from '../harness/server_case.js';
import type { Case, NativeDriver } from '../harness/types.js';

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
  serverCase({
    name: 'echo-4k-64',
    what: 'Duplex echo, 4 KiB, 64 connections',
    target: { kind: 'ratio', byMajor: { 20: 1.4, 26: 1.3 } },
    natives,
    mode: 'echo',
    load: { connections: 64, bytes: 4096 },
  }),
  serverCase({
    name: 'for-await-64b-64',
    what: '`for await` echo, 64 B, 64 connections',
    target: { kind: 'ratio', byMajor: { 20: 2, 26: 2 } },
    mode: 'forAwait',
    load: { connections: 64 },
  }),
  serverCase({
    name: 'accept',
    what: 'connect, one echo of 64 B, close; 16 at once',
    target: { kind: 'ratio', byMajor: { 20: 2.3, 26: 2.2 } },
    natives,
    mode: 'echo',
    load: { mode: 'accept', connections: 16 },
  }),
];
