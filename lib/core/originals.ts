/**
 * Node's modules as they were before `ringcore/register` put the ring's functions into them: what the rest of lib/ falls
 * back to must not be what falls back to it. Also for another copy of ringcore that is loaded later: hence a property of
 * the process, and a shape that other versions understand.
 *
 * @module
 */

/** The modules that are patched. */
export type ModuleName = 'fs' | 'fs/promises' | 'net';

/** The registration of this thread, as every copy of ringcore sees it. */
export type Originals = Record<ModuleName, object>;

const key = Symbol.for('ringcore.originals');
const holder = process as { [key]?: Originals };

/** A new object with the members of a module, getters included: node's load their modules, and some warn, when read. */
export function copyOf<T extends object>(original: T): T {
  return Object.defineProperties({}, Object.getOwnPropertyDescriptors(original)) as T;
}

/** What the exports of a module were before any registration. `exported`: what they are now. */
export function originalOf<T extends object>(name: ModuleName, exported: T): T {
  return (holder[key]?.[name] as T | undefined) ?? copyOf(exported);
}

/** Who has registered this thread: undefined for nobody. */
export function registration(): Originals | undefined {
  return holder[key];
}

/** Tells other copies of ringcore what node's modules were; undefined when they are that again. */
export function setRegistration(originals: Originals | undefined): void {
  if (originals === undefined) delete holder[key];
  else Object.defineProperty(holder, key, { value: originals, configurable: true });
}
