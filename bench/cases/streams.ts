import { bigBytes } from '../harness/data.js';
import type { Case } from '../harness/types.js';
import { milliseconds, perSecond, workerCase, type WorkerCaseOptions } from '../harness/worker_case.js';

const common: Pick<WorkerCaseOptions, 'unit' | 'better' | 'script' | 'value'> = {
  unit: 'MB/s',
  better: 'higher',
  script: 'read_big',
  value: (result) => (perSecond(result) * bigBytes) / 1e6,
};

export const streamCases: Case[] = [
  workerCase({
    ...common,
    name: 'stream-drain-100m',
    what: 'createReadStream, 100 MB, warm, read to its end',
    target: { kind: 'ratio', byMajor: { 20: 5, 26: 5 } },
    spec: { mode: 'drain' },
  }),
  workerCase({
    ...common,
    name: 'stream-pipe-100m',
    what: 'createReadStream into createWriteStream on tmpfs, 100 MB',
    target: { kind: 'ratio', byMajor: { 20: 4, 26: 4 } },
    spec: { mode: 'pipe' },
    output: 'memory',
  }),
  workerCase({
    ...common,
    name: 'stream-pipe-100m-disk',
    what: 'the same onto a disk; its write-back goes on in the background',
    spec: { mode: 'pipe' },
    output: 'disk',
  }),
  workerCase({
    ...common,
    name: 'cat-100m',
    what: 'a fresh process pipes 100 MB into /dev/null, once; the time behind its imports',
    unit: 'ms',
    better: 'lower',
    target: { kind: 'ratio', byMajor: { 20: 3, 26: 3 } },
    spec: { mode: 'cat' },
    once: true,
    value: milliseconds,
  }),
];
