import type { Case } from '../harness/types.js';
import { workerCase, type WorkerCaseOptions } from '../harness/worker_case.js';

type Way = Pick<WorkerCaseOptions, 'what' | 'script' | 'files' | 'output'>;

const ways: Record<string, Way> = {
  stream: { what: 'createReadStream reads 1 GiB', script: 'memory', files: 'huge' },
  copyFile: { what: 'copyFile copies 1 GiB onto tmpfs', script: 'memory', files: 'huge', output: 'memory' },
  socket: { what: '1 GiB comes by a socket that is piped into itself', script: 'memory_socket' },
};

/** Of one run there is nothing to be counted per operation. */
export const memoryCases: Case[] = Object.entries(ways).map(([mode, { what, ...way }]) => ({
  ...workerCase({
    ...way,
    name: `memory-1g-${mode}`,
    what: `growth of resident memory, at its most, while ${what}`,
    unit: 'MiB',
    better: 'lower',
    target: { kind: 'below', value: 16 },
    spec: { mode },
    once: true,
    value: (result) => result.details?.['growthMiB'] ?? NaN,
  }),
  systemCalls: undefined,
}));
