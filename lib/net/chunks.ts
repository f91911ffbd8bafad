/**
 * What a stream is given to write.
 *
 * @module
 */

/** A part of a write: text in its encoding, or bytes. */
export interface Piece {
  chunk: string | Uint8Array;
  encoding: BufferEncoding;
}

/** How many bytes a piece has, or more: of text in base64 or hex that is not known before it is decoded. */
export function byteLength({ chunk, encoding }: Piece): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : chunk.byteLength;
}

/** Whether its buffer was detached. ArrayBuffers tell since node 21. */
export function isDetached({ chunk }: Piece): boolean {
  if (typeof chunk === 'string' || chunk.byteLength > 0) return false;
  try {
    new Uint8Array(chunk.buffer);
    return false;
  } catch {
    return true;
  }
}

/** Whether it may have become less than was written. */
export function mayHaveShrunk(piece: Piece): boolean {
  const { chunk } = piece;
  if (typeof chunk === 'string') return false;
  return (chunk.buffer as { resizable?: boolean }).resizable === true || isDetached(piece);
}

/** 'buffer' is what a stream calls the encoding of bytes; of text among others, node takes it for UTF-8. */
function textEncoding(encoding: BufferEncoding): BufferEncoding {
  return (encoding as string) === 'buffer' ? 'utf8' : encoding;
}

/** Up to here one copy is cheaper than a vector for each part. */
export const gatherBytes = 4096;

/** The parts of a write, in one piece where they are small. */
export function gather(pieces: Piece[]): Uint8Array[] {
  let total = 0;
  for (const piece of pieces) total += byteLength(piece);
  if (total > gatherBytes) {
    return pieces.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, textEncoding(encoding)) : chunk,
    );
  }
  const all = Buffer.allocUnsafe(total);
  let at = 0;
  for (const { chunk, encoding } of pieces) {
    if (typeof chunk === 'string') {
      at += all.write(chunk, at, textEncoding(encoding));
    } else {
      all.set(chunk, at);
      at += chunk.byteLength;
    }
  }
  // Text that is no proper base64 or hex gives less than its length lets expect.
  return [all.subarray(0, at)];
}

/** A view, and how many pieces are over with it. */
export interface Part {
  view: Uint8Array;
  pieces: number;
}

function* parts(group: Piece[]): Generator<Part> {
  if (group.length === 0) return;
  const views = gather(group);
  const pieces = views.length === group.length ? 1 : group.length;
  for (const view of views) yield { view, pieces };
}

/** The same piece by piece, as they are asked for: there may be much that nobody will take. */
export function* gatherInGroups(pieces: Piece[]): Generator<Part> {
  let group: Piece[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    group.push(piece);
    bytes += byteLength(piece);
    if (bytes < gatherBytes) continue;
    yield* parts(group);
    group = [];
    bytes = 0;
  }
  yield* parts(group);
}
