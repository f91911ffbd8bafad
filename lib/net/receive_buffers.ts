/**
 * Where received data goes: buffers that all sockets of a ring share, and from which the kernel takes one when data has
 * come. An idle connection holds none.
 *
 * @module
 */
import { kernelAtLeast } from '../core/availability.js';
import { BufferRing } from '../core/buffers.js';
import type { Ring } from '../core/ring.js';

// Used up piece by piece, a buffer serves a thousand small messages, and large ones come in long pieces. Without that
// every message takes a whole buffer: then many small ones are better than few large ones. A mebibyte is what one turn of
// the event loop handles at most: with more, one call of the kernel would fill more, and other handles wait meanwhile.
const incremental = { entries: 16, bufferBytes: 64 * 1024 };
const whole = { entries: 256, bufferBytes: 16 * 1024, incremental: false };

/**
 * A stream is told to stop only when JavaScript sees that it is full. By then one multishot receive could have taken every
 * buffer for a socket that nobody reads, and each of many such sockets does. So it ends after so many bytes, and after
 * four times as many whenever a reader has kept up with it, until there is no limit (docs/decisions/0010-receiving.md).
 */
export const firstLimit = kernelAtLeast('6.17') ? 128 * 1024 : 0;
const lastLimit = 512 * 1024;

/** The next limit of a receive whose data has been taken. */
export const raisedLimit = (limit: number): number => (limit >= lastLimit ? 0 : limit * 4);

const shared = new WeakMap<Ring, BufferRing | null>();

/** The ring's buffers; null where the kernel refuses to take any: then each receive brings its own memory. */
export function receiveBuffers(ring: Ring): BufferRing | null {
  let buffers = shared.get(ring);
  if (buffers === undefined) {
    buffers = makeBuffers(ring);
    shared.set(ring, buffers);
  }
  return buffers;
}

function makeBuffers(ring: Ring): BufferRing | null {
  try {
    return new BufferRing({ ring, ...(kernelAtLeast('6.12') ? incremental : whole) });
  } catch {
    return null;
  }
}
