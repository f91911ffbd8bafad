// npm run conformance -- [MODE…]: node's own tests, by the conformance kit, and docs/conformance.md with their results.
//   plain     with ringcore in place of fs, fs/promises and net
//   import    under `node --import ringcore/register`, every family
//   require   under `node --require ringcore/register`
// Of modes that are not named, the results of their last run are taken (build/conformance/). `--kit DIR` or
// RINGCORE_CONFORMANCE says where the kit is, `--jobs N` how many tests run at a time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const results = join(root, 'build/conformance');
const ledger = join(root, 'docs/conformance.md');

const modes = {
  // Other families take their sockets from node's own net.
  plain: { title: 'in place of fs and net', flags: ['--family', 'fs,fs-cp,net,stream,misc'] },
  import: { title: '--import', flags: ['--register'] },
  require: { title: '--require', flags: ['--register', '--by', 'require'] },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kit: { type: 'string', default: process.env.RINGCORE_CONFORMANCE ?? join(root, '../shared/conformance') },
    jobs: { type: 'string', default: '2' },
  },
});
const unknown = positionals.find((mode) => !(mode in modes));
if (unknown !== undefined) throw new Error(`there is no mode ${unknown}: ${Object.keys(modes).join(', ')}`);

/** Runs the kit. What fails is tried once more, alone: a loaded machine is slow. */
async function run(mode) {
  const { flags } = modes[mode];
  const kit = [join(values.kit, 'run.mjs'), '--lib', root, '--list', join(values.kit, 'shared.txt')];
  const limits = ['--timeout', '120', '--retries', '1', '--jobs', values.jobs];
  const json = ['--json', join(results, `${mode}.json`)];
  const child = spawn(process.execPath, [...kit, ...limits, ...flags, ...json], {
    cwd: root,
    stdio: 'inherit',
  });
  await once(child, 'close');
}

mkdirSync(results, { recursive: true });
for (const mode of positionals.length > 0 ? positionals : Object.keys(modes)) await run(mode);

const runs = Object.keys(modes).flatMap((mode) => {
  const file = join(results, `${mode}.json`);
  return existsSync(file) ? [{ ...JSON.parse(readFileSync(file, 'utf8')), mode }] : [];
});
const families = [...new Set(runs.flatMap(({ per }) => Object.keys(per)))];
const tests = [...new Set(runs.flatMap((run) => run.results.map(({ id }) => id)))].sort();
const statusOf = runs.map((run) => new Map(run.results.map(({ id, status }) => [id, status])));
const row = (cells) => `| ${cells.join(' | ')} |`;
const head = (first) => [
  row([first, ...runs.map(({ mode }) => modes[mode].title)]),
  row(['---', ...runs.map(() => '---')]),
];
const count = ({ per }, family) => (per[family] ? `${per[family].pass} of ${per[family].total}` : '');
const sum = ({ per }) => {
  const of = (key) => Object.values(per).reduce((total, family) => total + family[key], 0);
  return `${of('pass')} of ${of('total')}`;
};
const cells = (id) => statusOf.map((statuses) => statuses.get(id) ?? '');
const failing = tests.filter((id) => cells(id).some((status) => status && status !== 'pass'));

const text = [
  "# Node's own tests",
  '',
  `Made by \`npm run conformance\` with node ${process.versions.node}: how tests of node's end on ringcore, in place of`,
  'the modules that a test asks for, and for the whole process (`ringcore/register`). All of them pass on node itself. Empty:',
  'not run that way, since it asks for none of the modules, or cannot work with `--import`.',
  '[Compatibility](compatibility.md) says why the ones that fail do.',
  '',
  ...head('family'),
  ...families.map((family) => row([family, ...runs.map((each) => count(each, family))])),
  row(['all', ...runs.map(sum)]),
  '',
  '## What does not pass',
  '',
  ...head('test'),
  ...failing.map((id) => row([id, ...cells(id)])),
  '',
  '## All',
  '',
  ...head('test'),
  ...tests.map((id) => row([id, ...cells(id)])),
  '',
].join('\n');
writeFileSync(ledger, text);
console.log(
  `written: docs/conformance.md, ${tests.length} tests, ${failing.length} of them failing somewhere`,
);
