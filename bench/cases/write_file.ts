import type { Case } from '../harness/types.js';
import { perSecond, workerCase } from '../harness/worker_case.js';

const floors: Record<number, Record<number, number>> = {
  1: { 20: 2, 26: 2 },
  32: { 20: 4, 26: 1.2 },
  256: { 20: 5, 26: 1.2 },
};

export const writeFileCases: Case[] = [1, 32, 256].map((depth) =>
  workerCase({
    name: `writeFile-4k-${depth}`,
    what: `fs/promises writeFile, 4 KiB, tmpfs, ${depth} at once`,
    unit: 'op/s',
    better: 'higher',
    target: { kind: 'ratio', byMajor: floors[depth] ?? {} },
    script: 'write_file',
    spec: { depth },
    output: 'memory',
    value: perSecond,
  }),
);
