// npm test: build, lint, formats, the native tests, the tests. Every step runs, whatever the one before it did.
// `npm test -- test/core test/native` builds and then runs only the tests whose path starts so.
// The last line is `N passed, N failed, N skipped`, where a failing step counts as a failure.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { inspect } from 'node:util';
import { Parser } from 'tap-parser';
import { globSync } from 'tinyglobby';

// --built: no step but the tests themselves; everything has been built.
const built = process.argv.includes('--built');
const filters = process.argv.slice(2).filter((argument) => argument !== '--built');
const wanted = (path) => filters.length === 0 || filters.some((filter) => path.startsWith(filter));

/** Of one test file; a machine that is emulated needs more. */
const fileLimitMs = Number(process.env.RINGCORE_TEST_LIMIT_MS ?? 120_000);

const total = { passed: 0, failed: 0, skipped: 0 };

function fail(message) {
  total.failed++;
  console.log(`FAILED ${message}`);
}

async function step(name, command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code, signal] = await once(child, 'close');
  if (code === 0) console.log(`ok ${name}`);
  else fail(`${name}: ${signal ?? `exit code ${code}`}`);
}

/** What a failed assertion says of itself, without what is of no use to a reader. */
function describe(diag) {
  const omitted = ['source', 'stdio', 'command', 'args', 'jobId', 'externalID', 'cwd'];
  return Object.entries(diag ?? {})
    .filter(([key, value]) => !omitted.includes(key) && !(key === 'at' && typeof value === 'object'))
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value.trimEnd() : inspect(value)}`)
    .join('\n')
    .replace(/^(?=.)/gm, '    ');
}

/**
 * Counts the leaves of a TAP stream, at whatever depth: the line that closes a subtest counts only where it fails and
 * nothing in the subtest did (a crash, a time-out, a plan not kept).
 */
function countTap(parser, where, skips, onAssertion = () => {}) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const failAssertion = (assertion, why = '') => {
    count.failed++;
    fail(`${where} > ${assertion.fullname || assertion.name}${why}`);
    if (assertion.diag) console.log(describe(assertion.diag));
  };
  let subtest;
  parser.on('child', (child) => {
    subtest = countTap(child, where, skips);
  });
  parser.on('assert', (assertion) => {
    const inner = subtest ?? { passed: 0, failed: 0, skipped: 0 };
    subtest = undefined;
    const isLeaf = inner.passed + inner.failed + inner.skipped === 0;
    const reason = assertion.skip || assertion.todo;
    if (isLeaf && reason) {
      if (reason === true) failAssertion(assertion, ': skipped without a reason');
      else {
        count.skipped++;
        skips.set(reason, [...(skips.get(reason) ?? []), assertion.fullname || assertion.name]);
      }
    } else if (!assertion.ok) {
      if (inner.failed === 0) failAssertion(assertion);
    } else if (isLeaf) count.passed++;
    for (const key of Object.keys(count)) count[key] += inner[key];
    onAssertion(assertion, inner);
  });
  return count;
}

/** Runs a node script that prints TAP: a test file, or many tests. */
async function tapStep(name, args, { limitMs, onAssertion } = {}) {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
    // tap ends an overdue file itself, and tells what kept it alive, before it is killed from here.
    env: limitMs ? { ...process.env, TAP_TIMEOUT: String(limitMs / 1000 - 5) } : process.env,
  });
  const parser = new Parser();
  const skips = new Map();
  const count = countTap(parser, name, skips, onAssertion);
  const complete = once(parser, 'complete');
  child.stdout.pipe(parser);
  const [[code, signal], [results]] = await Promise.all([once(child, 'close'), complete]);
  const { skipAll, skipReason } = results.plan;
  if (skipAll && skipReason && skipReason !== 'no tests found') {
    count.skipped++;
    skips.set(skipReason, ['all of it']);
  }
  const bad = code !== 0 || !results.ok ? (signal ?? `exit code ${code}`) : undefined;
  if (count.failed === 0 && bad) fail(`${name}: ${bad}`);
  else if (count.passed + count.failed + count.skipped === 0) fail(`${name}: no tests in it`);
  total.passed += count.passed;
  total.skipped += count.skipped;
  console.log(`${bad ? 'not ok' : 'ok'} ${name} (${count.passed})`);
  for (const [reason, names] of skips) console.log(`skipped: ${reason}: ${names.join(', ')}`);
}

/**
 * Runs test files, a few at a time, each a plain node process: tap's own runner would add loaders, a thread and
 * NODE_OPTIONS to it and to all that it starts, which tests that count descriptors or system calls cannot have.
 */
async function runFiles(files, jobs) {
  const queue = files.values();
  const worker = async () => {
    for (const file of queue) {
      const compiled = `build/${file.replace(/\.ts$/, '.js')}`;
      await tapStep(file, ['--enable-source-maps', '--expose-gc', compiled], { limitMs: fileLimitMs });
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

const bin = (name) => `node_modules/.bin/${name}`;

if (!built) {
  await step('build', bin('tsc'), ['-b', '.', 'examples', 'test', 'bench']);
  await step('declarations', process.execPath, ['scripts/require_types.mjs']);
  await step('addon', process.execPath, ['scripts/install.mjs']);
  if (globSync('test/package/*.test.ts').some(wanted)) {
    await step('prebuilt addons', process.execPath, ['scripts/prebuilds.mjs', '--available']);
  }
}
if (filters.length === 0) {
  await step('lint', bin('eslint'), ['.']);
  await step('format', bin('prettier'), ['--check', '--log-level', 'warn', '.']);
  await step('API pages', bin('typedoc'), ['--emit', 'none', '--logLevel', 'Error']);
  await step('C++ format', process.execPath, ['scripts/clang_format.mjs', '--dry-run', '--Werror']);
}
if (!built && globSync('test/{contract,faults,hazards}/*.test.ts').some(wanted)) {
  await step('addon with faults', process.execPath, ['scripts/fault_addon.mjs']);
}
if (!built && globSync('test/asan/*.test.ts').some(wanted)) {
  await step('addon under ASan', process.execPath, ['scripts/asan_addon.mjs']);
}
if (globSync('test/native/**/*.test.cc').some(wanted)) {
  await tapStep('native tests', ['scripts/test_native.mjs', ...filters], {
    onAssertion: (run, { passed }) => console.log(`${run.ok ? 'ok' : 'not ok'} ${run.name} (${passed})`),
  });
}
// From the sources: build/ may still hold a test that is gone.
await runFiles(globSync('test/**/*.test.ts', { ignore: '**/node_modules/**' }).filter(wanted).sort(), 2);

if (total.passed + total.failed + total.skipped === 0) fail(`no tests at ${filters.join(', ') || 'all'}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
