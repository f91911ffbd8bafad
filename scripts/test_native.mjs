// The plain C++ tests of native/abi, ring and op, without Node's headers, each built and run three times: as it is,
// under AddressSanitizer with UndefinedBehaviorSanitizer, and under ThreadSanitizer. Prints TAP, a subtest a run.
// Each binary prints TAP itself and ends with a non-zero exit code when a test failed.
//
// test/native/simulated is linked in another way: native/executor too, on a simulated kernel and event loop. --seed N and
// --runs N are for it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { globSync } from 'tinyglobby';

const compiler = process.env.CXX || 'g++';
const timeoutMs = 120_000;
const flags =
  '-std=c++20 -g -fno-exceptions -fno-rtti -Wall -Wextra -Werror -pthread -Itest/native/simulated -Inative -Itest/native'.split(
    ' ',
  );
const variants = [
  { name: 'plain', flags: ['-O2'], runs: 6000 },
  {
    name: 'asan+ubsan',
    flags: '-O1 -fsanitize=address,undefined -fno-sanitize-recover=all'.split(' '),
    runs: 2000,
  },
  // -Wno-tsan: that a fence is invisible to it is known; it checks the accesses.
  { name: 'tsan', flags: '-O1 -fsanitize=thread -Wno-tsan'.split(' '), runs: 800 },
];

function readCommandLine() {
  const usage = 'usage: npm run test:sim -- [--seed N] [--runs N]';
  try {
    const options = { variant: { type: 'string' }, seed: { type: 'string' }, runs: { type: 'string' } };
    const help = { type: 'boolean', short: 'h' };
    const told = parseArgs({ options: { ...options, help }, allowPositionals: true });
    if (!told.values.help) return told;
  } catch (error) {
    console.error(`${error.message}\n${usage}`);
    process.exit(2);
  }
  console.log(usage);
  process.exit();
}

const { values: chosen, positionals: filters } = readCommandLine();
if (chosen.variant !== undefined && !variants.some(({ name }) => name === chosen.variant)) {
  refuse('variant', variants.map(({ name }) => name).join(', '));
}
if (!/^\d+$/.test(chosen.seed ?? '1')) refuse('seed', 'a whole number');
if (!/^0*[1-9]\d*$/.test(chosen.runs ?? '1')) refuse('runs', 'a whole number from 1 on');
const wanted = (path) => filters.length === 0 || filters.some((filter) => path.startsWith(filter));
const tests = globSync('test/native/**/*.test.cc').filter(wanted).sort();
const library = globSync('native/{abi,ring,op}/*.cc').sort();
// Its kernel.cc stands in for what is left out here, and for a few functions of the C library.
const simulated = globSync(['native/{ring,op,executor}/*.cc', 'test/native/simulated/*.cc'], {
  ignore: ['native/op/mounts.cc', 'test/native/simulated/*.test.cc'],
}).sort();
const wraps = ['close', 'fstat', 'fcntl', 'epoll_ctl'].map((name) => `-Wl,--wrap=${name}`);
const outputs = 'build/native-tests';

/** Ends the program: an option that is not understood must not look like a success. */
function refuse(option, what) {
  console.error(`--${option} ${chosen[option]}: wanted is ${what}`);
  process.exit(2);
}

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', (error) => resolve({ ok: false, how: error.message, stdout, stderr }));
    child.on('close', (code, signal) => {
      resolve({ ok: code === 0, how: signal ?? `exit code ${code}`, stdout, stderr });
    });
  });
}

/** How to start a binary of this variant: [] as it is, a prefix, or undefined where the compiler or kernel lacks it. */
async function launcher(variant) {
  const probe = join(outputs, variant.name, 'probe');
  mkdirSync(dirname(probe), { recursive: true });
  writeFileSync(`${probe}.cc`, 'int main() { return 0; }\n');
  if (!(await run(compiler, [...flags, ...variant.flags, `${probe}.cc`, '-o', probe])).ok) return undefined;
  // ThreadSanitizer needs its addresses where a kernel with much randomisation may put something else.
  for (const prefix of [[], ['setarch', '-R']]) {
    const [command, ...args] = [...prefix, probe];
    if ((await run(command, args)).ok) return prefix;
  }
  return undefined;
}

