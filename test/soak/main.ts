// npm run test:soak -- [--seconds N] [--operations N]: mixed work without faults, for so long and until so many operations
// were completed; descriptors, slots and memory are watched.
// npm run test:gc: with a collection between every few operations (--gc).
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stats } from 'ringcore/core';
import { random } from '../faults/plan.js';
import { workloads } from '../faults/workloads.js';
import { readOptions } from '../options.js';
import { wholeNumber } from '../whole_number.js';

const values = readOptions('usage: npm run test:soak -- [--seconds N] [--operations N] [--gc] [--help]', {
  seconds: { type: 'string', default: '60' },
  operations: { type: 'string', default: '0' },
  gc: { type: 'boolean', default: false },
});
const seconds = wholeNumber('seconds', values.seconds);
const operations = wholeNumber('operations', values.operations);
const end = performance.now() + seconds * 1000;
/** So many rounds warm up what is made once; as many at least are to lie between the two looks at what is left. */
const enoughRounds = 40;
const collect = globalThis.gc!;
const descriptors = (): number => readdirSync('/proc/self/fd').length;
const names = Object.keys(workloads);

if (values.gc) {
  // Every few callbacks of the event loop, whatever they are in the middle of.
  let turns = 0;
  const turn = (): void => {
    if (++turns % 3 === 0) collect();
    setImmediate(turn).unref();
  };
  setImmediate(turn).unref();
}

async function round(seed: number): Promise<void> {
  const draw = random(seed);
  const directory = mkdtempSync(join(tmpdir(), 'ringcore-soak-'));
  try {
    for (const name of [names[draw(names.length)]!, names[draw(names.length)]!]) {
      const own = mkdtempSync(join(directory, 'w'));
      await workloads[name]!(own, draw);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

interface Rest {
  open: number;
  inFlight: number;
  mebibytes: number;
}

async function rest(): Promise<Rest> {
  for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
  collect();
  const mebibytes = Math.round(process.memoryUsage().rss / 2 ** 20);
  return { open: descriptors(), inFlight: stats().inFlight, mebibytes };
}

let seed = 0;
let before: Rest | undefined;
let roundsBefore = 0;
while (performance.now() < end || stats().completions < operations) {
  await Promise.all([round(seed++), round(seed++), round(seed++), round(seed++)]);
  // A slow machine is given its time: one round more, to compare with the first ones.
  if (before === undefined && (seed >= enoughRounds || performance.now() > end)) {
    before = await rest();
    roundsBefore = seed;
  }
}
await round(seed++);
const after = await rest();
const rounds = before === undefined ? 0 : seed - roundsBefore;
before ??= after;
console.log(
  `${seed} rounds, ${stats().completions} operations; before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`,
);
if (rounds < enoughRounds) {
  console.log(
    `rounds between the two: ${rounds}, which says little: give it more --seconds, for ${enoughRounds} at least`,
  );
}
const grown = after.mebibytes - before.mebibytes;
if (after.open > before.open || after.inFlight > before.inFlight || grown > 96) {
  console.log('something is left behind');
  process.exitCode = 1;
}
