// npm run test:fuzz -- [--seed N] [--calls N] [--seconds N] [--only NAME]: generated arguments for every function of
// fs, net and core, compared with node's outcomes. A line that says `seed N: NAME: …` is seen again with `--seed N
// --calls 1`, and the same `--only`.
import { readCommandLine, usage } from './command_line.js';
import { fuzz, type Options } from './processes.js';

async function run(options: Options): Promise<void> {
  console.log(`from seed ${options.seed}`);
  const begin = performance.now();
  const { calls, failures, spared } = await fuzz({ ...options, onLine: (line) => console.log(line) });
  for (const line of spared) console.log(`node itself: ${line}`);
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  console.log(`${calls} calls in ${seconds} s, ${failures.length} differences`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

let options: Options | undefined;
try {
  options = readCommandLine(process.argv.slice(2));
  if (options === undefined) console.log(usage);
} catch (error) {
  console.error(`${(error as Error).message}\n${usage}`);
  process.exitCode = 2;
}
if (options !== undefined) await run(options);
