// What the tests of cat, raw_ring and linked_cat copy.

export const names = ['cat', 'raw_ring', 'linked_cat'];

/** linked_cat's block; the others' is twice as long. */
export const block = 32 * 1024;

/** Bytes that do not repeat at any block's size, so that a block in the wrong place is found. */
export function bytesOf(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at++) bytes[at] = (at ^ (at >> 8) ^ ((at >> 15) * 37)) & 0xff;
  return bytes;
}
