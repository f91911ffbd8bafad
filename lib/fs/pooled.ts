/**
 * Reads and writes at a position that others use as well, by node's own functions. Its threads call read(2), write(2) and their
 * like, which hold the position's lock; the ring's requests do not, and nothing in io_uring does.
 *
 * The memory is held by node until the end. Nothing here can be cancelled.
 *
 * @module
 */
import { nextTick } from '../core/unmocked.js';
import { EFAULT, EIO } from './errors.js';
import nodeFs from './node_fs.js';
import type { Settle } from './request.js';

/** The most that the kernel moves in one call. */
export const mostPooledBytes = 0x7ffff000;

type Done = (error: NodeJS.ErrnoException | null, count: number) => void;

function begin(start: (done: Done) => void, settle: Settle): void {
  try {
    start((error, count) => settle(error === null ? count : (error.errno ?? EIO)));
  } catch {
    // The buffer has been detached while this waited for its turn.
    nextTick(settle, EFAULT);
  }
}

type Call = (fd: number, memory: Uint8Array, offset: number, length: number, at: null, done: Done) => void;
type Transfer = (fd: number, memory: Uint8Array, offset: number, length: number, settle: Settle) => void;

const pooled =
  (call: Call): Transfer =>
  (fd, memory, offset, length, settle) =>
    begin((done) => call(fd, memory, offset, Math.min(length, mostPooledBytes), null, done), settle);

export const readPooled = pooled((...args) => nodeFs.read(...args));
export const writePooled = pooled((...args) => nodeFs.write(...args));

/** `views` throws when a buffer has been detached. */
export function readvPooled(fd: number, views: () => Uint8Array[], settle: Settle): void {
  begin((done) => nodeFs.readv(fd, views(), done), settle);
}

const nothing = [new Uint8Array(0)];

/** As {@link readvPooled}. */
export function writevPooled(fd: number, views: () => Uint8Array[], settle: Settle): void {
  begin((done) => {
    const some = views();
    // Of no views node does not ask the kernel, which may refuse to write.
    nodeFs.writev(fd, some.length > 0 ? some : nothing, done);
  }, settle);
}
