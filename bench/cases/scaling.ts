import { serverCase } from '../harness/server_case.js';
import type { Case } from '../harness/types.js';
import { perSecond, workerCase } from '../harness/worker_case.js';

const [KiB, MiB] = [2 ** 10, 2 ** 20];

/** One point each; system calls would double the time. */
function point(curve: string, x: number, what: Case): Case {
  return { ...what, scaling: { curve, x }, systemCalls: undefined };
}

export const scalingCases: Case[] = [
  ...[
    1,
    64,
    KiB,
    4 * KiB,
    16 * KiB,
    64 * KiB,
    256 * KiB,
    MiB,
    4 * MiB,
    16 * MiB,
    64 * MiB,
    256 * MiB,
    1024 * MiB,
  ].map((bytes) =>
    point(
      'size',
      bytes,
      workerCase({
        name: `scale-size-${bytes}`,
        what: `fs/promises readFile, one file of ${bytes} bytes, warm`,
        unit: 'op/s',
        better: 'higher',
        script: 'read_sized',
        spec: { bytes },
        files: 'sized',
        value: perSecond,
      }),
    ),
  ),
  ...[1, 4, 16, 64, 256, 1024, 4096, 10_000].map((depth) =>
    point(
      'depth',
      depth,
      workerCase({
        name: `scale-depth-${depth}`,
        what: `fs/promises readFile, 4 KiB, warm, ${depth} at once`,
        unit: 'op/s',
        better: 'higher',
        script: 'read_file',
        spec: { depth },
        value: perSecond,
      }),
    ),
  ),
  ...[1, 4, 16, 64, 256, 1024, 4096, 10_000].map((connections) =>
    point(
      'connections',
      connections,
      serverCase({
        name: `scale-connections-${connections}`,
        what: `Duplex echo, 64 B, connections: ${connections}`,
        mode: 'echo',
        load: { connections },
      }),
    ),
  ),
];
