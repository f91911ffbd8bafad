// Builds the programs of bench/native into build/bench-native: nothing but a C++20 compiler and libc is needed.
// `node bench/build.mjs`; main.ts and the tests call it too, and it does nothing where all is up to date.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'bench/native');
const abi = join(root, 'native/abi');
export const outputDirectory = join(root, 'build/bench-native');

/** Each program's sources beside its own, which bears its name. */
const programs = {
  echo_load: [join(sources, 'load.cc')],
  stream_load: [],
  echo_epoll: [],
  echo_uring: [join(abi, 'syscalls.cc')],
  read_files: [join(abi, 'syscalls.cc')],
  drop_cache: [],
};

const flags = ['-std=c++20', '-O2', '-g', '-Wall', '-Wextra', '-Werror', `-I${join(root, 'native')}`];

/** Two directories of a few files: a change of any of them builds everything again. */
function newestSourceMs() {
  const files = [sources, abi].flatMap((directory) =>
    readdirSync(directory).map((name) => join(directory, name)),
  );
  return Math.max(...[...files, import.meta.filename].map((file) => statSync(file).mtimeMs));
}

/** Paths of the programs by name. Throws an error that says why when they can't be built. */
export function buildNative() {
  mkdirSync(outputDirectory, { recursive: true });
  const newest = newestSourceMs();
  const compiler = process.env.CXX || 'g++';
  return Object.fromEntries(
    Object.entries(programs).map(([name, others]) => {
      const output = join(outputDirectory, name);
      const madeMs = statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      if (madeMs < newest) {
        const inputs = [join(sources, `${name}.cc`), ...others];
        // Moved into place when complete: another bench may be running the old one.
        const made = `${output}.${process.pid}`;
        const result = spawnSync(compiler, [...flags, ...inputs, '-o', made], { encoding: 'utf8' });
        if (result.error) throw new Error(`${compiler}: ${result.error.message}`);
        if (result.status !== 0) throw new Error(`${compiler} failed on ${name}\n${result.stderr}`);
        renameSync(made, output);
      }
      return [name, output];
    }),
  );
}

if (process.argv[1] === import.meta.filename) buildNative();
