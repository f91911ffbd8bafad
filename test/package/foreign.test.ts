// The prebuilt addons that this machine cannot simply load: of another processor, under an emulator; of another C
// library, in a program of its own.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { globSync } from 'tinyglobby';
import { otherNode, root, run } from './tarball.js';

const directory = mkdtempSync(join(tmpdir(), 'ringcore-foreign-'));
t.teardown(() => rmSync(directory, { recursive: true }));

const missing = (tool: string): string | false =>
  spawnSync(tool, ['--version']).error === undefined ? false : `${tool} is not installed`;
const noAddon = (arch: string, libc: string): string | false =>
  globSync(`prebuilds/linux-${arch}/*.${libc}.node`, { cwd: root }).length > 0
    ? false
    : `there is no prebuilt addon for ${arch}`;

t.test(
  'x64 with musl: each name that the addon needs is there',
  {
    skip: process.arch === 'x64' ? missing('musl-gcc') || noAddon('x64', 'musl') : 'this is not x64',
  },
  async (t) => {
    const addon = join(root, 'prebuilds/linux-x64/node.napi.musl.node');
    const { stdout } = await run('nm', ['-D', '--undefined-only', addon]);
    // node's own functions, which a process without node has to make up.
    const names = [...stdout.matchAll(/ U ((?:napi|node_api|uv)_\w+)/g)].map(([, name]) => name);
    t.ok(names.length > 20);
    const source = (loaded: string[]): string => `
    #include <dlfcn.h>
    #include <stdio.h>
    ${loaded.map((name) => `void ${name}(void) {}`).join('\n')}
    int main(int count, char** arguments) {
      void* addon = dlopen(arguments[1], RTLD_NOW);
      puts(addon ? "loaded" : dlerror());
      return addon ? 0 : 1;
    }`;
    const build = async (name: string, text: string): Promise<string> => {
      const program = join(directory, name);
      writeFileSync(`${program}.c`, text);
      await run('musl-gcc', ['-rdynamic', `${program}.c`, '-o', program]);
      return program;
    };
    const { stdout: answer } = await run(await build('complete', source(names as string[])), [addon]);
    t.equal(answer, 'loaded\n');
    const lacking = await build('lacking', source(names.slice(1) as string[]));
    await t.rejects(run(lacking, [addon]), 'a missing name is noticed');
  },
);

const sysroot = '/usr/aarch64-linux-gnu';
t.test(
  'arm64 under an emulator: the addon is loaded, and says why there is no ring',
  {
    skip: missing('qemu-aarch64-static') || noAddon('arm64', 'glibc') || noArmLibrary(),
  },
  async (t) => {
    const node = await otherNode(20, 'arm64');
    if ('reason' in node) {
      await t.test('node for arm64', { skip: node.reason }, () => {});
      return;
    }
    for (const name of [
      'package.json',
      'dist',
      'prebuilds',
      'node_modules/node-gyp-build',
      'node_modules/abort-controller-x',
    ]) {
      cpSync(join(root, name), join(directory, name), { recursive: true });
    }
    const command = ['-L', sysroot, node.path, join(directory, 'dist/cli/main.js'), 'doctor', '--json'];
    const { stdout, status } = spawnSync('qemu-aarch64-static', command, { encoding: 'utf8' });
    t.match(JSON.parse(stdout), {
      backend: { name: 'node', code: 'ENOSYS', reason: /^io_uring_setup failed/ },
      runtime: { arch: 'arm64' },
      ringcore: {
        addon: join(directory, 'prebuilds/linux-arm64/node.napi.glibc.node'),
        addonOrigin: 'prebuilt',
      },
    });
    t.equal(status, 1);
  },
);

function noArmLibrary(): string | false {
  return globSync('lib/libstdc++.so.*', { cwd: sysroot }).length > 0
    ? false
    : `there is no C++ library in ${sysroot}`;
}
