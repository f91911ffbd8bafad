// The layering rules of the project, checked on its sources: which layer may see which.
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { globSync } from 'tinyglobby';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The only files of lib/ that may import node's own fs and net as values: what ringcore falls back to. */
const fallBackFiles = [
  'lib/cli/trace_files.ts',
  'lib/core/node_constants.ts',
  'lib/core/node_files.ts',
  'lib/core/node_procfs.ts',
  'lib/fs/node_exports.ts',
  'lib/fs/node_fs.ts',
  'lib/fs/node_promises.ts',
  'lib/net/node_net.ts',
];

const nativeLayers = ['abi', 'ring', 'op', 'executor', 'binding'];

/** System headers that only one layer may include; with undefined, none. */
const reservedHeaders = new Map<string, string | undefined>([
  ['napi.h', 'binding'],
  ['node_api.h', 'binding'],
  ['js_native_api.h', 'binding'],
  ['uv.h', 'executor'],
  ['node.h', undefined],
  ['v8.h', undefined],
]);

/** What is wrong with the includes of one file of native/; nothing: []. */
function nativeFaults(path: string, source: string): string[] {
  const layer = path.split('/')[1] ?? '';
  const rank = nativeLayers.indexOf(layer);
  if (rank < 0) return [`${path} is in no layer`];
  const faults: string[] = [];
  for (const match of source.matchAll(/^\s*#\s*include\s*([<"])([^>"]+)[>"]/gm)) {
    const [, open, header = ''] = match;
    const reservedFor = reservedHeaders.get(header);
    if (reservedHeaders.has(header) && reservedFor !== layer) faults.push(`${path} includes <${header}>`);
    if (open !== '"') continue;
    const target = header.startsWith('.')
      ? posix.join(posix.dirname(path), header)
      : header.includes('/')
        ? `native/${header}`
        : path;
    const targetRank = nativeLayers.indexOf(target.split('/')[1] ?? '');
    if (targetRank < 0 || targetRank > rank) faults.push(`${path} includes "${header}"`);
  }
  return faults;
}

interface Import {
  specifier: string;
  /** Gone after compilation. */
  typeOnly: boolean;
}

/** Every module that a TypeScript source names: import, export … from, import(), require() and their like. */
function importsOf(path: string, source: string): Import[] {
  const found: Import[] = [];
  const callees = /^(require|.*\.require|process\.getBuiltinModule|import\.meta\.resolve)$/;
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      found.push({ specifier: node.moduleSpecifier.text, typeOnly });
    } else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      found.push({ specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const { literal } = node.argument;
      if (ts.isStringLiteral(literal)) found.push({ specifier: literal.text, typeOnly: true });
    } else if (ts.isCallExpression(node)) {
      const [argument] = node.arguments;
      const loads =
        node.expression.kind === ts.SyntaxKind.ImportKeyword || callees.test(node.expression.getText());
      if (loads && argument && ts.isStringLiteralLike(argument)) {
        found.push({ specifier: argument.text, typeOnly: false });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true));
  return found;
}

/** The file of this project that a relative import means, as 'lib/fs/read.ts'; anything else as it stands. */
function resolveImport(path: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}

/** What is wrong with the imports of one file of lib/. */
function libFaults(path: string, source: string): string[] {
  const faults: string[] = [];
  const [, layer = ''] = path.split('/');
  const forbidden = {
    core: /^lib\/(fs|net|cli)\//,
    fs: /^lib\/(net|cli)\//,
    net: /^lib\/(fs|cli)\//,
    cli: /^lib\/(fs|net)\//,
  }[layer];
  for (const { specifier, typeOnly } of importsOf(path, source)) {
    const target = resolveImport(path, specifier);
    const fault = (why: string): number => faults.push(`${path} imports ${specifier}: ${why}`);
    if (forbidden?.test(target)) fault(`another layer`);
    const isTop = /^lib\/(index\.ts|register[./])/.test(target);
    if (isTop && !path.startsWith('lib/register')) fault('nobody imports the top');
    if (/^ringcore(\/|$)/.test(target)) fault('lib/ imports itself by path');
    if (specifier.startsWith('.') && !target.startsWith('lib/')) fault('outside lib/');
    if (/^(node:)?(fs|fs\/promises|net)$/.test(target) && !typeOnly && !fallBackFiles.includes(path)) {
      fault("node's own, not in a fall-back file");
    }
    const loadsAddon = target === 'node-gyp-build' || target.endsWith('.node');
    if (loadsAddon && path !== 'lib/core/binding.ts') fault('only lib/core/binding.ts loads the addon');
  }
  if (/\bdlopen\s*\(/.test(source) && path !== 'lib/core/binding.ts') faults.push(`${path} calls dlopen`);
  return faults;
}

/** What is wrong with the imports of one file above the public surface: examples, bench, test. */
function userFaults(path: string, source: string): string[] {
  const [top = ''] = path.split('/');
  // The bench draws its plots with a package.
  const plots = path.startsWith('bench/report/') ? '|@observablehq/plot|linkedom' : '';
  const packages = top === 'test' ? /^[^.]/ : new RegExp(`^(node:.+|ringcore(/.+)?${plots})$`);
  return importsOf(path, source)
    .filter(({ specifier }) => {
      if (!specifier.startsWith('.')) return !packages.test(specifier);
      const target = resolveImport(path, specifier);
      return (
        !target.startsWith(`${top}/`) && !(path.startsWith('test/core/') && target.startsWith('lib/core/'))
      );
    })
    .map(({ specifier }) => `${path} imports ${specifier}`);
}

/** What a lock file must not say: where this or that machine downloaded a package from. */
function lockFaults(source: string): string[] {
  return source.split('\n').filter((line) => /"resolved"|\bregistry\./.test(line));
}

function check(patterns: string[], faultsOf: (path: string, source: string) => string[]): string[] {
  const files = globSync(patterns, { cwd: root, ignore: '**/node_modules/**' }).sort();
  return files.flatMap((path) => faultsOf(path, readFileSync(posix.join(root, path), 'utf8')));
}

t.test('native/ includes go one way', async (t) => {
  t.same(check(['native/**/*.{h,cc}'], nativeFaults), []);
});

t.test('lib/ imports go one way', async (t) => {
  t.same(check(['lib/**/*.ts'], libFaults), []);
});

t.test('examples, bench and tests see the public surface only', async (t) => {
  t.same(check(['{examples,bench,test}/**/*.ts'], userFaults), []);
});

t.test('the lock files name no download address', async (t) => {
  for (const directory of ['', 'test/programs']) {
    t.same(lockFaults(readFileSync(posix.join(root, directory, 'package-lock.json'), 'utf8')), [], directory);
  }
});

t.test('the checks find a fault in native/', async (t) => {
  const faulty: [path: string, source: string][] = [
    ['native/abi/x.h', '#include "ring/ring.h"'],
    ['native/abi/x.h', '#include "../ring/ring.h"'],
    ['native/ring/x.cc', '  #  include "op/op.h"'],
    ['native/op/x.h', '#include "executor/executor.h"'],
    ['native/executor/x.cc', '#include "binding/addon.h"'],
    ['native/executor/x.cc', '#include <napi.h>'],
    ['native/binding/x.cc', '#include <uv.h>'],
    ['native/binding/x.cc', '#include <v8.h>'],
    ['native/op/x.cc', '#include "elsewhere/x.h"'],
    ['native/elsewhere/x.cc', ''],
  ];
  for (const [path, source] of faulty) t.equal(nativeFaults(path, source).length, 1, `${path}: ${source}`);
  const fine =
    '#include <atomic>\n#include <napi.h>\n#include "convert.h"\n#include "../abi/x.h"\n#include "op/op.h"';
  t.same(nativeFaults('native/binding/x.cc', fine), []);
});

t.test('the checks find a fault in lib/', async (t) => {
  const faulty: [path: string, source: string][] = [
    ['lib/core/x.ts', "import { a } from '../fs/read.js';"],
    ['lib/core/x.ts', "import type { A } from '../net/socket.js';"],
    ['lib/fs/x.ts', "export * from '../net/socket.js';"],
    ['lib/net/x.ts', "const a = await import('../fs/read.js');"],
    ['lib/net/x.ts', "type A = import('../fs/read.js').A;"],
    ['lib/fs/x.ts', "import { fs } from '../index.js';"],
    ['lib/cli/x.ts', "import { readFile } from '../fs/index.js';"],
    ['lib/core/x.ts', "import { run } from '../cli/run.js';"],
    ['lib/fs/x.ts', "import '../register.js';"],
    ['lib/public.ts', "import './register/replace.js';"],
    ['lib/fs/x.ts', "import { ring } from 'ringcore/core';"],
    ['lib/fs/x.ts', "import { a } from '../../test/a.js';"],
    ['lib/fs/x.ts', "import fs from 'node:fs';"],
    ['lib/fs/x.ts', "import { type Stats } from 'node:fs';"],
    ['lib/fs/x.ts', "export * from 'fs/promises';"],
    ['lib/core/x.ts', "process.getBuiltinModule('node:net');"],
    ['lib/core/x.ts', "const net = createRequire(import.meta.url)('a'); require('net');"],
    ['lib/core/x.ts', "import load from 'node-gyp-build';"],
    ['lib/core/x.ts', "require('../build/Release/ringcore.node');"],
    ['lib/core/x.ts', "process.dlopen(module, 'a');"],
  ];
  for (const [path, source] of faulty) t.ok(libFaults(path, source).length > 0, `${path}: ${source}`);
  t.same(
    libFaults('lib/fs/x.ts', "import type { Stats } from 'node:fs'; import { a } from '../core/ring.js';"),
    [],
  );
  t.same(libFaults('lib/core/binding.ts', "process.dlopen(module, 'a'); // not from 'node:fs'"), []);
  t.same(libFaults('lib/net/node_net.ts', "export * from 'node:net';"), []);
  t.same(
    libFaults('lib/index.ts', "export * from './fs/index.js'; export * as net from './net/index.js';"),
    [],
  );
});

t.test('the checks find a fault above the public surface', async (t) => {
  const faulty: [path: string, source: string][] = [
    ['examples/x.ts', "import { a } from '../lib/index.js';"],
    ['examples/x.ts', "import { a } from 'tap';"],
    ['bench/x.ts', "import { a } from '../dist/index.js';"],
    ['bench/x.ts', "import { a } from 'linkedom';"],
    ['test/fs/x.ts', "import { a } from '../../lib/core/ring.js';"],
    ['test/core/x.ts', "import { a } from '../../lib/fs/read.js';"],
  ];
  for (const [path, source] of faulty) t.equal(userFaults(path, source).length, 1, `${path}: ${source}`);
  const fine = "import 'ringcore'; import 'ringcore/fs/promises'; import 'node:fs'; import './other.js';";
  t.same(userFaults('examples/x.ts', fine), []);
  t.same(userFaults('test/core/x.ts', "import t from 'tap'; import '../../lib/core/ring.js';"), []);
});

t.test('the check finds an address in a lock file', async (t) => {
  t.equal(lockFaults('{\n"resolved": "https://example.org/a.tgz",\n"integrity": ""\n}').length, 1);
  t.equal(lockFaults('"url": "https://registry.example.org/a"').length, 1);
  t.same(lockFaults('"integrity": "sha512-…"'), []);
});
