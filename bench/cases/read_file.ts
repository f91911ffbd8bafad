import { bigBytes } from '../harness/data.js';
import type { Case } from '../harness/types.js';
import { milliseconds, perSecond, workerCase } from '../harness/worker_case.js';

const floors: Record<number, Record<number, number>> = {
  1: { 20: 12, 26: 7 },
  32: { 20: 9, 26: 1.5 },
  256: { 20: 11, 26: 1.2 },
};

const directFloors: Record<number, number> = { 1: 1.4, 32: 2.5, 128: 3.8 };

export const readFileCases: Case[] = [
  ...[1, 32, 256].map((depth) =>
    workerCase({
      name: `readFile-4k-${depth}`,
      what: `fs/promises readFile, 4 KiB, warm, ${depth} at once`,
      unit: 'op/s',
      better: 'higher',
      target: { kind: 'ratio', byMajor: floors[depth] ?? {} },
      natives: [{ kind: 'native', name: 'C read', program: 'read_files' }],
      script: 'read_file',
      spec: { depth },
      value: perSecond,
    }),
  ),
  ...[32, 256].map((depth) =>
    workerCase({
      name: `readFile-4k-cold-${depth}`,
      what: `fs/promises readFile, 4 KiB, after the page cache was emptied of them, ${depth} at once`,
      unit: 'op/s',
      better: 'higher',
      target: { kind: 'ratio', byMajor: { 20: depth === 32 ? 4 : 6 } },
      script: 'read_cold',
      spec: { depth },
      files: 'cold',
      value: perSecond,
    }),
  ),
  workerCase({
    name: 'readFile-1k-100-together',
    what: 'fs/promises readFile of 100 files of 1 KiB, started together; until the last of them is there',
    unit: 'ms',
    better: 'lower',
    target: { kind: 'ratio', byMajor: { 20: 5, 26: 2 } },
    script: 'read_together',
    files: 'tiny',
    value: milliseconds,
  }),
  workerCase({
    name: 'readFile-100m',
    what: 'fs/promises readFile, 100 MB, warm',
    unit: 'MB/s',
    better: 'higher',
    target: { kind: 'ratio', byMajor: { 20: 1.6, 26: 1.4 } },
    script: 'read_big',
    spec: { mode: 'readFile' },
    value: (result) => (perSecond(result) * bigBytes) / 1e6,
  }),
  ...[1, 32].map((depth) =>
    workerCase({
      name: `handle-read-${depth}`,
      what: `FileHandle.read, 4 KiB at random places, warm, ${depth} at once`,
      unit: 'op/s',
      better: 'higher',
      target: { kind: 'ratio', byMajor: depth === 1 ? { 20: 17, 26: 14 } : { 20: 3.5, 26: 2.5 } },
      script: 'handle_read',
      spec: { depth },
      value: perSecond,
    }),
  ),
  ...[1, 32, 128].map((depth) =>
    workerCase({
      name: `handle-read-direct-${depth}`,
      what: `FileHandle.read with O_DIRECT, 4 KiB at random places, ${depth} at once`,
      unit: 'op/s',
      better: 'higher',
      target: { kind: 'ratio', byMajor: { 20: directFloors[depth] ?? 1 } },
      script: 'handle_read',
      spec: { depth, mode: 'direct' },
      value: perSecond,
    }),
  ),
];
