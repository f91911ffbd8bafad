import type { Case } from '../harness/types.js';
import { workerCase } from '../harness/worker_case.js';

const streamed: Record<string, string> = {
  stream: 'createReadStream reads 1 GiB',
  copyFile: 'copyFile copies 1 GiB onto tmpfs',
};

/** Of one run there is nothing to be counted per operation. */
export const memoryCases: Case[] = Object.entries(streamed).map(([mode, what]) => ({
  ...workerCase({
    name: `memory-1g-${mode}`,
    what: `growth of resident memory, at its most, while ${what}`,
    unit: 'MiB',
    better: 'lower',
    target: { kind: 'below', value: 16 },
    script: 'memory',
    spec: { mode },
    files: 'huge',
    output: 'memory',
    once: true,
    value: (result) => result.details?.['growthMiB'] ?? NaN,
  }),
  systemCalls: undefined,
}));
