// The arguments of a call: as they should be, or with one that is not, or with two.
import { Held, oddValue, valid, type Draw, type Kind } from './values.js';

export interface Arguments {
  args: unknown[];
  /** How many are odd. Of two faults, which is told of first differs between versions of node. */
  faults: number;
  held: Held;
}

/** What ends the process in node, loses the error there, or takes all there is of a machine's memory. */
function isSpared(kind: Kind | undefined, value: unknown): boolean {
  if (kind === undefined || kind === 'length') return true;
  if (kind === 'mode' || kind === 'treeOptions') return typeof value === 'number' && value >= 2 ** 31;
  // node 20 aborts over a symbol, and over what has no prototype to be described by.
  if (kind === 'fd')
    return typeof value === 'symbol' || (value instanceof Object === false && typeof value === 'object');
  // Detached, and there is another reason to fail: which is told of first, differs.
  if (kind === 'data') return value instanceof Uint8Array && value.buffer.byteLength === 0;
  // Reserves as much as it is told to.
  if (kind === 'range') return value instanceof Object && 'length' in value && (value.length as number) > 1e6;
  // As a descriptor, for readFile and its like.
  return kind === 'path' && typeof value === 'number';
}

/** `spares`: what else is not to be tried. */
export function argumentsOf(
  kinds: readonly Kind[],
  draw: Draw,
  spares: (value: unknown) => boolean = () => false,
): Arguments {
  const held = new Held();
  const count = [0, 1, 1, 1, 2][draw(5)]!;
  const args = kinds.map((kind) => valid[kind](draw, held));
  let faults = 0;
  // Which of two paths the kernel looks at first differs.
  const isRefused = (value: unknown): boolean =>
    (typeof value === 'string' && (value === '' || value.length > 4096)) ||
    (value instanceof Uint8Array && value.byteLength === 0);
  const hasTwo = kinds.filter((kind) => kind === 'path').length > 1;
  for (let i = 0; i < count; i++) {
    // Behind node's last argument ringcore takes limits, where node takes nothing.
    const index = draw(Math.max(1, kinds.length));
    const value = oddValue(draw);
    if (isSpared(kinds[index], value) || spares(value) || (hasTwo && isRefused(value))) continue;
    args[index] = value;
    faults++;
  }
  return { args, faults, held };
}
