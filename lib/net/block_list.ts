/**
 * The `blockList` option: addresses that a socket must not connect to, or a server not accept from. Versions of node that
 * do not know it have no `BlockList.isBlockList`, and nothing is blocked there.
 *
 * @module
 */
import type { BlockList } from 'node:net';
import { invalidArgType } from './errors.js';
import { nodeNet } from './node_net.js';

const { isBlockList } = nodeNet.BlockList as { isBlockList?: (value: unknown) => boolean };

/** The option, checked; undefined where there is none. */
export function checkedBlockList(value: unknown): BlockList | undefined {
  if (!value || isBlockList === undefined) return undefined;
  if (!isBlockList(value)) throw invalidArgType('options.blockList', 'an net.BlockList', value);
  return value as BlockList;
}

/** Whether an address is in the list. What is no internet address never is. */
export function isBlocked(list: BlockList | undefined, address: string | undefined): boolean {
  if (list === undefined || address === undefined) return false;
  const family = nodeNet.isIP(address);
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}
