// npm run prebuilds: the addons that a published tarball holds, in node-gyp-build's naming:
// prebuilds/linux-{x64,arm64}/node.napi.{glibc,musl}.node. `npm run prebuilds -- x64` makes those of one architecture;
// with --available, those that there is a compiler for.
//
// The objects are those of binding.gyp, compiled once an architecture by Debian's (cross) compiler; they are linked once
// a C library. Neither binary needs a C++ runtime (prebuilds/runtime.cc), and each is checked for what it does need.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { globSync } from 'tinyglobby';

/** The oldest glibc to run with: node 20's own. */
const glibc = [2, 28];
const architectures = {
  x64: { prefix: 'x86_64-linux-gnu-', package: 'g++-x86-64-linux-gnu', flags: [] },
  // Without outlined atomics: libgcc's choose their instructions by a function that only glibc has.
  arm64: { prefix: 'aarch64-linux-gnu-', package: 'g++-aarch64-linux-gnu', flags: ['-mno-outline-atomics'] },
};
/** Off_t has 64 bits anyhow; with the macro the calls would be glibc's open64, fcntl64, …, which musl lacks. */
const commonFlags = ['-U_FILE_OFFSET_BITS', '-ffunction-sections', '-fdata-sections'];

/** The compiler's prefix: '' where the machine's own compiler is the one; undefined where there is none. */
function toolchain(arch) {
  const { prefix } = architectures[arch];
  for (const candidate of arch === process.arch ? [prefix, ''] : [prefix]) {
    if (spawnSync(`${candidate}g++`, ['--version']).status === 0) return candidate;
  }
  return undefined;
}

/** A directory with the addon's sources, in which node-gyp can build beside the one of the checkout. */
function buildDirectory(arch) {
  const directory = join('build/prebuilds', arch);
  mkdirSync(directory, { recursive: true });
  for (const name of ['native', 'binding.gyp', 'package.json', 'node_modules']) {
    if (!existsSync(join(directory, name))) symlinkSync(resolve(name), join(directory, name));
  }
  return directory;
}

/** Compiles; the object files. */
function compile(arch, prefix) {
  const directory = buildDirectory(arch);
  const flags = [...commonFlags, ...architectures[arch].flags];
  const env = {
    ...process.env,
    CC: `${prefix}gcc`,
    CXX: `${prefix}g++`,
    LINK: `${prefix}g++`,
    CXXFLAGS: flags.join(' '),
  };
  const nodeGyp = resolve('node_modules/node-gyp/bin/node-gyp.js');
  const args = ['configure', 'build', '-j', 'max', '--loglevel=error', `--arch=${arch}`, '-C', directory];
  execFileSync(process.execPath, [nodeGyp, ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const runtime = join(directory, 'runtime.o');
  const runtimeFlags = ['-std=c++20', '-O2', '-fPIC', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden'];
  execFileSync(
    `${prefix}g++`,
    [...runtimeFlags, ...flags, '-c', 'scripts/prebuilds/runtime.cc', '-o', runtime],
    { stdio: 'inherit' },
  );
  return [...globSync(`${directory}/build/Release/obj.target/ringcore/**/*.o`).sort(), runtime];
}

/**
 * Linked by the C driver: no libstdc++. For musl without any library: what is undefined is found in the process, as
 * node's own functions are, whatever its C library is called.
 */
function link(prefix, libc, objects, output) {
  const libraries = libc === 'musl' ? ['-nostdlib', '-lgcc'] : ['-static-libgcc'];
  const options = ['-Wl,-soname=ringcore.node', '-Wl,--version-script=scripts/prebuilds/exports.map'];
  options.push('-Wl,--gc-sections', '-Wl,-z,relro,-z,now', '-Wl,--as-needed', '-Wl,--build-id=none', '-s');
  execFileSync(`${prefix}gcc`, ['-shared', '-o', output, ...objects, ...options, ...libraries], {
    stdio: 'inherit',
  });
}

/** The names in musl's libc.so; undefined where it isn't installed. */
function muslSymbols() {
  const [library] = globSync(
    ['/lib/ld-musl-*.so.1', '/lib/*-linux-musl/libc.so', '/usr/lib/*-linux-musl/libc.so'],
    {
      absolute: true,
    },
  );
  if (library === undefined) return undefined;
  const names = execFileSync('nm', ['-D', '--defined-only', '--format=posix', library], { encoding: 'utf8' });
  return new Set(names.split('\n').map((line) => line.split(' ', 1)[0]));
}

/** What a binary needs that not every system of its kind has; nothing: []. */
function faults(prefix, libc, binary) {
  const dynamic = execFileSync(`${prefix}objdump`, ['-p', binary], { encoding: 'utf8' });
  const libraries = [...dynamic.matchAll(/NEEDED\s+(\S+)/g)].map(([, name]) => name);
  const allowed = libc === 'musl' ? /^$/ : /^(libc\.so\.6|ld-linux-[\w-]+\.so\.\d)$/;
  const found = libraries.filter((name) => !allowed.test(name)).map((name) => `needs ${name}`);
  for (const [version, major, minor] of dynamic.matchAll(/GLIBC_(\d+)\.(\d+)/g)) {
    const tooNew = Number(major) > glibc[0] || (Number(major) === glibc[0] && Number(minor) > glibc[1]);
    if (tooNew || libc === 'musl') found.push(`needs ${version}`);
  }
  const names = execFileSync(`${prefix}nm`, ['-D', '--format=posix', binary], { encoding: 'utf8' });
  const musl = libc === 'musl' ? muslSymbols() : undefined;
  for (const [, name, kind] of names.matchAll(/^([^@\s]+)\S* ([A-Za-z])\b/gm)) {
    const ours = /^(napi_register_module_v1|node_api_module_get_api_version_v1)$/.test(name);
    if (kind !== 'U' && kind.toLowerCase() !== 'w' && !ours) found.push(`exports ${name}`);
    if (kind !== 'U' || /^(napi|node_api|uv)_/.test(name)) continue;
    if (/^_Z/.test(name)) found.push(`needs ${name} of a C++ runtime`);
    // musl 1.2.3 has open64 and its like, later ones not.
    else if (libc === 'musl' && /64$/.test(name)) found.push(`needs ${name}, which musl has not`);
    else if (musl !== undefined && !musl.has(name)) found.push(`needs ${name}, which musl has not`);
  }
  return found;
}

function prebuild(arch, prefix) {
  const objects = compile(arch, prefix);
  const directory = `prebuilds/linux-${arch}`;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const libc of ['glibc', 'musl']) {
    const output = join(directory, `node.napi.${libc}.node`);
    link(prefix, libc, objects, output);
    const found = faults(prefix, libc, output);
    if (found.length > 0) throw new Error(`${output} ${found.join(', ')}`);
    console.log(`${output}  ${Math.round(statSync(output).size / 1024)} KiB`);
  }
}

const { values, positionals } = parseArgs({
  options: { available: { type: 'boolean' } },
  allowPositionals: true,
});
for (const arch of positionals.length > 0 ? positionals : Object.keys(architectures)) {
  if (!(arch in architectures))
    throw new Error(`${arch} is none of ${Object.keys(architectures).join(', ')}`);
  const prefix = toolchain(arch);
  if (prefix !== undefined) prebuild(arch, prefix);
  else {
    const message = `no compiler for ${arch} (Debian: ${architectures[arch].package})`;
    if (!values.available) throw new Error(message);
    console.log(message);
    // What an earlier run left there is not of these sources.
    rmSync(`prebuilds/linux-${arch}`, { recursive: true, force: true });
  }
}
