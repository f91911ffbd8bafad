// npm's `install` step: the native addon, from a prebuilt binary or by compiling it.
// A user's install never fails here: without the addon ringcore passes through to node's own modules.
// In a checkout (tsconfig.json is not published) a failing build is an error.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';

const checkout = existsSync('tsconfig.json');

function passThrough(reason) {
  console.log(`ringcore: no native addon (${reason}): it will pass through to node's own fs and net`);
}

/** Incremental in a checkout: the sources may be newer than the addon that node-gyp-build would be content with. */
const command = checkout ? 'node-gyp configure build -j max --loglevel=error' : 'node-gyp-build';

if (process.platform !== 'linux') {
  passThrough(`io_uring is Linux's, this is ${process.platform}`);
} else {
  // A shell, to find the command on the PATH that npm sets up for its scripts.
  const build = spawnSync(command, {
    shell: true,
    encoding: 'utf8',
    stdio: ['ignore', checkout ? 'inherit' : 'pipe', checkout ? 'inherit' : 'pipe'],
  });
  if (build.status !== 0 && checkout) {
    console.error('ringcore: the native build failed; it needs g++ with C++20, make and python3');
    process.exitCode = 1;
  } else if (build.status !== 0) {
    const output = `${build.stdout}\n${build.stderr}`;
    const missing = /(\S+): (?:command )?not found/.exec(output)?.[1];
    const cause = /(?:fatal error|\b\w*Error): (.*)/.exec(output)?.[1];
    passThrough(missing ? `${missing} is missing` : (cause ?? `${command} failed`));
  }
}
