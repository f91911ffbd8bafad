// ringcore trace: one file of what all threads and processes of a program did.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { backend } from 'ringcore';
import { environment, ringcore, type Outcome } from './command.js';

const skip = backend.name === 'io_uring' ? false : `io_uring cannot be used here: ${backend.reason}`;

interface Event {
  ph: string;
  name: string;
  pid: number;
  tid: number;
  args: Record<string, unknown>;
}

const scripts = t.testdir({
  'read.cjs': `
    const fs = require('node:fs');
    fs.readFile(__filename, () => { process.exitCode = 4; });`,
  'many.cjs': `
    const { readFile } = require('node:fs');
    const { fork } = require('node:child_process');
    const { Worker, isMainThread } = require('node:worker_threads');
    if (isMainThread && process.send === undefined) { new Worker(__filename); fork(__filename); }
    readFile(__filename, () => {});`,
  'killed.cjs': `
    const { readFile } = require('node:fs');
    readFile(__filename, () => setTimeout(() => process.kill(process.pid, 'SIGKILL'), 400));`,
  'nothing.cjs': '',
});

async function trace(
  t: Test,
  script: string,
  env?: NodeJS.ProcessEnv,
): Promise<Outcome & { events: Event[] }> {
  const directory = t.testdir();
  const file = join(directory, 'out.json');
  writeFileSync(`${file}.7.1`, 'what an earlier run has left');
  const outcome = await ringcore(['trace', '--output', file, join(scripts, script)], {
    env: environment(env),
  });
  t.same(
    readdirSync(directory).filter((name) => name !== 'out.json'),
    [],
    'no other file',
  );
  const events = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Event[]) : [];
  return { ...outcome, events };
}

const reads = (events: Event[]): Event[] =>
  events.filter(({ ph, name }) => ph === 'b' && name === 'readFile');

t.test('the program ends as it would, and the trace tells what it read', { skip }, async (t) => {
  const { code, stderr, events } = await trace(t, 'read.cjs');
  t.equal(code, 4);
  t.match(stderr, `${events.length} events in `);
  t.match(reads(events), [{ args: { path: /read\.cjs$/ } }]);
});

t.test('its workers and children stand in the same file', { skip }, async (t) => {
  const { code, events } = await trace(t, 'many.cjs');
  t.equal(code, 0);
  const found = reads(events);
  t.equal(found.length, 3);
  t.equal(new Set(found.map(({ pid }) => pid)).size, 2);
  t.equal(new Set(found.map(({ pid, tid }) => `${pid}.${tid}`)).size, 3);
});

t.test('of a program that is killed too', { skip }, async (t) => {
  const { signal, events } = await trace(t, 'killed.cjs');
  t.equal(signal, 'SIGKILL');
  t.equal(reads(events).length, 1);
});

t.test('without a ring there is no file', async (t) => {
  const { code, stderr, events } = await trace(t, 'read.cjs', { RINGCORE_BACKEND: 'node' });
  t.equal(code, 4);
  t.match(stderr, 'opened no ring');
  t.same(events, []);
});

t.test('wrong arguments', async (t) => {
  for (const args of [[], ['--output'], ['--output', '', 'app.js']]) {
    const { code, stderr } = await ringcore(['trace', ...args]);
    t.equal(code, 2, args.join(' '));
    t.match(stderr, 'ringcore trace [--output FILE]');
  }
  t.match((await ringcore(['trace', '--help'])).stdout, 'ringcore trace');
});
