import t from 'tap';
import { noRing, runExample } from './run_example.js';

for (const [rounds, bytes] of [
  [1, 1],
  [500, 64],
  // More than the sockets hold: every transfer is made of many.
  [5, 2_000_001],
] as const) {
  t.test(`ping_pong, ${rounds} rounds of ${bytes} bytes`, { skip: noRing }, async (t) => {
    const args = ['ping_pong', '--rounds', String(rounds), '--bytes', String(bytes)];
    const { code, stdout, stderr } = await runExample(args);
    t.equal(stderr, '');
    t.equal(code, 0);
    for (const name of ['awaited', 'linked ']) {
      t.match(
        stdout.toString(),
        new RegExp(`^${name}: ${rounds} rounds of ${bytes} bytes, [\\d.]+ us each`, 'm'),
      );
    }
  });
}

t.test('ping_pong: linked it takes half as many calls', { skip: noRing }, async (t) => {
  const { stdout } = await runExample(['ping_pong', '--rounds', '500']);
  const counts = [
    ...stdout.toString().matchAll(/([\d.]+) operations, ([\d.]+) io_uring_enters, ([\d.]+) calls/g),
  ];
  const [awaited, linked] = counts.map(([, ...numbers]) => numbers.map(Number));
  // Four and a little for the socket pair.
  t.ok(awaited![0]! >= 4 && awaited![0]! < 4.1, String(awaited));
  t.ok(linked![0]! >= 4 && linked![0]! < 4.1, String(linked));
  t.ok(linked![1]! < 0.75 * awaited![1]!, `${linked![1]} enters, ${awaited![1]} if awaited`);
  t.ok(linked![2]! < 0.75 * awaited![2]!, `${linked![2]} calls, ${awaited![2]} if awaited`);
});

t.test('ping_pong refuses what is no count', async (t) => {
  for (const args of [
    ['--rounds', '0'],
    ['--bytes', 'many'],
  ]) {
    const { code, stderr } = await runExample(['ping_pong', ...args]);
    t.equal(code, 1);
    t.match(stderr, /usage/);
  }
});

t.test('ping_pong without io_uring says what is missing', async (t) => {
  const { code, stderr } = await runExample(['ping_pong'], { backend: 'node' });
  t.equal(code, 1);
  t.match(stderr, /^ping_pong: io_uring is not available/);
});
