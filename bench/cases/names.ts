import type { Case } from '../harness/types.js';
import { perSecond, workerCase } from '../harness/worker_case.js';

export const nameCases: Case[] = [1, 32].map((depth) =>
  workerCase({
    name: `names-${depth}`,
    what: `fs/promises mkdir, rename, link, unlink, rmdir, one after another, tmpfs, ${depth} at once`,
    unit: 'op/s',
    better: 'higher',
    target: { kind: 'ratio', byMajor: depth === 1 ? { 20: 1.2, 26: 1.2 } : { 20: 1, 26: 1 } },
    script: 'names',
    spec: { depth },
    output: 'memory',
    value: perSecond,
  }),
);
