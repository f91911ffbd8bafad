import { join } from 'node:path';
import t from 'tap';
import { noRing, runExample } from './run_example.js';

t.test('sqpoll', { skip: noRing }, async (t) => {
  const { code, stdout, stderr } = await runExample(['sqpoll', '--reads', '5000', '--idle', '500']);
  const output = stdout.toString();
  t.equal(stderr, '');
  t.equal(code, 0);
  const numbers = (pattern: RegExp): number[] => (pattern.exec(output) ?? []).slice(1).map(Number);
  const [entersOfDefault = NaN] = numbers(/^default: 5000 reads in .* (\d+) io_uring_enters$/m);
  const [entersOfPolled = NaN] = numbers(/^SQPOLL : 5000 reads in .* (\d+) io_uring_enters$/m);
  // 32 reads with one. If the polling thread has fallen asleep, one wakes it.
  t.ok(entersOfDefault >= 5000 / 32, output);
  t.ok(entersOfPolled < entersOfDefault / 4, output);
  const [idleDefault = NaN] = numbers(/^default: ([\d.]+) ms of CPU time in the 500 ms after that$/m);
  const [idlePolled = NaN] = numbers(/^SQPOLL : ([\d.]+) ms of CPU time in the 500 ms after that$/m);
  t.ok(idlePolled > idleDefault, output);
});

t.test('sqpoll says why a file cannot be read', { skip: noRing }, async (t) => {
  const directory = t.testdir({ empty: '' });
  for (const [name, why] of [
    ['nothing', /ENOENT/],
    ['empty', /the file is empty/],
  ] as const) {
    const { code, stderr } = await runExample(['sqpoll', join(directory, name)]);
    t.equal(code, 1);
    t.match(stderr, why);
  }
});

t.test('sqpoll without io_uring says what is missing', async (t) => {
  const { code, stderr } = await runExample(['sqpoll'], { backend: 'node' });
  t.equal(code, 1);
  t.match(stderr, /^sqpoll: io_uring is not available/);
});
