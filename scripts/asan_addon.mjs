// Builds the addon under AddressSanitizer and UndefinedBehaviorSanitizer: test/asan/build/Release/ringcore.node.
import { spawnSync } from 'node:child_process';
import process from 'node:process';

// By npm, which knows where this machine has node's headers.
const build = spawnSync(
  'npm exec --no -- node-gyp configure build --directory=test/asan -j max --loglevel=error',
  { shell: true, stdio: ['ignore', 'inherit', 'inherit'] },
);
process.exitCode = build.status ?? 1;
