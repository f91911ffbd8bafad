// One process of runs: `node run.js FIRST_SEED RUNS`, with RINGCORE_FAULTS naming the plan. Prints a line a run; the
// first that is wrong ends it with its seed. Who started it watches that it goes on.
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stats } from 'ringcore/core';
import { Plan, random, type Rates } from './plan.js';
import { workloads, Wrong } from './workloads.js';

/** Faults of one kind now and then, or of all kinds at once; none at all for every sixteenth seed. */
function ratesOf(draw: (limit: number) => number): Partial<Rates> {
  const kinds = ['fail', 'shorten', 'worker', 'delay', 'reorder', 'duplicate', 'enter'] as const;
  const chosen = draw(16);
  if (chosen === 15) return {};
  const rates: Partial<Rates> = {};
  for (const [index, kind] of kinds.entries()) {
    if (chosen < kinds.length && chosen !== index) continue;
    rates[kind] = kind === 'fail' ? [3, 20, 100][draw(3)]! : [20, 150, 500][draw(3)]!;
  }
  return rates;
}

function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return [];
    }
  });
}

async function atRest(baseline: number, inFlight: number): Promise<void> {
  const end = Date.now() + 5000;
  while (Date.now() < end && (stats().inFlight > inFlight || descriptors().length > baseline)) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function run(seed: number, plan: Plan): Promise<string> {
  const draw = random(seed);
  const rates = ratesOf(draw);
  const directory = mkdtempSync(join(tmpdir(), 'ringcore-faults-'));
  const before = descriptors();
  const inFlight = stats().inFlight;
  const names = Object.keys(workloads);
  const chosen = Array.from({ length: 3 }, () => names[draw(names.length)]!);
  plan.begin(seed, rates);
  const outcomes = await Promise.allSettled(
    chosen.map(async (name, i) => {
      const own = join(directory, String(i));
      mkdirSync(own);
      await workloads[name]!(own, draw);
    }),
  );
  plan.end();
  await atRest(before.length, inFlight);
  rmSync(directory, { recursive: true });
  const told = outcomes.map((outcome, i) => {
    if (outcome.status === 'fulfilled') return `${chosen[i]}: right`;
    const error = outcome.reason as NodeJS.ErrnoException;
    if (error instanceof Wrong) throw new Error(`${chosen[i]}: ${error.message}`);
    // An error of the test's own code is no outcome.
    if (error.code === undefined) throw error;
    // core shows what the kernel says; elsewhere nobody hears of an interruption.
    if (error.code === 'EINTR' && chosen[i] !== 'chains') throw error;
    const clean = Object.keys(rates).every((kind) => kind !== 'fail');
    // Only a failing operation, or an abort, is a reason for a failure.
    if (clean) throw new Error(`${chosen[i]}: failed without a failure: ${error.stack ?? error.message}`);
    return `${chosen[i]}: ${error.code}`;
  });
  const left = descriptors().filter((fd) => !before.includes(fd));
  if (descriptors().length > before.length) throw new Error(`left open: ${left.join(', ')}`);
  if (stats().inFlight > inFlight) throw new Error(`${stats().inFlight} operations are in flight still`);
  return `${JSON.stringify(rates)} ${told.join(', ')}`;
}

process.on('unhandledRejection', (error) => {
  console.log(`unhandled rejection: ${error instanceof Error ? error.stack : String(error)}`);
  process.exit(1);
});
const [first, count] = process.argv.slice(2).map(Number) as [number, number];
const plan = new Plan(process.env['RINGCORE_FAULTS']!);
// What is opened once, and stays open: the buffers of sockets, the thread pool's.
plan.begin(0, { duplicate: 1000 });
for (const workload of Object.values(workloads)) {
  const directory = mkdtempSync(join(tmpdir(), 'ringcore-faults-'));
  await workload(directory, random(1)).catch(() => {});
  rmSync(directory, { recursive: true });
}
plan.end();
for (let seed = first; seed < first + count; seed++) {
  console.log(`seed ${seed}`);
  console.log(`  ${await run(seed, plan)}`);
}
console.log(JSON.stringify(plan.counts()));
