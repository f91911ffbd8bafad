// npm run test:fuzz -- [--seed N] [--calls N]: generated arguments for fs, net and core, compared with node's outcomes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 30)) },
    calls: { type: 'string', default: '100000' },
  },
});
console.log(`from seed ${values.seed}`);
const child = spawn(
  process.execPath,
  [
    '--enable-source-maps',
    '--no-deprecation',
    join(import.meta.dirname, 'run.js'),
    values.seed,
    values.calls,
  ],
  {
    stdio: ['ignore', 'inherit', 'inherit'],
  },
);
const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
if (signal !== null) console.log(`ended by ${signal}`);
process.exitCode = code ?? 1;
