// One call of fs with node's modules and with ringcore's, with the same arguments, each in a folder of its own.
import * as nodeFs from 'node:fs';
import { closeSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import * as ringFs from 'ringcore/fs';
import { random } from '../faults/plan.js';
import { callbacks, handles, promises } from './signatures.js';
import { oddValue, openFlags, openName, valid, type Draw, type Kind } from './values.js';

type Api = typeof nodeFs;
type Call = (...args: unknown[]) => unknown;
export const hung = 'it did not settle';

export function makeSandbox(path: string): void {
  process.chdir('/');
  rmSync(path, { recursive: true, force: true });
  mkdirSync(`${path}/folder/inner`, { recursive: true });
  writeFileSync(`${path}/file`, 'content of a file');
  writeFileSync(`${path}/other`, 'other');
  symlinkSync('file', `${path}/link`);
}

/** What an outcome looks like, without what differs by folder or by run. */
function facts(value: unknown): unknown {
  if (value instanceof Error) {
    const { name, message, code, syscall } = value as NodeJS.ErrnoException;
    // What node 20 makes in C++ shows a value in other words; so do engines which method met a detached buffer.
    const told = message
      .replaceAll(process.cwd(), '.')
      .replace(/^(The (?:argument|value of)? ?"fd" .*) Received .*/s, '$1')
      .replace(/%\.prototype\.\w+/, '%')
      .replace(/[\w.-]+[A-Za-z0-9]{6}'$/, "…'");
    return { class: value.constructor.name, name, message: told, code, syscall };
  }
  // A descriptor's number, a time: not the same twice.
  return value === null || typeof value !== 'object' ? typeof value : value.constructor?.name;
}

function withLimit(promise: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, 10_000, hung)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const settled = (promise: unknown): Promise<unknown> =>
  withLimit(
    Promise.resolve(promise).then(
      (value) => {
        // Open files are no result to keep.
        if (value instanceof Object && 'fd' in value)
          return (value as unknown as nodeFs.promises.FileHandle).close().then(() => facts(value));
        return facts(value);
      },
      (error: unknown) => ({ rejected: facts(error) }),
    ),
  );

/** What ends the process in node, or loses the error there. */
function isSpared(kind: Kind | undefined, value: unknown): boolean {
  if (kind === undefined || kind === 'length') return true;
  if (kind === 'mode' || kind === 'treeOptions') return typeof value === 'number' && value >= 2 ** 31;
  // node 20 aborts over a symbol, and over what has no prototype to be described by.
  if (kind === 'fd')
    return typeof value === 'symbol' || (value instanceof Object === false && typeof value === 'object');
  // Detached, and there is another reason to fail: which is told of first, differs.
  if (kind === 'data') return value instanceof Uint8Array && value.buffer.byteLength === 0;
  // As a descriptor, for readFile and its like.
  return kind === 'path' && typeof value === 'number';
}

/** As it should be, or with one argument that is not, or with many. `faults`: how many. */
function argumentsOf(kinds: Kind[], draw: Draw): { args: unknown[]; faults: number; fd: number | undefined } {
  const faults = [0, 1, 1, 1, 2][draw(5)]!;
  const args = kinds.map((kind) => valid[kind](draw));
  const fd = kinds[0] === 'fd' ? (args[0] as number) : undefined;
  for (let i = 0; i < faults; i++) {
    // Behind node's last argument ringcore takes limits, where node takes nothing.
    const index = draw(Math.max(1, kinds.length));
    const value = oddValue(draw);
    if (isSpared(kinds[index], value)) continue;
    args[index] = value;
  }
  return { args: Array.from(args), faults, fd };
}

function closeQuietly(fd: number | undefined): void {
  if (fd === undefined) return;
  try {
    closeSync(fd);
  } catch {
    // The call has closed it.
  }
}

async function callback(api: Api, name: string, kinds: Kind[], draw: Draw): Promise<unknown> {
  const { args, fd, faults } = argumentsOf(kinds, draw);
  // node's rm finds out when it is too late.
  const callbackIsOdd = faults === 0 && name !== 'rm' && draw(5) === 0;
  try {
    return await withLimit(
      new Promise((resolve) => {
        const done = (...results: unknown[]): void => {
          const [first, second] = results;
          if (name === 'open' && typeof second === 'number') closeQuietly(second);
          resolve(results.length === 0 ? 'called' : [first, second].map(facts));
        };
        const last = callbackIsOdd ? oddValue(draw) : done;
        // Where it does not throw, nobody will tell.
        try {
          (api as unknown as Record<string, Call>)[name]!(...args, last);
        } catch (error) {
          resolve({ thrown: facts(error) });
        }
        if (callbackIsOdd) setImmediate(resolve, 'no callback');
      }),
    );
  } finally {
    closeQuietly(fd);
  }
}

async function promise(api: Api, name: string, kinds: Kind[], draw: Draw): Promise<unknown> {
  const { args } = argumentsOf(kinds, draw);
  try {
    return await settled((api.promises as unknown as Record<string, Call>)[name]!(...args));
  } catch (error) {
    return { thrown: facts(error) };
  }
}

async function handle(api: Api, name: string, kinds: Kind[], draw: Draw): Promise<unknown> {
  const open = await api.promises.open(openName, openFlags);
  const { args } = argumentsOf(kinds, draw);
  try {
    return await settled((open as unknown as Record<string, Call>)[name]!(...args));
  } catch (error) {
    return { thrown: facts(error) };
  } finally {
    await open.close();
  }
}

const forms = [
  { name: 'fs', functions: callbacks, call: callback },
  { name: 'fs.promises', functions: promises, call: promise },
  { name: 'FileHandle', functions: handles, call: handle },
];

/** The call of this seed, by both. */
export async function compare(
  seed: number,
  folders: [node: string, ring: string],
): Promise<{ call: string; node: unknown; ring: unknown; faults: number }> {
  const draw = random(seed);
  const form = forms[draw(forms.length)]!;
  const names = Object.keys(form.functions);
  const name = names[draw(names.length)]!;
  const kinds = form.functions[name]!;
  const argumentSeed = draw(2 ** 31);
  const outcomes: unknown[] = [];
  for (const [index, api] of [nodeFs, ringFs as unknown as Api].entries()) {
    process.chdir(folders[index]!);
    outcomes.push(await form.call(api, name, kinds, random(argumentSeed)));
  }
  const { faults, fd } = argumentsOf(kinds, random(argumentSeed));
  closeQuietly(fd);
  return { call: `${form.name}.${name}`, node: outcomes[0], ring: outcomes[1], faults };
}
