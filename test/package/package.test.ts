// The tarball: what is in it, whether it says the truth about itself, and that it works where it is installed.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { globSync } from 'tinyglobby';
import t, { type Test } from 'tap';
import { backend } from 'ringcore';
import { npmFlags, otherNode, pack, published, root, run } from './tarball.js';

const directory = mkdtempSync(join(tmpdir(), 'ringcore-package-'));
t.teardown(() => rmSync(directory, { recursive: true }));
const tarball = await pack();
const bin = (name: string): string => join(root, 'node_modules/.bin', name);
const noRing = backend.name === 'io_uring' ? false : `io_uring cannot be used here: ${backend.reason}`;
const has = (path: string): boolean => tarball.files.includes(path);
const prebuilt = (arch: string, libc: string): string => `prebuilds/linux-${arch}/node.napi.${libc}.node`;

t.test('the tarball holds what is needed, and no more', (t) => {
  const tops = new Set(tarball.files.map((path) => path.split('/', 1)[0]));
  t.strictSame(
    [...tops].sort(),
    [
      'CHANGELOG.md CONTRIBUTING.md LICENSE README.md SECURITY.md bench binding.gyp dist docs examples lib native package.json prebuilds scripts',
    ].flatMap((names) => names.split(' ')),
  );
  t.ok(has('dist/cli/main.js') && has('docs/seccomp.json') && has('scripts/install.mjs'));
  t.strictSame(
    tarball.files.filter((path) => /tsbuildinfo|\.test\.|^build\/|^bench\/(?!README)/.test(path)),
    [],
  );
  t.end();
});

for (const arch of ['x64', 'arm64']) {
  const missing = globSync(`prebuilds/linux-${arch}/*.node`, { cwd: root }).length === 0;
  t.test(`addons for ${arch}`, { skip: missing && `there is no compiler for ${arch}` }, (t) => {
    t.ok(has(prebuilt(arch, 'glibc')));
    t.ok(has(prebuilt(arch, 'musl')));
    t.end();
  });
}

t.test('the documents link to files that are there', (t) => {
  const broken: string[] = [];
  for (const path of tarball.files.filter((path) => path.endsWith('.md'))) {
    const text = readFileSync(join(published, path), 'utf8').replace(/```.*?```/gs, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?:|#)/.test(target)) continue;
      const file = posix.join(posix.dirname(path), target.replace(/#.*$/, '')).replace(/\/$/, '');
      // About a checkout.
      if (/^(test\/|CONTRIBUTING\.md$)/.test(file)) continue;
      if (!has(file) && !tarball.files.some((name) => name.startsWith(`${file}/`)))
        broken.push(`${path}: ${target}`);
    }
  }
  t.strictSame(broken, []);
  t.end();
});

t.test('package.json has nothing that is of use only in a checkout', (t) => {
  const { scripts, devDependencies, dependencies } = JSON.parse(
    readFileSync(join(published, 'package.json'), 'utf8'),
  ) as Record<string, object | undefined>;
  t.strictSame(Object.keys(scripts ?? {}), ['install']);
  t.equal(devDependencies, undefined);
  t.strictSame(Object.keys(dependencies ?? {}), ['abort-controller-x', 'node-addon-api', 'node-gyp-build']);
  t.end();
});

/** The differences of two exports: what is missing, and functions of another name or arity. */
function differences(
  one: unknown,
  other: unknown,
  path: string,
  depth = 0,
  seen = new Set<unknown>(),
): string[] {
  if ((typeof one !== 'object' && typeof one !== 'function') || one === null || seen.has(one)) return [];
  seen.add(one);
  const found: string[] = [];
  if (typeof one === 'function') {
    const { name, length } = (other ?? {}) as typeof one;
    if (name !== one.name || length !== one.length) found.push(`${path}: ${one.name}, and ${name}`);
  }
  if (depth === 3) return found;
  for (const key of Reflect.ownKeys(one)) {
    if (key === 'constructor' || key === 'caller' || key === 'arguments' || key === Symbol.toStringTag)
      continue;
    const at = `${path}.${String(key)}`;
    if (!(key in Object(other))) found.push(at);
    else if (Object.getOwnPropertyDescriptor(one, key)?.get === undefined) {
      const value = (from: unknown): unknown => (from as Record<PropertyKey, unknown>)[key];
      found.push(...differences(value(one), value(other), at, depth + 1, seen));
    }
  }
  return found;
}

/** Lets the package find the addon of the checkout, for a while: it has one of its own only behind `npm run prebuilds`. */
function lendAddon(t: Test): void {
  process.env.RINGCORE_PREBUILD = root;
  t.teardown(() => delete process.env.RINGCORE_PREBUILD);
}

t.test('the bundle exports what the modules do, by the same names', async (t) => {
  lendAddon(t);
  for (const name of ['index', 'fs/index', 'fs/promises', 'net/index', 'core/index', 'register']) {
    const [bundled, modules] = (await Promise.all(
      [published, root].map((directory) => import(pathToFileURL(join(directory, `dist/${name}.js`)).href)),
    )) as [object, object];
    t.strictSame(Object.keys(bundled), Object.keys(modules), name);
    t.strictSame(differences(modules, bundled, name), []);
    if (name === 'index') t.match(bundled, { backend: { name: backend.name } });
  }
});

t.test('the import loads no more of node than fs, net and os do', async (t) => {
  lendAddon(t);
  const loadedBy = async (...names: string[]): Promise<string[]> => {
    const imports = names.map((name) => `import ${JSON.stringify(name)};`).join('');
    const program = `${imports} console.log(JSON.stringify(process.moduleLoadList.filter((name) => !name.includes('internal/'))))`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program]);
    return JSON.parse(stdout) as string[];
  };
  const nodes = await loadedBy('node:fs', 'node:fs/promises', 'node:net', 'node:os');
  const ours = await loadedBy(pathToFileURL(join(published, 'dist/index.js')).href);
  t.ok(ours.includes('NativeModule net'), 'it is the import');
  t.strictSame(
    ours.filter((name) => !nodes.includes(name)),
    [],
  );
});

