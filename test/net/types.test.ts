// ringcore/net's declarations stand in for those of node:net in each version of node's types.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import t from 'tap';
import ts from 'typescript';
import { root } from './support.js';

const require = createRequire(import.meta.url);

for (const types of ['node', 'types-node-22', 'types-node-24', 'types-node-26']) {
  t.test(types, (t) => {
    const name = types === 'node' ? '@types/node' : types;
    const directory = dirname(require.resolve(`${name}/package.json`));
    const options: ts.CompilerOptions = {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      lib: ['lib.es2023.d.ts'],
      types: [directory],
    };
    const host = ts.createCompilerHost(options);
    // The compiler looks for @types/node by itself, too: only one version is there to be found.
    const fileExists = host.fileExists.bind(host);
    host.fileExists = (path) => (!path.includes('/@types/node/') || types === 'node') && fileExists(path);
    const program = ts.createProgram([join(root, 'test/net/types_check.ts')], options, host);
    const files = program.getSourceFiles().map(({ fileName }) => fileName);
    t.ok(files.includes(join(directory, 'net.d.ts')), 'these types are used');
    const others = files.filter((file) => file.endsWith('/net.d.ts') && !file.includes('ringcore/dist'));
    t.same(others, [join(directory, 'net.d.ts')], 'and no others');
    const messages = ts
      .getPreEmitDiagnostics(program)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
    t.same(messages, []);
    t.end();
  });
}
