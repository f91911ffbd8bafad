/**
 * node's own synchronous functions, for programs that have put functions of their own in the place of others:
 * `fs.writeFileSync` calls `fs.openSync`, `fs.writeSync`, …, as node's finds them in the exports of `node:fs`.
 *
 * For the length of such a call, the program's functions stand there, too. Nothing else runs meanwhile but what the
 * call itself calls; and whatever the program's function calls finds everything as it was.
 *
 * @module
 */
import { seen, likeNodes, replaced } from './exported.js';
import { fsExports } from './node_exports.js';
import nodeFs from './node_fs.js';

type Sync = (...args: unknown[]) => unknown;
type Functions = Record<string, Sync>;
type Name = keyof typeof nodeFs & `${string}Sync`;

/** Those that call others through the exports. */
const callers = [
  'appendFileSync',
  'cpSync',
  'readFileSync',
  'rmSync',
  'rmdirSync',
  'truncateSync',
  'writeFileSync',
] as const satisfies Name[];

/** Those that are called, in one version of node or another. */
const called = [
  ...callers,
  'chmodSync',
  'closeSync',
  'copyFileSync',
  'existsSync',
  'fstatSync',
  'fsyncSync',
  'ftruncateSync',
  'lstatSync',
  'mkdirSync',
  'openSync',
  'readSync',
  'readdirSync',
  'statSync',
  'unlinkSync',
  'writeSync',
] as const satisfies Name[];

/** Runs `run` while the program's functions stand in node's exports. */
function lend(names: Name[], run: () => unknown): unknown {
  const exported = fsExports as unknown as Functions;
  const before = names.map((name): [Name, Sync] => [name, exported[name]!]);
  const restore = (): void => {
    for (const [name, original] of before) exported[name] = original;
  };
  const install = (): void => {
    for (const name of names) {
      exported[name] = (...args) => {
        restore();
        try {
          return (seen as unknown as Functions)[name]!(...args);
        } finally {
          install();
        }
      };
    }
  };
  install();
  try {
    return run();
  } finally {
    restore();
  }
}

function noticing(name: (typeof callers)[number]): Sync {
  const original = nodeFs[name] as Sync;
  const call: Sync = (...args) => {
    const patched = replaced(called);
    return patched.length === 0 ? original(...args) : lend(patched, () => original(...args));
  };
  return likeNodes(call, nodeFs[name]);
}

export const syncFunctions = Object.fromEntries(callers.map((name) => [name, noticing(name)]));
