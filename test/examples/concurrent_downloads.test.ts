import t from 'tap';
import { noRing, runExample } from './run_example.js';

const steps = ['socket', 'connect', 'send', 'recv', 'close'];

for (const count of [1, 100, 200]) {
  t.test(`${count} downloads`, { skip: noRing }, async (t) => {
    const { code, stdout, stderr } = await runExample(['concurrent_downloads', '--count', String(count)]);
    const output = stdout.toString();
    t.equal(stderr, '');
    t.equal(code, 0);
    for (const step of steps) {
      t.match(output, new RegExp(`^${step} +${count} operations submitted by 1 io_uring_enter$`, 'm'));
    }
    t.match(output, `verified ${count} of ${count} downloads by SHA-256`);
    t.match(output, new RegExp(`^in all +${5 * count} operations, \\d+ io_uring_enters`, 'm'));
  });
}

t.test('it refuses a count that is none', async (t) => {
  const { code, stderr } = await runExample(['concurrent_downloads', '--count', 'many']);
  t.equal(code, 1);
  t.match(stderr, /usage/);
});

t.test('without io_uring it says what is missing', async (t) => {
  const { code, stderr } = await runExample(['concurrent_downloads'], { backend: 'node' });
  t.equal(code, 1);
  t.match(stderr, /io_uring is not available/);
});
