// Calls of fs's functions: with a callback, as promises, synchronous, and of a FileHandle's methods.
import * as nodeFs from 'node:fs';
import * as ringFs from 'ringcore/fs';
import { argumentsOf } from './arguments.js';
import { callbacks, handles, promises, synchronous } from './fs_functions.js';
import { facts, outcomeOf, withLimit } from './outcome.js';
import type { Modules, Target } from './target.js';
import { oddValue, openFlags, openName, type Kind } from './values.js';

type Call = (...args: unknown[]) => unknown;
type Functions = Record<string, Call>;

const isFunction = (value: unknown): boolean => typeof value === 'function';

/** The code that a path fails with, if it does. */
function failureOf(path: unknown): string | undefined {
  try {
    nodeFs.lstatSync(path as nodeFs.PathLike);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

/** cp looks at both paths at once: where both fail, which is told of first is chance. An absent second one is no fault. */
function isAtChance(name: string, [from, to]: readonly unknown[]): boolean {
  if (name !== 'cp' || failureOf(from) === undefined) return false;
  return !['ENOENT', undefined].includes(failureOf(to));
}

function withCallback(name: string, kinds: Kind[]): Target['call'] {
  return async ({ fs }, draw) => {
    // A function in front of the callback is taken for it.
    const { args, faults, held } = argumentsOf(kinds, draw, isFunction);
    // node's rm and cp find out when it is too late.
    const callbackIsOdd = faults === 0 && name !== 'rm' && name !== 'cp' && draw(5) === 0;
    const isChance = isAtChance(name, args);
    const outcome = withLimit(
      new Promise((resolve) => {
        const done = (...results: unknown[]): void => {
          if (results.length === 0) resolve('called');
          const [error, result] = results as [unknown, unknown];
          if (name === 'open' && typeof result === 'number') {
            nodeFs.closeSync(result);
            resolve('opened');
          } else if (name === 'opendir' && result instanceof nodeFs.Dir) {
            result.closeSync();
            resolve('opened');
          } else resolve([facts(error), facts(result)]);
        };
        const last = callbackIsOdd ? oddValue(draw) : done;
        try {
          (fs as unknown as Functions)[name]!(...args, last);
        } catch (error) {
          resolve({ thrown: facts(error) });
        }
        // Where it does not throw, nobody will tell.
        if (callbackIsOdd) setImmediate(resolve, 'no callback');
      }),
    );
    try {
      return { outcome: await outcome, faults: isChance ? 2 : faults };
    } finally {
      await held.release();
    }
  };
}

const called =
  (functionsOf: (modules: Modules) => object, name: string, kinds: Kind[]): Target['call'] =>
  async (modules, draw) => {
    const { args, faults, held } = argumentsOf(kinds, draw);
    const call = (functionsOf(modules) as Functions)[name]!;
    const isChance = isAtChance(name, args);
    const outcome = await outcomeOf(() => call(...args), name === 'openSync');
    await held.release();
    return { outcome, faults: isChance ? 2 : faults };
  };

const ofHandle =
  (name: string, kinds: Kind[]): Target['call'] =>
  async ({ fs }, draw) => {
    const handle = await fs.promises.open(openName, openFlags);
    const { args, faults, held } = argumentsOf(kinds, draw);
    const outcome = await outcomeOf(() => (handle as unknown as Functions)[name]!(...args));
    await held.release();
    const closing = await outcomeOf(() => handle.close());
    return { outcome: { outcome: name === 'getAsyncId' ? typeof outcome : outcome, closing }, faults };
  };

const here = ringFs as unknown as Modules['fs'];
const nodesHandle = await nodeFs.promises.open('/dev/null');
const ringsHandle = await here.promises.open('/dev/null');
await Promise.all([nodesHandle.close(), ringsHandle.close()]);

/** What of `functions` the running node, or ringcore, has. */
function targetsOf(
  prefix: string,
  functions: Record<string, Kind[]>,
  theirs: object,
  ours: object,
  callOf: (name: string, kinds: Kind[]) => Target['call'],
): Target[] {
  return Object.entries(functions)
    .map(([form, kinds]) => ({ form, name: form.split(' ')[0]!, kinds }))
    .filter(({ name }) => typeof (ours as Functions)[name] === 'function')
    .map(({ form, name, kinds }) => ({
      name: `${prefix}.${form}`,
      alone: !(name in theirs),
      call: callOf(name, kinds),
    }));
}

const { promises: theirPromises } = nodeFs;
const { promises: ourPromises } = here;

export const callbackTargets = targetsOf('fs', callbacks, nodeFs, here, withCallback);
export const promiseTargets = targetsOf('fs.promises', promises, theirPromises, ourPromises, (name, kinds) =>
  called(({ fs }) => fs.promises, name, kinds),
);
export const synchronousTargets = targetsOf('fs', synchronous, nodeFs, here, (name, kinds) =>
  called(({ fs }) => fs, name, kinds),
);
export const handleTargets = targetsOf('FileHandle', handles, nodesHandle, ringsHandle, ofHandle);
