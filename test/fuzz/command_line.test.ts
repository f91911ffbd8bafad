// What the fuzz is told is refused before a process is started, where it makes no sense.
// Shown to fail: `named` giving what it finds, nothing or not; `numberOf` giving Number(text).
import t from 'tap';
import { readCommandLine } from './command_line.js';

t.test('numbers, and a part of what can be called', async (t) => {
  const options = readCommandLine(['--seed', '7', '--calls', '1', '--seconds', '0.5', '--only', '^fs.link$']);
  t.strictSame(options, { seed: 7, calls: 1, seconds: 0.5, only: '^fs.link$' });
});

t.test('by default 100,000 calls from a seed of its own, however long they take', async (t) => {
  const { seed, ...rest } = readCommandLine([])!;
  t.ok(Number.isSafeInteger(seed));
  t.strictSame(rest, { calls: 100_000, seconds: Infinity, only: undefined });
});

t.test('help', async (t) => t.equal(readCommandLine(['--help']), undefined));

for (const [args, message] of [
  [['--calls', 'abc'], '--calls: abc is no number from 0'],
  [['--calls='], '--calls:  is no number from 0'],
  [['--calls', '1.5'], '--calls: 1.5 is no integer'],
  [['--calls', 'Infinity'], '--calls: Infinity is no integer'],
  [['--seed=-1'], '--seed: -1 is no number from 0'],
  [['--seconds', 'x'], '--seconds: x is no number from 0'],
  [['--only', '^nosuch$'], 'nothing is called ^nosuch$'],
  [['--only', '('], /Invalid regular expression/],
  [['--nosuch'], /Unknown option '--nosuch'/],
  [['7'], /Unexpected argument '7'/],
] as const) {
  t.test(`${args.join(' ')} is refused`, async (t) => {
    t.throws(() => readCommandLine([...args]), { message });
  });
}
