/**
 * node's Stats and BigIntStats, made of a statx.
 *
 * @module
 */
import type { BigIntStats, Stats } from 'node:fs';
import { statxBytes } from '../core/statx.js';
import nodeFs from './node_fs.js';

/**
 * The struct statx that the next Stats is made of. Decoded here once more, and not by core's `decodeStatx`, as that makes
 * bigints first: a stat that is answered from memory takes about as long as they do.
 */
export const statx = new Uint8Array(statxBytes);

// Members by their offset in struct statx, divided by the size of what they are read as.
const u16 = new Uint16Array(statx.buffer);
const u32 = new Uint32Array(statx.buffer);
const i32 = new Int32Array(statx.buffer);
const u64 = new BigUint64Array(statx.buffer);
const i64 = new BigInt64Array(statx.buffer);
const [nlink, uid, gid, mode, blksize] = [4, 5, 6, 14, 1];
const [ino, size, blocks] = [8, 10, 12];
const [rdevMajor, rdevMinor, devMajor, devMinor] = [32, 33, 34, 35];
const [atime, birthtime, ctime, mtime] = [16, 20, 24, 28];

/** dev_t of its two halves, as the C library's makedev() makes it. */
function makedev(major: number, minor: number): number {
  return (major & 0xfff) * 2 ** 8 + (major >>> 12) * 2 ** 44 + (minor & 0xff) + (minor >>> 8) * 2 ** 20;
}

/** 64 bits, rounded once: to what the kernel's integer becomes as a double. */
const wide = (index: number): number => u32[index + 1]! * 2 ** 32 + u32[index]!;
const nanosecond = (index: number): number => u32[index + 2]!;
const milliseconds = (index: number): number =>
  (i32[index + 1]! * 2 ** 32 + u32[index]!) * 1e3 + nanosecond(index) / 1e6;
const nanoseconds = (index: number): bigint => i64[index / 2]! * 1_000_000_000n + BigInt(nanosecond(index));

/** As node rounds it. */
const dateOf = (ms: number | bigint): Date => new Date(Math.round(Number(ms)));

// One of node's own tells what is different from version to version.
const nodes = nodeFs.statSync('/');
/** Since node 22 these are getters of the prototype, and make a Date when one is asked for. */
const hasOwnDates = Object.hasOwn(nodes, 'atime');
/** What such getters are about to use: the nanoseconds of a second, of four times. Not in every version. */
const [atimePart, mtimePart, ctimePart, birthtimePart] = Object.getOwnPropertySymbols(nodes);

type Fields = Record<string | symbol, unknown>;

/** The same properties as node's, in the same order. A function, since a class has a prototype of its own. */
function RingStats(this: Fields): void {
  this.dev = makedev(u32[devMajor]!, u32[devMinor]!);
  this.mode = u16[mode];
  this.nlink = u32[nlink];
  this.uid = u32[uid];
  this.gid = u32[gid];
  this.rdev = makedev(u32[rdevMajor]!, u32[rdevMinor]!);
  this.blksize = u32[blksize];
  this.ino = wide(ino);
  this.size = wide(size);
  this.blocks = wide(blocks);
  this.atimeMs = milliseconds(atime);
  this.mtimeMs = milliseconds(mtime);
  this.ctimeMs = milliseconds(ctime);
  this.birthtimeMs = milliseconds(birthtime);
  if (hasOwnDates) addDates(this);
  if (birthtimePart !== undefined) {
    this[atimePart!] = nanosecond(atime);
    this[mtimePart!] = nanosecond(mtime);
    this[ctimePart!] = nanosecond(ctime);
    this[birthtimePart] = nanosecond(birthtime);
  }
}
RingStats.prototype = nodeFs.Stats.prototype;

function RingBigIntStats(this: Fields): void {
  this.dev = BigInt(makedev(u32[devMajor]!, u32[devMinor]!));
  this.mode = BigInt(u16[mode]!);
  this.nlink = BigInt(u32[nlink]!);
  this.uid = BigInt(u32[uid]!);
  this.gid = BigInt(u32[gid]!);
  this.rdev = BigInt(makedev(u32[rdevMajor]!, u32[rdevMinor]!));
  this.blksize = BigInt(u32[blksize]!);
  this.ino = u64[ino / 2];
  this.size = u64[size / 2];
  this.blocks = u64[blocks / 2];
  const [a, m, c, birth] = [
    nanoseconds(atime),
    nanoseconds(mtime),
    nanoseconds(ctime),
    nanoseconds(birthtime),
  ];
  this.atimeMs = a / 1_000_000n;
  this.mtimeMs = m / 1_000_000n;
  this.ctimeMs = c / 1_000_000n;
  this.birthtimeMs = birth / 1_000_000n;
  this.atimeNs = a;
  this.mtimeNs = m;
  this.ctimeNs = c;
  this.birthtimeNs = birth;
  if (hasOwnDates) addDates(this);
}
/** node does not export BigIntStats: the class of one that it makes. */
RingBigIntStats.prototype = Object.getPrototypeOf(nodeFs.statSync('/', { bigint: true })) as object;

function addDates(stats: Fields): void {
  stats.atime = dateOf(stats.atimeMs as number | bigint);
  stats.mtime = dateOf(stats.mtimeMs as number | bigint);
  stats.ctime = dateOf(stats.ctimeMs as number | bigint);
  stats.birthtime = dateOf(stats.birthtimeMs as number | bigint);
}

const Numbers = RingStats as unknown as new () => Stats;
const BigInts = RingBigIntStats as unknown as new () => BigIntStats;

/** What stands in `statx`. */
export function takeStats(bigint: boolean): Stats | BigIntStats {
  return bigint ? new BigInts() : new Numbers();
}
