// Tools under ringcore/register, as on plain node: vite and tsc build a project, npm installs a package.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { listing } from '../fs/trees.js';
import { compare, install, programs, root } from './support.js';

const skip = install();

/** A web page of many modules, with a style, a picture, and types. */
function makeProject(t: Test): string {
  const modules = Array.from({ length: 60 }, (_, i) => `m${i}`);
  return t.testdir({
    node_modules: { ringcore: t.fixture('symlink', root) },
    'package.json': '{ "name": "project", "type": "module", "private": true }',
    'index.html': '<!doctype html><title>page</title><script type="module" src="/src/main.ts"></script>',
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        target: 'ES2022',
        module: 'ESNext',
        moduleResolution: 'bundler',
        declaration: true,
        types: [],
        lib: ['ES2022'],
        skipLibCheck: true,
        rootDir: 'src',
      },
      include: ['src/m*.ts'],
      exclude: ['src/main.ts'],
    }),
    public: { 'robots.txt': 'User-agent: *\n' },
    src: {
      'main.ts': [
        "import './style.css';",
        "import picture from './picture.png';",
        ...modules.map((name) => `import { ${name} } from './${name}.ts';`),
        `console.log(picture, ${modules.map((name) => `${name}({ n: 1 })`).join()});`,
        "void import('./later.ts').then(({ later }) => later());",
      ].join('\n'),
      'later.ts': "export const later = (): void => console.log('later');\n",
      'style.css': "body { background: url('./picture.png') }\n",
      'picture.png': Buffer.alloc(20_000, 'not really a picture'),
      ...Object.fromEntries(
        modules.map((name, i) => [
          `${name}.ts`,
          `interface Options { n: number }\nexport const ${name} = ({ n }: Options): number => n + ${i} + Math.random();\n`,
        ]),
      ),
    },
  });
}

t.test('vite builds a project', { skip }, async (t) => {
  const directory = makeProject(t);
  await compare(t, join(programs, 'node_modules/vite/bin/vite.js'), {
    // Its bundler, which is native, reads the modules and writes the result itself.
    ring: ['readFile'],
    cwd: directory,
    base: directory,
    each: (target) => ({ args: ['build', '--logLevel', 'error', '--outDir', target] }),
    drive: async (program, target) => {
      await program.outcome;
      const found = listing(target);
      t.ok(
        found.some((line) => /\/assets\/index-.*\.js /.test(line)),
        'there is something to compare',
      );
      return found;
    },
  });
});

t.test('tsc builds a project', { skip }, async (t) => {
  const directory = makeProject(t);
  // It asks for files synchronously, and nothing of that is the ring's.
  await compare(t, join(root, 'node_modules/typescript/bin/tsc'), {
    by: 'require',
    ring: [],
    cwd: directory,
    base: directory,
    each: (target) => ({ args: ['-p', '.', '--outDir', target] }),
    drive: async (program, target) => {
      await program.outcome;
      const found = listing(target);
      t.equal(found.length, 121);
      return found;
    },
  });
});

/** The script that `npm` on PATH is. */
function npmScript(): string | undefined {
  const found = (process.env['PATH'] ?? '')
    .split(':')
    .map((folder) => join(folder, 'npm'))
    .find((path) => existsSync(path));
  return found && realpathSync(found);
}

t.test(
  'npm packs, installs and removes a package',
  { skip: !npmScript() && 'there is no npm' },
  async (t) => {
    const directory = t.testdir({
      home: {},
      node_modules: { ringcore: t.fixture('symlink', root) },
      package: {
        'package.json': JSON.stringify({
          name: 'local-package',
          version: '1.2.3',
          bin: { 'local-command': 'command.js' },
          scripts: { postinstall: 'node made.js' },
        }),
        'command.js': "#!/usr/bin/env node\nconsole.log('I am installed');\n",
        'made.js': "require('node:fs').writeFileSync('made', 'by the script');\n",
        lib: Object.fromEntries(
          Array.from({ length: 300 }, (_, i) => [`file${i}.js`, `module.exports = ${i};\n`]),
        ),
      },
      plain: { 'package.json': '{ "name": "user", "version": "1.0.0" }' },
      import: { 'package.json': '{ "name": "user", "version": "1.0.0" }' },
    });
    // Nothing of the machine's or the user's settings, and no network.
    const settings = Object.fromEntries(
      Object.keys(process.env).flatMap((key) => (/^npm_/i.test(key) ? [[key, '']] : [])),
    );
    const env = {
      ...settings,
      HOME: join(directory, 'home'),
      npm_config_cache: join(directory, 'home/cache'),
      npm_config_offline: 'true',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
      npm_config_loglevel: 'error',
    };
    const npm = (args: string[], ring: string[]) =>
      compare(t, npmScript()!, {
        ring,
        env,
        base: directory,
        each: (target) => ({ cwd: target, args }),
        drive: async (program, target) => {
          await program.outcome;
          return listing(target);
        },
      });

    await npm(['pack', '../package', '--json'], ['openat', 'write', 'readFile']);
    await npm(['install', '--json', './local-package-1.2.3.tgz'], ['openat', 'write', 'mkdirat', 'close']);
    const user = join(directory, 'import');
    const installed = join(user, 'node_modules/local-package');
    t.equal(listing(join(installed, 'lib')).length, 301);
    t.equal(readFileSync(join(installed, 'made'), 'utf8'), 'by the script');
    t.equal(
      execFileSync(join(user, 'node_modules/.bin/local-command'), { encoding: 'utf8' }),
      'I am installed\n',
    );
    await npm(['ls', '--json'], []);
    await npm(['uninstall', '--json', 'local-package'], ['unlinkat']);
    t.notOk(existsSync(installed));
  },
);
