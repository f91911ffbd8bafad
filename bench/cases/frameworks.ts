import type { Case } from '../harness/types.js';
import { wrkCase } from '../harness/wrk_case.js';

const floors: Record<number, Record<number, number>> = {
  1: { 20: 1.4, 26: 1.4 },
  64: { 20: 1.5, 26: 1.25 },
  512: { 20: 1.7, 26: 1.5 },
};

export const frameworkCases: Case[] = (['express', 'fastify'] as const).flatMap((framework) =>
  [1, 64, 512].map((connections) =>
    wrkCase({
      name: `http-${framework}-${connections}`,
      what: `${framework} says hello to wrk, plain and under register, connections: ${connections}`,
      target: { kind: 'ratio', byMajor: floors[connections] ?? {} },
      framework,
      connections,
    }),
  ),
);
