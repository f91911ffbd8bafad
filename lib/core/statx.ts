/**
 * struct statx, decoded.
 *
 * @module
 */

/** The size of struct statx. */
export const statxBytes = 256;

/** A file's metadata; fields that node:fs's Stats has too, have the same names. */
export interface Statx<N = number> {
  /** STATX_*: which fields the file system filled in. */
  mask: number;
  /** The device that the file is on. */
  dev: N;
  /** The inode number. */
  ino: N;
  /** Type and permissions. */
  mode: N;
  /** How many names it has. */
  nlink: N;
  /** Its owner. */
  uid: N;
  /** Its group. */
  gid: N;
  /** Of a device file: the device. */
  rdev: N;
  /** In bytes. */
  size: N;
  /** The block size for efficient I/O. */
  blksize: N;
  /** Blocks of 512 bytes. */
  blocks: N;
  /** When it was last read, in milliseconds since 1970. */
  atimeMs: N;
  /** When its contents last changed. */
  mtimeMs: N;
  /** When its status last changed. */
  ctimeMs: N;
  /** When it was made; 0 if unknown. */
  birthtimeMs: N;
  /** As atimeMs, in nanoseconds; these four with `bigint: true`. */
  atimeNs?: bigint;
  /** As mtimeMs, in nanoseconds. */
  mtimeNs?: bigint;
  /** As ctimeMs, in nanoseconds. */
  ctimeNs?: bigint;
  /** As birthtimeMs, in nanoseconds. */
  birthtimeNs?: bigint;
  /** STATX_ATTR_*. */
  attributes: bigint;
  /** Which of the attributes the file system knows. */
  attributesMask: bigint;
  /** The mount's id (5.8). */
  mntId: bigint;
  /** The alignment in bytes that O_DIRECT needs of memory (6.1); 0 if unknown or impossible. */
  dioMemAlign: number;
  /** And of offsets. */
  dioOffsetAlign: number;
}

/** dev_t of its two halves, as the C library's makedev() makes it. */
function makedev(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & ~0xfffn) << 32n) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | (low & 0xffn);
}

/** Offsets are those of struct statx in linux/stat.h; the kernel fills it in its own byte order. */
export function decodeStatx(bytes: Uint8Array, bigint: boolean): Statx<number | bigint> {
  const data = new DataView(bytes.buffer, bytes.byteOffset, statxBytes);
  const u32 = (offset: number): number => data.getUint32(offset, true);
  const u64 = (offset: number): bigint => data.getBigUint64(offset, true);
  const nanoseconds = (offset: number): bigint =>
    data.getBigInt64(offset, true) * 1_000_000_000n + BigInt(u32(offset + 8));
  // Seconds and nanoseconds apart: a double holds milliseconds with some digits to spare, not nanoseconds.
  const milliseconds = (offset: number): number =>
    Number(data.getBigInt64(offset, true)) * 1e3 + u32(offset + 8) / 1e6;
  const time = (offset: number): number | bigint =>
    bigint ? nanoseconds(offset) / 1_000_000n : milliseconds(offset);
  const value = (number: number | bigint): number | bigint => (bigint ? BigInt(number) : Number(number));
  return {
    mask: u32(0),
    dev: value(makedev(u32(136), u32(140))),
    ino: value(u64(32)),
    mode: value(data.getUint16(28, true)),
    nlink: value(u32(16)),
    uid: value(u32(20)),
    gid: value(u32(24)),
    rdev: value(makedev(u32(128), u32(132))),
    size: value(u64(40)),
    blksize: value(u32(4)),
    blocks: value(u64(48)),
    atimeMs: time(64),
    mtimeMs: time(112),
    ctimeMs: time(96),
    birthtimeMs: time(80),
    ...(bigint && {
      atimeNs: nanoseconds(64),
      mtimeNs: nanoseconds(112),
      ctimeNs: nanoseconds(96),
      birthtimeNs: nanoseconds(80),
    }),
    attributes: u64(8),
    attributesMask: u64(56),
    mntId: u64(144),
    dioMemAlign: u32(152),
    dioOffsetAlign: u32(156),
  };
}
