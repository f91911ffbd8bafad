import type { Case } from '../harness/types.js';
import { perSecond, workerCase } from '../harness/worker_case.js';

export const statCases: Case[] = [1, 32].map((depth) =>
  workerCase({
    name: `stat-${depth}`,
    what: `fs/promises stat, ${depth} at once`,
    unit: 'op/s',
    better: 'higher',
    target: { kind: 'ratio', byMajor: depth === 1 ? { 20: 20, 26: 20 } : { 20: 4, 26: 3 } },
    script: 'stat',
    spec: { depth },
    value: perSecond,
  }),
);
