/**
 * Descriptors of which only ringcore knows: it has opened the file, and has told nobody the number. Nobody else can move the
 * file's position. Of all others somebody may: synchronous calls, other threads, processes that have inherited the file.
 *
 * @module
 */

const unseen = new Set<number>();

/** A file has just been opened. */
export function keepPrivate(fd: number): void {
  unseen.add(fd);
}

export function isPrivate(fd: number): boolean {
  return unseen.has(fd);
}

/** Somebody is told the number, or it is closed. What the kernel is doing at its position at this moment it does not lock. */
export function expose(fd: number): void {
  unseen.delete(fd);
}
