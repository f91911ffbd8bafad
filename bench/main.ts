/**
 * `npm run bench -- [NAME…] [options]`: measures ringcore against node's own modules and against C++. README.md tells
 * how, and how far the figures can be trusted.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { allCases } from './cases/index.js';
import { readFloors, regressions, writeFloors } from './harness/check.js';
import { createData } from './harness/data.js';
import { driversOf, scriptDrivers } from './harness/drivers.js';
import { allowedCpus, machineFacts } from './harness/machine.js';
import { printCase, toSaved } from './harness/report.js';
import { runCase } from './harness/rounds.js';
import { merge, type SavedRun } from './harness/saved.js';
import { Unavailable, type Case, type Context } from './harness/types.js';
import { writeReport } from './report/report.js';

const usage = `npm run bench -- [NAME…] [options]
NAME             cases whose name starts so; none: all but the points of the curves, scale-…
--list           their names
--quick          one short round each
--rounds N       rounds of each case (5)
--ms N           length of a run (500)
--node26 PATH    another node binary, measured too
--bun PATH       a bun binary, where rates are measured
--same           node's own on both sides: what differs is noise
--no-native      without the baselines in C++
--no-calls       without counting system calls, as with --quick and --check; --calls: with it all the same
--strace         count them by strace even where perf could, and say which
--priority       precedence over other processes during a run
--unpinned       the process under test may use all processors
--data DIR       where the files that are read are put (the system's temporary directory)
--json FILE      all samples too
--report         write docs/performance.md and its plots; all cases, if none is named, and the curves
--to DIR         not in docs
--from FILE      do not measure: the report, or the check, of what --json wrote; given again, what a later file
                 has takes the place of what is there
--check          whether a ratio has got worse than that in bench/floors.json; exit code 1 if one has
--write-floors   put the ratios of this run there`;

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
    bun: { type: 'string' },
    same: { type: 'boolean', default: false },
    native: { type: 'boolean', default: true },
    calls: { type: 'boolean' },
    strace: { type: 'boolean', default: false },
    priority: { type: 'boolean', default: false },
    unpinned: { type: 'boolean', default: false },
    data: { type: 'string' },
    json: { type: 'string' },
    report: { type: 'boolean', default: false },
    from: { type: 'string', multiple: true },
    to: { type: 'string' },
    check: { type: 'boolean', default: false },
    'write-floors': { type: 'boolean', default: false },
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

const floors = options.check ? readFloors() : {};

function isWanted({ name, scaling }: Case): boolean {
  if (options.check && !(name in floors)) return false;
  if (positionals.length > 0) return positionals.some((start) => name.startsWith(start));
  return !scaling || options.list || options.report;
}

async function measureAll(cases: Case[]): Promise<SavedRun> {
  const rounds = positive(options.rounds, options.quick ? 1 : options.check ? 3 : 5);
  const durationMs = positive(options.ms, options.quick ? 200 : options.check ? 300 : 500);
  const driverOptions = {
    node26: options.node26,
    bun: options.bun,
    same: options.same,
    natives: options.native && !options.check,
  };
  const scripts = scriptDrivers(driverOptions);
  const program = await buildPrograms();
  const cpus = allowedCpus();
  const data = createData(options.data);
  process.once('SIGINT', () => {
    data.remove();
    process.exit(130);
  });
  const context: Context = {
    warmupMs: options.quick ? 300 : 800,
    // `for await` over sockets is optimized once more two seconds after it begins, node's too.
    socketWarmupMs: options.quick ? 300 : 3000,
    durationMs,
    testCpu: options.unpinned || cpus.length < 2 ? undefined : cpus.at(-1),
    loadCpu: cpus.length < 2 ? undefined : cpus.at(-2),
    priority: options.priority,
    forceStrace: options.strace,
    program,
    data,
  };
  const machine = {
    ...machineFacts(data.directory),
    pinned: context.testCpu !== undefined,
    priority: options.priority,
  };
  console.log(JSON.stringify(machine));
  if (cpus.length < 2) console.log('one processor only: server and load generator share it');
  const run: SavedRun = { machine, rounds, durationMs, cases: [] };
  try {
    for (const what of cases) {
      const measure = () =>
        runCase(what, driversOf(what, scripts, driverOptions), context, {
          rounds,
          repeat: !options.quick,
          systemCalls: options.calls ?? !(options.quick || options.check),
        });
      let result = await measure();
      // Once more: what was only disturbed will not be so again.
      if (options.check && regressions(toSaved(result), floors).length > 0) result = await measure();
      printCase(result);
      run.cases.push(toSaved(result));
      // Each time: a long run that is ended early has not been for nothing.
      if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(run, undefined, 2)}\n`);
    }
  } finally {
    data.remove();
  }
  return run;
}

const read = (path: string): SavedRun => JSON.parse(readFileSync(path, 'utf8')) as SavedRun;

async function main(): Promise<void> {
  const cases = allCases.filter(isWanted);
  if (cases.length === 0) throw new Error(`no case ${positionals.join(', ')}`);
  if (options.list) {
    for (const { name, what } of cases) console.log(`${name.padEnd(24)} ${what}`);
    return;
  }
  const run =
    options.from === undefined
      ? await measureAll(cases)
      : merge(options.from.map(read) as [SavedRun, ...SavedRun[]]);
  if (options.report) writeReport(run, options.to);
  if (options['write-floors']) writeFloors(run);
  if (!options.check) return;
  const slower = run.cases.flatMap((what) => regressions(what, floors));
  console.log(slower.length > 0 ? `\nslower than before:\n${slower.join('\n')}` : '\nnothing is slower');
  if (slower.length > 0) process.exitCode = 1;
}

if (options.help) console.log(usage);
else await main();
