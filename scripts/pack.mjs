// npm run pack: the package as it is published, in build/package, and its tarball in build/.
//
// It differs from the checkout in two things: dist/ is bundled into a few files, since finding and linking 150 of them
// takes longer than running them (docs/decisions/0017-bundled-for-publishing.md); and package.json has nothing that is of
// use only in a checkout. Module instances stay single: what entry points share is in a chunk that they all import.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { transform } from 'esbuild';
import { rollup } from 'rollup';

const directory = 'build/package';
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const npm = (args, cwd) =>
  execFileSync('npm', [...args, '--ignore-scripts', '--json', '--loglevel=error'], { cwd });

/** Names stay: errors and stack traces show them. */
const minified = { minifyWhitespace: true, target: 'node20' };

/** What package.json names, by its name in dist/ without the suffix. */
function entryPoints() {
  const modules = Object.values(manifest.exports).flatMap((entry) => entry.default?.default ?? []);
  const paths = [...modules, ...Object.values(manifest.bin)];
  return Object.fromEntries(paths.map((path) => [path.replace(/^(\.\/)?dist\/|\.js$/g, ''), path]));
}

/** What `npm pack` would take, but for what the bundle replaces. */
function copyFiles() {
  const [{ files }] = JSON.parse(npm(['pack', '--dry-run'], '.'));
  for (const { path } of files) {
    if (path === 'package.json' || /^dist\/.*\.js(\.map)?$/.test(path)) continue;
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    cpSync(path, join(directory, path));
  }
}

function writeManifest() {
  const published = {
    ...manifest,
    scripts: { install: manifest.scripts.install },
    devDependencies: undefined,
  };
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
}

/**
 * Where two modules of a chunk have a function of one name, rollup calls one of them name$1; for programs that look at
 * `name` it gets its own back. (Classes keep theirs.)
 */
function restoreNames(code) {
  const declared = /^(?:async )?function\*? ?(\w+)\$\d+\b|^const (\w+)\$\d+ = (?:async )?(?:\(|function)/gm;
  const restored = [...code.matchAll(declared)].map(([declaration, ...names]) => {
    const renamed = /\w+\$\d+/.exec(declaration)[0];
    return `Object.defineProperty(${renamed}, 'name', { value: '${names.find(Boolean)}', configurable: true });\n`;
  });
  return code + restored.join('');
}

rmSync(directory, { recursive: true, force: true });
copyFiles();
writeManifest();
const bundle = await rollup({
  input: entryPoints(),
  external: (name) => !/^[./]/.test(name),
  plugins: [{ name: 'minify', renderChunk: (code) => transform(restoreNames(code), minified) }],
  onwarn: ({ code, message }) => {
    if (code !== 'CIRCULAR_DEPENDENCY') throw new Error(message);
  },
});
/** One chunk for all that `import 'ringcore'` needs: another file takes longer to find, read and link than to compile. */
const manualChunks = (id) => (/\/dist\/(core|fs|net|public)\b/.test(id) ? 'ringcore' : undefined);
// Chunks beside one another: addon_file.ts and run.ts know that they are one directory below dist/.
await bundle.write({
  dir: join(directory, 'dist'),
  chunkFileNames: 'chunks/[name]-[hash].js',
  manualChunks,
  hoistTransitiveImports: false,
});
const [{ filename }] = JSON.parse(npm(['pack', '--pack-destination', '..'], directory));
const chunks = readdirSync(join(directory, 'dist/chunks')).filter((name) => name.endsWith('.js'));
process.stdout.write(`build/${filename}: ${chunks.length} chunks\n`);
for (const name of ['linux-x64', 'linux-arm64']) {
  const built = existsSync(`prebuilds/${name}`) ? readdirSync(`prebuilds/${name}`) : [];
  if (built.length < 2)
    process.stdout.write(
      `not whole: addons for ${name}: ${built.join(', ') || 'none'}; npm run prebuilds makes them\n`,
    );
}
