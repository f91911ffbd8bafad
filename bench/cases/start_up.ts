import type { Case } from '../harness/types.js';
import { workerCase } from '../harness/worker_case.js';

const importTime = workerCase({
  name: 'import',
  what: "import 'ringcore' in a fresh process; node: its own fs/promises and net",
  unit: 'ms',
  better: 'lower',
  target: { kind: 'below', value: 10 },
  script: 'import_time',
  value: (result) => result.seconds * 1000,
});

// One import is no operation that system calls could be counted by.
export const startUpCases: Case[] = [{ ...importTime, systemCalls: undefined }];
