// Calls of core's functions, which node does not have: whatever they are given, they throw an Error or settle.
import * as core from 'ringcore/core';
import { random } from '../faults/plan.js';
import { oddValue, type Draw } from './values.js';

/** Those that act on more than their arguments, or are no functions of operations. */
const spared = new Set(['ring', 'AbortError', 'Ring', 'messages', 'default']);

const functions = Object.entries(core).filter(
  ([name, value]) => typeof value === 'function' && !spared.has(name) && /^[a-z]/.test(name),
) as unknown as [string, (...args: unknown[]) => unknown][];

const plausible = (draw: Draw): unknown =>
  [
    () => 999_999,
    () => 0x10000,
    () => 'name',
    () => Buffer.alloc(16),
    () => 1,
    () => ({}),
    () => [new Uint8Array(2)],
    () => ({ address: '127.0.0.1', port: 1 }),
  ][draw(8)]!();

/** What is wrong, or undefined. */
export async function coreCall(seed: number): Promise<string | undefined> {
  const draw = random(seed);
  const [name, call] = functions[draw(functions.length)]!;
  const args = Array.from({ length: draw(6) }, () => (draw(2) === 0 ? oddValue(draw) : plausible(draw)));
  // A descriptor comes first, if one does: never one that is open.
  if (typeof args[0] === 'number' && args[0] >= 0 && args[0] < 1000) args[0] = 999_999;
  let result: unknown;
  try {
    result = call(...args);
  } catch (error) {
    return error instanceof Error ? undefined : `core.${name} threw no Error`;
  }
  if (result === null || typeof result !== 'object') return undefined;
  try {
    if (Symbol.asyncIterator in result) {
      const iterator = (result as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      const next = iterator.next();
      next.catch(() => {});
      await new Promise((resolve) => setImmediate(resolve));
      await iterator.return?.();
    } else if ('then' in result) {
      const pending = Promise.resolve(result as PromiseLike<unknown>);
      pending.catch(() => {});
      if ('cancel' in result) setTimeout(() => (result as core.Operation<unknown>).cancel(), 20);
      const outcome = await Promise.race([
        pending,
        new Promise((resolve) => setTimeout(resolve, 5000, coreCall).unref()),
      ]);
      if (outcome === coreCall && !/^(sleep|interval)$/.test(name)) return `core.${name} did not settle`;
      if (typeof outcome === 'number' && /^open|^socket$|^accept$/.test(name)) await core.close(outcome);
      if (Array.isArray(outcome) && name === 'pipe')
        for (const end of outcome) await core.close(end as number);
    }
  } catch (error) {
    return error instanceof Error ? undefined : `core.${name} rejected with no Error`;
  }
  return undefined;
}
