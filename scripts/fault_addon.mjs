// Builds the addon with the fault layer: test/faults/build/Release/ringcore.node.
import { spawnSync } from 'node:child_process';
import process from 'node:process';

// By npm, which knows where this machine has node's headers.
const build = spawnSync(
  'npm exec --no -- node-gyp configure build --directory=test/faults -j max --loglevel=error',
  {
    shell: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, MAKEFLAGS: '-s' },
  },
);
process.exitCode = build.status ?? 1;
