/**
 * The objects that `require('ringcore/fs')` and `require('ringcore/fs/promises')` give, and the default exports.
 *
 * Programs patch fs (graceful-fs, test doubles) and expect its own code to notice, since node's calls `fs.open`,
 * `fs.read`, … through its exports. So do streams and writeFile here: through `seen`.
 *
 * @module
 */
import { backend } from '../core/backend.js';
import { copyOf } from '../core/originals.js';
import nodeFs from './node_fs.js';
import nodePromises from './node_promises.js';

type NodeFs = typeof nodeFs;
type Mutable = { -readonly [K in keyof NodeFs]: NodeFs[K] };

/** Whether io_uring does the work; else every export is node's own. */
export const onRing = backend.name === 'io_uring';

/** `ringcore/fs` as one object. */
export const api = copyOf(nodeFs) as Mutable;
/** `ringcore/fs/promises` as one object. */
export const promisesApi = copyOf(nodePromises);

/** The object that ringcore's own code calls through: `api`, or node's where `ringcore/register` is in use. */
export let seen = api;
/** Its functions, as the program finds them. */
let originals = valuesOf(seen);

function valuesOf(object: object): Map<string, unknown> {
  const descriptors = Object.entries(Object.getOwnPropertyDescriptors(object));
  return new Map(descriptors.map(([name, { value }]) => [name, value]));
}

/** From now on, programs patch this object. */
export function callThrough(exports: object): void {
  seen = exports as Mutable;
  originals = valuesOf(seen);
}

/** Puts ringcore's own functions in the place of node's. */
export function publish(object: object, members: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
    if (object === seen) originals.set(name, value);
  }
}

/** Whether somebody has replaced one of these members of `seen`. */
export function isPatched(...names: (keyof NodeFs)[]): boolean {
  return names.some((name) => seen[name] !== originals.get(name));
}

/** Which of these members of `seen` somebody has replaced. */
export function replaced<N extends keyof NodeFs>(names: readonly N[]): N[] {
  return names.filter((name) => isPatched(name));
}

/** Gives `own` node's name and length, and what tells `util.promisify` the names of several results. */
export function likeNodes<F extends object>(own: F, nodes: { name: string; length: number }): F {
  Object.defineProperty(own, 'name', { value: nodes.name, configurable: true });
  Object.defineProperty(own, 'length', { value: nodes.length, configurable: true });
  for (const symbol of Object.getOwnPropertySymbols(nodes)) {
    Object.defineProperty(own, symbol, Object.getOwnPropertyDescriptor(nodes, symbol)!);
  }
  return own;
}

/** {@link likeNodes} for functions by name; those that node does not have stay as they are. */
export function likeAll(own: Record<string, object>, nodes: object): void {
  for (const [name, member] of Object.entries(own)) {
    const counterpart = (nodes as Record<string, { name: string; length: number } | undefined>)[name];
    if (counterpart !== undefined) likeNodes(member, counterpart);
  }
}
