/**
 * `npm run bench -- [NAME…] [options]`: measures ringcore against node's own modules and against C++. README.md tells
 * how, and how far the figures can be trusted.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { allCases } from './cases/index.js';
import { createData } from './harness/data.js';
import { driversOf, scriptDrivers } from './harness/drivers.js';
import { allowedCpus, machineFacts } from './harness/machine.js';
import { printCase, toJson } from './harness/report.js';
import { runCase, type CaseResult } from './harness/rounds.js';
import { Unavailable, type Context } from './harness/types.js';

const usage = `npm run bench -- [NAME…] [options]
NAME             cases whose name starts so; none: all but the points of the curves, scale-…
--list           their names
--quick          one short round each
--rounds N       rounds of each case (5)
--ms N           length of a run (500)
--node26 PATH    another node binary, measured too
--same           node's own on both sides: what differs is noise
--no-native      without the baselines in C++
--no-calls       without counting system calls
--strace         count them by strace even where perf could, and say which
--priority       precedence over other processes during a run
--unpinned       the process under test may use all processors
--data DIR       where the files that are read are put (the system's temporary directory)
--json FILE      all samples too`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    help: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    ms: { type: 'string' },
    node26: { type: 'string' },
    same: { type: 'boolean', default: false },
    native: { type: 'boolean', default: true },
    calls: { type: 'boolean', default: true },
    strace: { type: 'boolean', default: false },
    priority: { type: 'boolean', default: false },
    unpinned: { type: 'boolean', default: false },
    data: { type: 'string' },
    json: { type: 'string' },
  },
});

function positive(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise);
  if (!(value >= 1)) throw new RangeError(`not a positive number: ${text}`);
  return value;
}

/** Without a compiler the cases that need no program go on. */
async function buildPrograms(): Promise<Context['program']> {
  // From build/bench/main.js, where this file is compiled to.
  const url = new URL('../../bench/build.mjs', import.meta.url).href;
  const { buildNative } = (await import(url)) as { buildNative: () => Record<string, string> };
  let programs: Record<string, string> = {};
  let reason = 'no such program';
  try {
    programs = buildNative();
  } catch (error) {
    reason = (error as Error).message;
  }
  return (name) => {
    const path = programs[name];
    if (path === undefined) throw new Unavailable(`${name}: ${reason}`);
    return path;
  };
}

async function main(): Promise<void> {
  const cases = allCases.filter(({ name, scaling }) =>
    positionals.length === 0 ? !scaling || options.list : positionals.some((start) => name.startsWith(start)),
  );
  if (cases.length === 0) throw new Error(`no case ${positionals.join(', ')}`);
  if (options.list) {
    for (const { name, what } of cases) console.log(`${name.padEnd(24)} ${what}`);
    return;
  }
  const rounds = positive(options.rounds, options.quick ? 1 : 5);
  const durationMs = positive(options.ms, options.quick ? 200 : 500);
  const driverOptions = { node26: options.node26, same: options.same, natives: options.native };
  const scripts = scriptDrivers(driverOptions);
  const program = await buildPrograms();
  const cpus = allowedCpus();
  const data = createData(options.data);
  process.once('SIGINT', () => {
    data.remove();
    process.exit(130);
  });
  const context: Context = {
    // Until the optimizing compiler is done with an http server takes half a second.
    warmupMs: options.quick ? 300 : 800,
    durationMs,
    testCpu: options.unpinned || cpus.length < 2 ? undefined : cpus.at(-1),
    loadCpu: cpus.length < 2 ? undefined : cpus.at(-2),
    priority: options.priority,
    forceStrace: options.strace,
    program,
    data,
  };
  const machine = machineFacts();
  console.log(JSON.stringify(machine));
  if (cpus.length < 2) console.log('one processor only: server and load generator share it');
  const results: CaseResult[] = [];
  try {
    for (const what of cases) {
      const result = await runCase(what, driversOf(what, scripts, driverOptions), context, {
        rounds,
        repeat: !options.quick,
        systemCalls: options.calls,
      });
      results.push(result);
      printCase(result);
    }
  } finally {
    data.remove();
  }
  if (options.json !== undefined) {
    const text = JSON.stringify({ machine, rounds, durationMs, cases: toJson(results) }, undefined, 2);
    writeFileSync(options.json, `${text}\n`);
  }
}

if (options.help) console.log(usage);
else await main();
