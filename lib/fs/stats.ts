/**
 * node's Stats and BigIntStats, made of a statx.
 *
 * @module
 */
import type { BigIntStats, Stats } from 'node:fs';
import { AT_EMPTY_PATH, STATX_BASIC_STATS, STATX_BTIME } from '../core/constants.js';
import { decodeStatx, statxBytes, type Statx } from '../core/statx.js';
import { checked } from './errors.js';
import nodeFs from './node_fs.js';
import { perform } from './task.js';

const times = ['atime', 'mtime', 'ctime', 'birthtime'] as const;
const fields = ['dev', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'blksize', 'ino', 'size', 'blocks'] as const;

/** node does not export BigIntStats: the class of one that it makes. */
let bigIntPrototype: object | undefined;

function prototypeFor(bigint: boolean): object {
  if (!bigint) return nodeFs.Stats.prototype;
  return (bigIntPrototype ??= Object.getPrototypeOf(nodeFs.statSync('/', { bigint: true })) as object);
}

/** The same properties as node's, in the same order. */
export function statsOf(statx: Statx<number | bigint>, bigint: boolean): Stats | BigIntStats {
  const prototype = prototypeFor(bigint);
  const stats = Object.create(prototype) as Record<string, unknown>;
  for (const field of fields) stats[field] = statx[field];
  for (const time of times) stats[`${time}Ms`] = statx[`${time}Ms`];
  if (bigint) for (const time of times) stats[`${time}Ns`] = statx[`${time}Ns`];
  // Since node 22 these are getters, and make a Date when one is asked for.
  if (!('atime' in prototype)) {
    for (const time of times) stats[time] = new Date(Math.round(Number(statx[`${time}Ms`])));
  }
  return stats as unknown as Stats | BigIntStats;
}

/** fstat through the ring: it may wait for a network file system. */
export async function fstat(fd: number, bigint: boolean): Promise<Stats | BigIntStats> {
  const out = new Uint8Array(statxBytes);
  const mask = STATX_BASIC_STATS | STATX_BTIME;
  checked(await perform((native) => native.statx(0, 0, fd, '', AT_EMPTY_PATH, mask, out)), 'fstat');
  return statsOf(decodeStatx(out, bigint), bigint);
}
