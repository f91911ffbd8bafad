// Every example is listed by `npm run example`, and has its page.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import t from 'tap';
import { root } from './run_example.js';

const expected = [
  'cat',
  'concurrent_downloads',
  'demo',
  'direct_read',
  'echo',
  'file_server',
  'http_client',
  'http_server',
  'http_stress_client',
  'linked_cat',
  'logger',
  'multishot_accept',
  'ping_pong',
  'raw_ring',
  'sqpoll',
  'tee',
  'timeout_race',
  'timer',
];

const list = spawnSync(process.execPath, ['scripts/example.mjs'], { cwd: root, encoding: 'utf8' });
const listed = [...list.stdout.matchAll(/^ {2}(\w+) +(.*)$/gm)];

t.test('without a name the examples are listed, each with a line about it', async (t) => {
  t.equal(list.status, 0);
  t.same(
    listed.map(([, name]) => name),
    expected,
  );
  for (const [, , summary] of listed) t.match(summary, /\w.{30,}\.$/);
});

t.test('a name that is none is refused', async (t) => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/example.mjs', 'nothing'], {
    cwd: root,
    encoding: 'utf8',
  });
  t.equal(status, 2);
  t.match(stderr, /There is no example called nothing/);
});

t.test('every example has a page, every page an example', async (t) => {
  const pages = readdirSync(join(root, 'docs/examples')).filter((page) => page !== 'index.md');
  t.same(pages.sort(), expected.map((name) => `${name}.md`).sort());
  for (const name of expected) {
    const page = readFileSync(join(root, 'docs/examples', `${name}.md`), 'utf8');
    t.match(page, new RegExp(`^# ${name}\n`), name);
    t.match(page, new RegExp(`npm run (example -- ${name}|demo)\\b`), `${name}: how to run it`);
    t.match(page, /## What happens in the kernel/, name);
    // Links to files of the project lead somewhere.
    for (const [, target = ''] of page.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      t.ok(existsSync(join(root, 'docs/examples', target)), `${name}.md links to ${target}`);
    }
  }
});
