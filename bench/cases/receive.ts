import { serverCase } from '../harness/server_case.js';
import type { Case } from '../harness/types.js';

/** A server that reads 'data', checks and counts, while the load generator sends blocks of 64 KiB. */
const rate = serverCase({
  name: 'receive-64k-rate',
  what: "one connection sends blocks of 64 KiB, the server reads 'data': blocks a second",
  target: { kind: 'ratio', byMajor: { 20: 1, 26: 1 } },
  mode: 'sink',
  load: { program: 'stream_load', bytes: 64 * 1024 },
});

/** The same, judged by what the receiver's processor time is worth. */
const cpu: Case = {
  ...rate,
  name: 'receive-64k-cpu',
  what: "the same: the receiving process's CPU time, of user and kernel, for a MiB",
  unit: 'us/MiB',
  better: 'lower',
  // 0.6 of node's.
  target: { kind: 'ratio', byMajor: { 20: 1.67, 26: 1.67 } },
  systemCalls: undefined,
  async sample(driver, context) {
    const sample = await rate.sample(driver, context);
    return { ...sample, value: (sample.cpuUsPerOperation ?? NaN) * 16 };
  },
};

export const receiveCases: Case[] = [rate, cpu];
