// npm run test:fuzz -- [--seed N] [--calls N] [--seconds N] [--only NAME]: generated arguments for every function of
// fs, net and core, compared with node's outcomes. A line that says `seed N: NAME: …` is seen again with `--seed N
// --calls 1`, and the same `--only`.
import { parseArgs } from 'node:util';
import { fuzz } from './processes.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 30)) },
    calls: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: 'Infinity' },
    only: { type: 'string' },
  },
});
console.log(`from seed ${values.seed}`);
const begin = performance.now();
const { calls, failures, spared } = await fuzz({
  seed: Number(values.seed),
  calls: Number(values.calls),
  seconds: Number(values.seconds),
  only: values.only,
  onLine: (line) => console.log(line),
});
for (const line of spared) console.log(`node itself: ${line}`);
const seconds = ((performance.now() - begin) / 1000).toFixed(0);
console.log(`${calls} calls in ${seconds} s, ${failures.length} differences`);
process.exitCode = failures.length === 0 ? 0 : 1;
