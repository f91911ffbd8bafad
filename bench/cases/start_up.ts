import type { Case } from '../harness/types.js';
import { workerCase, type WorkerCaseOptions } from '../harness/worker_case.js';

const importTime: Omit<WorkerCaseOptions, 'name' | 'what'> = {
  unit: 'ms',
  better: 'lower',
  script: 'import_time',
  value: (result) => result.seconds * 1000,
};

const published = workerCase({
  ...importTime,
  name: 'import',
  what: "import 'ringcore' as published, in a fresh process; node: its own fs/promises and net",
  target: { kind: 'below', value: 10 },
  spec: { mode: 'published' },
});

const modules = workerCase({
  ...importTime,
  name: 'import-modules',
  what: 'the same from the checkout, where each module is a file of its own',
  spec: { mode: 'modules' },
});

// One import is no operation that system calls could be counted by.
export const startUpCases: Case[] = [published, modules].map((one) => ({ ...one, systemCalls: undefined }));