t.test('publint', async (t) => {
  const { stdout } = await run(bin('publint'), [tarball.path, '--strict'], { cwd: root });
  t.match(stdout, /All good/);
});

t.test('the types are those of what is loaded, by import and by require', async (t) => {
  // In node10 too, a resolution that knows no "exports", but "typesVersions".
  const args = [tarball.path, '--profile', 'strict', '--format', 'json'];
  // With problems it ends with 1.
  const { stdout } = await run(bin('attw'), args, { cwd: root, maxBuffer: 1 << 26 }).catch(
    (error: unknown) => error as { stdout: string },
  );
  const { problems } = JSON.parse(stdout) as { problems?: Record<string, object[]> };
  t.strictSame(Object.values(problems ?? {}).flat(), []);
});

/** Each entry point by import and by require, as one program sees them. */
const program = `
  import { createRequire } from 'node:module';
  const require = createRequire(import.meta.url);
  const { exports } = require('ringcore/package.json');
  const told = {};
  for (const name of Object.keys(exports)) {
    if (name === './package.json') continue;
    const specifier = 'ringcore' + name.slice(1);
    const imported = await import(specifier);
    const required = require(specifier);
    const names = Object.keys(required).filter((name) => name in imported);
    told[name] = names.length > 0 && names.every((name) => Object.is(imported[name], required[name]));
  }
  const { backend, readFile, core } = await import('ringcore');
  const text = await readFile(new URL(import.meta.url), 'utf8');
  console.log(JSON.stringify({ told, backend: backend.name, read: text.length, reads: core.stats?.().operations }));
`;

const x64 = globSync(`prebuilds/linux-${process.arch}/*.glibc.node`, { cwd: root }).length > 0;
const noPrebuilt = x64 ? false : `there is no prebuilt addon for ${process.arch}`;

t.test('installed where there is no compiler', { skip: noRing || noPrebuilt }, async (t) => {
  const installed = join(directory, 'installed');
  const tools = join(directory, 'tools');
  mkdirSync(installed);
  mkdirSync(tools);
  const npm = spawnSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).stdout.trim();
  symlinkSync(process.execPath, join(tools, 'node'));
  symlinkSync(npm, join(tools, 'npm'));
  symlinkSync('/bin/sh', join(tools, 'sh'));
  writeFileSync(join(installed, 'package.json'), '{ "private": true }');
  writeFileSync(join(installed, 'program.mjs'), program);
  const env = { ...process.env, PATH: tools, RINGCORE_BACKEND: undefined };
  await run('npm', ['install', ...npmFlags, tarball.path], { cwd: installed, env });
  const home = join(installed, 'node_modules/ringcore');
  t.strictSame(globSync('build/**', { cwd: home }), [], 'nothing was compiled');

  const majors = [20, 22, 24, 26];
  const nodes = await Promise.all(majors.map((major) => otherNode(major)));
  for (const [index, node] of nodes.entries()) {
    const major = majors[index];
    const skip = 'reason' in node && node.reason;
    await t.test(`node ${major}`, { skip }, async (t) => {
      if (!('path' in node)) return;
      const told = await run(node.path, ['program.mjs'], { cwd: installed, env });
      t.match(JSON.parse(told.stdout), {
        told: {
          '.': true,
          './fs': true,
          './fs/promises': true,
          './net': true,
          './core': true,
          './register': true,
        },
        backend: 'io_uring',
        read: program.length,
      });
      t.equal(told.stderr, '');
      const doctor = await run(
        node.path,
        [join(installed, 'node_modules/.bin/ringcore'), 'doctor', '--json'],
        {
          cwd: installed,
          env,
        },
      );
      t.match(JSON.parse(doctor.stdout), {
        usable: true,
        ringcore: { addon: join(home, prebuilt(process.arch, 'glibc')), addonOrigin: 'prebuilt' },
        runtime: { version: new RegExp(`^${major}\\.`) },
      });
    });
  }
});
