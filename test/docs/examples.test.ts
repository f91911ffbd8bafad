// Every example in the documents and docstrings compiles, and runs to its end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { globSync } from 'tinyglobby';
import ts from 'typescript';
import { backend } from 'ringcore';
import { documents, root, textOf } from './documents.js';

interface Example {
  /** Where it stands: `docs/tracing.md:55`. */
  where: string;
  code: string;
  /** Why it is only compiled: `<!-- compiled only: reason -->` stands before it. */
  compiledOnly: string | undefined;
}

const block = /(?:<!-- compiled only: (.*) -->\n+)?^```(?:ts|js)\n([\s\S]*?)^```$/gm;

function examplesOf(path: string, markdown: string): Example[] {
  return [...markdown.matchAll(block)].map(({ index, 1: compiledOnly, 2: code = '' }) => ({
    where: `${path}:${markdown.slice(0, index).split('\n').length}`,
    code,
    compiledOnly,
  }));
}

/** The source with its docstrings' stars taken away, so that it reads as a document; lines stay where they are. */
function docstringsOf(source: string): string {
  let inside = false;
  return source
    .split('\n')
    .map((line) => {
      if (/^\s*\/\*\*/.test(line)) inside = true;
      const kept = inside ? line.replace(/^\s*\*( |$)/, '') : '';
      if (line.includes('*/')) inside = false;
      return kept;
    })
    .join('\n');
}

const examples = [
  ...documents.flatMap((path) => examplesOf(path, textOf(path))),
  ...globSync('lib/**/*.ts', { cwd: root })
    .sort()
    .flatMap((path) => examplesOf(path, docstringsOf(textOf(path)))),
];

// Inside of the project, so that 'ringcore' means this one.
const directory = join(root, 'build', 'documents');
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
const files = examples.map(({ where, code }) => {
  const file = join(directory, `${where.replaceAll(/[/:.]/g, '_')}.ts`);
  // A module of its own, whatever is in it.
  writeFileSync(file, `${code}\nexport {};\n`);
  return file;
});

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  lib: ['lib.es2023.d.ts'],
  types: ['node'],
  strict: true,
  skipLibCheck: true,
  noUncheckedIndexedAccess: true,
};

t.test('the examples compile', async (t) => {
  t.ok(examples.length > 15, `${examples.length} examples`);
  const program = ts.createProgram(files, options);
  for (const { file, start, messageText } of ts.getPreEmitDiagnostics(program)) {
    const index = files.indexOf(file?.fileName ?? '');
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1;
    t.fail(`${examples[index]?.where}, line ${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`);
  }
  program.emit();
});

const noRing = backend.name === 'io_uring' ? false : `io_uring cannot be used here: ${backend.reason}`;

t.test('the examples run to their end', { skip: noRing, timeout: 110_000 }, async (t) => {
  const cwd = t.testdir({ 'README.md': '# read me\n', 'config.json': '{}\n' });
  const environment = { ...process.env, RINGCORE_BACKEND: 'io_uring' };
  const left = examples.flatMap(({ where, compiledOnly }, index) =>
    compiledOnly === undefined ? [{ where, file: files[index]!.replace(/ts$/, 'js') }] : [],
  );
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const child = spawn(process.execPath, [next.file], {
        cwd,
        env: environment,
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: 30_000,
      });
      const [stderr, [code]] = await Promise.all([
        text(child.stderr),
        once(child, 'close') as Promise<[number | null]>,
      ]);
      t.equal(code, 0, `${next.where}\n${code === 0 ? '' : stderr}`);
    }
  };
  await Promise.all([work(), work()]);
});

t.test('an example that is only compiled says why', async (t) => {
  for (const { where, compiledOnly } of examples) {
    if (compiledOnly !== undefined) t.ok(compiledOnly.length > 10, where);
  }
});

t.test('examples are found in docstrings as in documents', async (t) => {
  const source =
    '/**\n * Text.\n *\n * ```ts\n * const a = 1;\n * ```\n */\nconst b = `\n```ts\nno\n```\n`;\n';
  t.match(examplesOf('lib/x.ts', docstringsOf(source)), [{ where: 'lib/x.ts:4', code: 'const a = 1;\n' }]);
  const skipped = '<!-- compiled only: it never ends -->\n```ts\nf();\n```\n';
  t.match(examplesOf('x.md', skipped), [{ code: 'f();\n', compiledOnly: 'it never ends' }]);
});
