import { bigBytes } from '../harness/data.js';
import type { Case } from '../harness/types.js';
import { perSecond, workerCase, type WorkerCaseOptions } from '../harness/worker_case.js';

const big: Pick<WorkerCaseOptions, 'unit' | 'better' | 'script' | 'spec' | 'value'> = {
  unit: 'MB/s',
  better: 'higher',
  script: 'copy',
  spec: { mode: 'big' },
  value: (result) => (perSecond(result) * bigBytes) / 1e6,
};

export const copyCases: Case[] = [
  workerCase({
    ...big,
    name: 'copyFile-100m',
    what: 'fs/promises copyFile, 100 MB, warm, onto a disk; its write-back goes on in the background',
    target: { kind: 'ratio', byMajor: { 20: 1.2, 26: 1.2 } },
    output: 'disk',
  }),
  workerCase({
    ...big,
    name: 'copyFile-100m-tmpfs',
    what: 'the same onto tmpfs',
    output: 'memory',
  }),
  ...[1, 32].map((depth) =>
    workerCase({
      name: `copyFile-4k-${depth}`,
      what: `fs/promises copyFile, 4 KiB, onto tmpfs, ${depth} at once`,
      unit: 'op/s',
      better: 'higher',
      script: 'copy',
      spec: { mode: 'small', depth },
      output: 'memory',
      value: perSecond,
    }),
  ),
  workerCase({
    name: 'tree-3000',
    what: 'fs/promises cp of a tree of 3,000 files on tmpfs, and rm of the copy',
    unit: 'op/s',
    better: 'higher',
    script: 'copy',
    spec: { mode: 'tree' },
    output: 'memory',
    value: perSecond,
  }),
];
