// The declarations for require(): dist/require/ is a copy of dist's, as .d.cts. A compiler before TypeScript 5.8 takes no
// ES module's declarations for what require() gives.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { globSync } from 'tinyglobby';

const directory = 'dist/require';
/** By the name that package.json has for their declarations. */
const entries = {
  ringcore: 'index',
  fs: 'fs/index',
  promises: 'fs/promises',
  net: 'net/index',
  core: 'core/index',
  registered: 'register',
};

function write(path, text) {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), text);
}

rmSync(directory, { recursive: true, force: true });
for (const path of globSync('**/*.d.ts', { cwd: 'dist', ignore: ['cli/**'] })) {
  const source = readFileSync(join('dist', path), 'utf8');
  const copy = source
    .replace(/((?:from|import) |import\()(['"])(\.[^'"]+)\.js\2/g, '$1$2$3.cjs$2')
    // What require() gives is no export of itself.
    .replace(/^export \{ (?:\w+ as default, )?\w+ as 'module\.exports' \};\n/gm, (line) =>
      line.includes('default') ? line.replace(/, \w+ as 'module\.exports'/, '') : '',
    );
  write(path.replace(/\.d\.ts$/, '.d.cts'), copy);
}
// Without the default exports, which are the same object once more.
for (const [name, path] of Object.entries(entries))
  write(`${name}.d.cts`, `export * from './${path}.cjs';\n`);
