// Everything that can be called, and how often each is.
import { coreTargets } from './core_calls.js';
import { callbackTargets, handleTargets, promiseTargets, synchronousTargets } from './fs_calls.js';
import { netTargets } from './net_calls.js';
import { otherTargets, streamTargets } from './stream_calls.js';
import type { Target } from './target.js';
import type { Draw } from './values.js';

/** In parts of the whole; node's own functions are called less often than the ring's. */
const groups: { share: number; targets: Target[] }[] = [
  { share: 22, targets: callbackTargets },
  { share: 20, targets: promiseTargets },
  { share: 6, targets: synchronousTargets },
  { share: 18, targets: handleTargets },
  { share: 10, targets: streamTargets },
  { share: 2, targets: otherTargets },
  { share: 12, targets: netTargets },
  { share: 10, targets: coreTargets },
];

export const targets: Target[] = groups.flatMap((group) => group.targets);

/** Those whose name this expression finds: one at least. */
export function named(only: RegExp): Target[] {
  const some = targets.filter(({ name }) => only.test(name));
  if (some.length === 0) throw new Error(`nothing is called ${only.source}`);
  return some;
}

/** One of all, or of those whose name this expression finds. */
export function pick(draw: Draw, only: RegExp | undefined): Target {
  if (only !== undefined) {
    const some = named(only);
    return some[draw(some.length)]!;
  }
  let part = draw(groups.reduce((sum, { share }) => sum + share, 0));
  const { targets: some } = groups.find(({ share }) => (part -= share) < 0)!;
  return some[draw(some.length)]!;
}