function isFresh(output, inputs) {
  if (!existsSync(output)) return false;
  const madeMs = statSync(output).mtimeMs;
  return inputs.every((input) => existsSync(input) && statSync(input).mtimeMs <= madeMs);
}

/** The object file of a source; compiled again when it, a header that it includes, or this script is newer. */
async function compile(source, variant) {
  const object = join(outputs, variant.name, source.replaceAll('/', '_').replace(/\.cc$/, '.o'));
  const rules = object.replace(/\.o$/, '.d');
  const inputs = existsSync(rules)
    ? readFileSync(rules, 'utf8')
        .replace(/^.*?:|\\\n/g, ' ')
        .trim()
        .split(/\s+/)
    : [source];
  if (isFresh(object, [...inputs, import.meta.filename])) return { object, ok: true };
  const result = await run(compiler, [...flags, ...variant.flags, '-MMD', '-c', source, '-o', object]);
  return { object, ...result };
}

async function link(objects, variant, name, linkFlags) {
  const binary = join(outputs, variant.name, name);
  if (isFresh(binary, objects)) return { binary, ok: true };
  const args = [...flags, ...variant.flags, ...objects, ...linkFlags, '-o', binary];
  return { binary, ...(await run(compiler, args)) };
}

/** What a test is made of besides itself, and started with. */
function recipe(test, variant) {
  if (!test.startsWith('test/native/simulated/')) return { sources: library, linkFlags: [], args: [] };
  const args = ['--seed', chosen.seed ?? '1', '--runs', chosen.runs ?? `${variant.runs}`];
  return { sources: simulated, linkFlags: wraps, args };
}

/** Like Promise.all(items.map(work)), with as many at a time as there are processors. */
async function parallel(items, work) {
  const results = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

let count = 0;

function report(ok, name, { directive = '', body = '', detail = '' } = {}) {
  if (!ok) process.exitCode = 1;
  if (detail) process.stderr.write(detail.endsWith('\n') ? detail : `${detail}\n`);
  if (body) process.stdout.write(`# Subtest: ${name}\n${body.replace(/^(?=.)/gm, '    ')}\n`);
  console.log(`${ok ? 'ok' : 'not ok'} ${++count} - ${name}${directive}`);
}

async function runVariant(variant) {
  const prefix = await launcher(variant);
  if (prefix === undefined) {
    report(true, variant.name, { directive: ` # SKIP ${compiler} or this kernel cannot run it` });
    return;
  }
  const recipes = tests.map((test) => recipe(test, variant));
  const sources = [...new Set([...recipes.flatMap((one) => one.sources), ...tests])];
  const compiled = await parallel(sources, (source) => compile(source, variant));
  const broken = compiled.filter((result) => !result.ok);
  if (broken.length > 0) {
    report(false, `${variant.name}: compile`, {
      detail: broken.map((result) => result.stderr || result.how).join('\n'),
    });
    return;
  }
  const objectOf = (source) => compiled[sources.indexOf(source)].object;
  for (const [index, test] of tests.entries()) {
    const name = `${variant.name}: ${test}`;
    const { sources: others, linkFlags, args: testArgs } = recipes[index];
    const objects = [...others, test].map(objectOf);
    const { binary, ...linked } = await link(objects, variant, basename(test, '.test.cc'), linkFlags);
    if (!linked.ok) {
      report(false, `${name}: link`, { detail: linked.stderr || linked.how });
      continue;
    }
    const [command, ...args] = [...prefix, binary, ...testArgs];
    const result = await run(command, args);
    report(result.ok, result.ok ? name : `${name}: ${result.how}`, {
      body: result.stdout,
      detail: result.stderr,
    });
  }
}

console.log('TAP version 14');
if (process.platform !== 'linux') {
  report(true, 'native tests', { directive: ' # SKIP io_uring is Linux only' });
} else if (spawnSync(compiler, ['--version']).error) {
  report(false, `native tests: there is no ${compiler}`);
} else {
  const wantedVariants = variants.filter(
    ({ name }) => chosen.variant === undefined || name === chosen.variant,
  );
  for (const variant of wantedVariants) await runVariant(variant);
}
console.log(`1..${count}`);
