/**
 * Memory that begins at a page, as O_DIRECT wants it.
 *
 * @module
 */
import { invalidArgValue } from './errors.js';
import { validateInteger } from './validate.js';

/** The smallest page that Linux has; others are multiples of it. */
const pageBytes = 4096;

// ES2024; newer than the library that the types are written for, older than node 20.
const PageAlignedBuffer = ArrayBuffer as new (
  bytes: number,
  options: { maxByteLength: number },
) => ArrayBuffer;

/**
 * A Buffer of zeroes that begins at a multiple of `alignment`, a power of two up to 4096: for files opened with
 * O_DIRECT. `statx` tells what a file needs: `dioMemAlign` of memory, `dioOffsetAlign` of offsets and lengths.
 */
export function alignedBuffer(bytes: number, alignment: number = pageBytes): Buffer {
  validateInteger(bytes, 'bytes', 1, 2 ** 30);
  validateInteger(alignment, 'alignment', 1, pageBytes);
  if ((alignment & (alignment - 1)) !== 0)
    throw invalidArgValue('alignment', alignment, 'must be a power of two');
  // A resizable ArrayBuffer is memory of its own, in whole pages; an ordinary one comes from malloc, unaligned.
  return Buffer.from(new PageAlignedBuffer(bytes, { maxByteLength: bytes }), 0, bytes);
}
