// timer and timeout_race.
import t from 'tap';
import { noRing, runExample } from './run_example.js';

/** The milliseconds in the first line that begins so. */
function msOf(output: string, begin: string): number {
  const line = output.split('\n').find((candidate) => candidate.startsWith(begin)) ?? '';
  return Number(/([\d.]+) ms/.exec(line)?.[1]);
}

for (const backend of ['io_uring', 'node']) {
  t.test(`timer on ${backend}`, { skip: backend === 'io_uring' && noRing }, async (t) => {
    const begin = performance.now();
    const { code, stdout, stderr } = await runExample(['timer', '--ms', '40', '--ticks', '4'], { backend });
    const output = stdout.toString();
    t.equal(code, 0);
    t.equal(stderr, '');
    t.match(output, new RegExp(`^timers of ${backend}`));
    // A timer may be late, never early. (Node's own rounds to milliseconds.)
    t.ok(msOf(output, 'sleep(40)') >= 39, output);
    for (const tick of [1, 2, 3, 4]) t.ok(msOf(output, `tick ${tick} `) >= tick * 40 - tick - 1, output);
    t.match(output, /sleep\(60000\) aborted after [\d.]+ ms: no time/);
    t.match(output, /interval\(40\) aborted after [\d.]+ ms: enough/);
    t.ok(performance.now() - begin < 20_000, 'nothing keeps the process for the minute that was not slept');
  });
}

t.test('timer refuses what is no time', async (t) => {
  const { code, stderr } = await runExample(['timer', '--ms', 'soon']);
  t.equal(code, 1);
  t.match(stderr, /usage/);
});

t.test('timeout_race', { skip: noRing }, async (t) => {
  const begin = performance.now();
  const { code, stdout, stderr } = await runExample(['timeout_race', '--ms', '50']);
  const output = stdout.toString();
  t.equal(code, 0);
  t.equal(stderr, '');
  const [first, second, third] = output.split(/^(?=\d\. )/m);
  t.match(first, /^1\. sleep won/);
  t.ok(msOf(output, '1. ') >= 49, output);
  t.match(first, /ended in the kernel with ECANCELED/);
  t.match(first, /1 cancelOperation/, 'ASYNC_CANCEL for the read');
  t.match(second, /^2\. the read of \d+ bytes won/);
  t.match(second, /1 cancelOperation/, 'ASYNC_CANCEL for the sleep');
  t.match(third, /^3\. TimeoutError .* ETIMEDOUT/);
  t.match(third, /ended in the kernel with ECANCELED/);
  t.match(third, /1 linkTimeout/);
  t.match(output, /in flight now: 0\n$/);
  t.ok(performance.now() - begin < 20_000, 'the minute of the second race was not waited for');
});

t.test('timeout_race without io_uring says what is missing', async (t) => {
  const { code, stderr } = await runExample(['timeout_race'], { backend: 'node' });
  t.equal(code, 1);
  t.match(stderr, /io_uring is not available/);
});
