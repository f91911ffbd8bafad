// The twins on plain node do what their examples do, on the same input.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { commandOf, root, runExample } from './run_example.js';

const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}: ${'x'.repeat(index % 90)}\n`).join(
  '',
);

t.test('every twin stands in the index, and knows nothing of ringcore', async (t) => {
  const index = readFileSync(join(root, 'docs/examples/index.md'), 'utf8');
  for (const file of readdirSync(join(root, 'examples/plain'))) {
    t.ok(index.includes(`examples/plain/${file}`), file);
    t.notMatch(readFileSync(join(root, 'examples/plain', file), 'utf8'), /from 'ringcore/);
  }
  for (const page of readdirSync(join(root, 'docs/examples'))) {
    if (page !== 'index.md') t.ok(index.includes(`(${page})`), page);
  }
});

t.test('cat, tee and logger give the same bytes as their twins', async (t) => {
  const directory = t.testdir({ 'in.txt': lines });
  const path = (name: string): string => join(directory, name);
  for (const plain of ['', 'plain/']) {
    const cat = await runExample([`${plain}cat`, path('in.txt'), path('in.txt')]);
    t.ok(cat.stdout.equals(Buffer.from(lines + lines)), `${plain}cat`);
    const missing = await runExample([`${plain}cat`, path('none'), path('in.txt')]);
    t.equal(missing.code, 1);
    t.match(missing.stderr, 'ENOENT');
    t.ok(missing.stdout.equals(Buffer.from(lines)), `${plain}cat goes on behind what is not there`);

    const [a, b] = [path(`a${plain.length}`), path(`b${plain.length}`)];
    const tee = await runExample([`${plain}tee`, a, b], { input: lines });
    t.equal(tee.code, 0, tee.stderr);
    for (const file of [a, b]) t.equal(readFileSync(file, 'utf8'), lines, `${plain}tee`);
    t.equal(tee.stdout.toString(), lines, `${plain}tee`);

    const log = path(`log${plain.length}`);
    writeFileSync(log, 'before\n');
    const logger = await runExample([`${plain}logger`, '--tag', 'app', log], { input: 'one\ntwo\nthree' });
    t.equal(logger.code, 0, logger.stderr);
    t.equal(readFileSync(log, 'utf8'), 'before\napp: one\napp: two\napp: three\n', `${plain}logger`);
  }
});

t.test('timer, timeout_race and concurrent_downloads come to the same end', async (t) => {
  for (const plain of ['', 'plain/']) {
    const timer = await runExample([`${plain}timer`, '--ms', '5', '--ticks', '3']);
    t.equal(timer.code, 0, timer.stderr);
    t.match(timer.stdout.toString(), /sleep\(5\) took[\s\S]*tick 3 after[\s\S]*sleep\(60000\) aborted after/);
    const race = await runExample([`${plain}timeout_race`, '--ms', '20']);
    t.equal(race.code, 0, race.stderr);
    t.match(race.stdout.toString(), /sleep won after/);
    const downloads = await runExample([`${plain}concurrent_downloads`, '--count', '20']);
    t.equal(downloads.code, 0, downloads.stderr);
    t.match(downloads.stdout.toString(), /verified 20 of 20 downloads by SHA-256/);
  }
});

/** Starts a server; its port, and a function that asks it to end and waits until it has. */
async function serverOf(t: Test, name: string): Promise<{ port: number; stop: () => Promise<unknown> }> {
  const [command = '', ...args] = commandOf([name, '--port', '0']);
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) {
    const port = Number(/^listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? 0);
    if (port > 0) return { port, stop: () => (child.kill('SIGINT'), ended) };
  }
  throw new Error(`${name} ended without listening`);
}

t.test('the plain servers answer, the plain client too, and ours fetches from theirs', async (t) => {
  const echo = await serverOf(t, 'plain/echo');
  const socket = connect(echo.port, '127.0.0.1');
  socket.end(lines);
  t.equal((await buffer(socket)).toString(), lines);
  t.same(await echo.stop(), [0, null]);

  const http = await serverOf(t, 'plain/http_server');
  for (const client of ['http_client', 'plain/http_client']) {
    const { code, stdout, stderr } = await runExample([client, `http://127.0.0.1:${http.port}/`]);
    t.equal(code, 0, stderr);
    t.equal(stdout.toString(), 'hello from node\n', client);
  }
  t.same(await http.stop(), [0, null]);
});
