/**
 * Copies for programs.
 *
 * @module
 */

/**
 * A copy with an ArrayBuffer of its own, so that a program may transfer or detach it. Never from Buffer's pool, which
 * belongs to everybody: `Buffer.from(view)` would be a piece of that.
 */
export function ownCopy(view: Uint8Array): Buffer {
  // V8 keeps up to 64 bytes on its own heap, which is no dearer than the pool.
  const copy = Buffer.allocUnsafeSlow(view.length);
  copy.set(view);
  return copy;
}
