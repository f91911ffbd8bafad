// npm run test:faults -- [--seed N] [--runs N] [--verbose]: seeded faults on a real ring, until one run is wrong.
import { readOptions } from '../options.js';
import { wholeNumber } from '../whole_number.js';
import { runSeeds } from './runner.js';

const runsPerProcess = 100;

const values = readOptions('usage: npm run test:faults -- [--seed N] [--runs N] [--verbose] [--help]', {
  seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  runs: { type: 'string', default: '500' },
  verbose: { type: 'boolean', default: false },
});
const first = wholeNumber('seed', values.seed);
const runs = wholeNumber('runs', values.runs, 1);
const total: Record<string, number> = {};
for (let done = 0; done < runs && process.exitCode === undefined; done += runsPerProcess) {
  const count = Math.min(runsPerProcess, runs - done);
  const { failure, counts } = await runSeeds(first + done, count, values.verbose ? console.log : undefined);
  if (failure !== undefined) {
    console.log(`seed ${failure.seed}: ${failure.output}`);
    console.log(
      `once more (it may take several tries): npm run test:faults -- --seed ${failure.seed} --runs 1`,
    );
    process.exitCode = 1;
  }
  for (const [name, value] of Object.entries(counts ?? {})) total[name] = (total[name] ?? 0) + value;
}
if (process.exitCode === undefined)
  console.log(`${runs} runs from seed ${first} were right: ${JSON.stringify(total)}`);
