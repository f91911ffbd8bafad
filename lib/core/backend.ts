/**
 * Decides, when the module is first imported in a thread, whether io_uring or node's own modules do the work here.
 *
 * @module
 */
import { release } from 'node:os';
import { invalidArgValue, unavailableError, type Unavailability, type UnavailableError } from './errors.js';
import { Ring } from './ring.js';

/** Who does the work, and why. */
export interface Backend {
  /** `io_uring`, or `node`: every import works all the same, on node:fs and node:net. */
  readonly name: 'io_uring' | 'node';
  /** Why it isn't io_uring: the step that failed, and its errno. */
  readonly reason?: string;
  /** The errno's name, or the reason's: `EPERM`, `ENOSYS`, `RINGCORE_BACKEND`, … */
  readonly code?: string;
  /** What to do about it. */
  readonly remedy?: string;
  /** The kernel's release. */
  readonly kernel: string;
}

/** This thread's ring; opened at import, or when first asked for after it was closed. */
let threadRing: Ring | undefined;
let refusal: Unavailability | undefined;

/**
 * Opening a ring is the only test that counts: a container's profile, a sysctl, a limit, a security module each fail
 * at another step. `RINGCORE_BACKEND=io_uring` makes a failure an error at import; `node` forces node's own.
 */
function decide(): Backend {
  const wanted = process.env.RINGCORE_BACKEND;
  if (wanted !== undefined && wanted !== '' && wanted !== 'node' && wanted !== 'io_uring') {
    throw invalidArgValue('RINGCORE_BACKEND', wanted, "must be 'io_uring', 'node' or unset");
  }
  const kernel = release();
  try {
    threadRing = Ring.open();
    return Object.freeze({ name: 'io_uring', kernel } as const);
  } catch (error) {
    if (wanted === 'io_uring') throw error;
    const { reason, reasonCode: code, remedy, cause } = error as UnavailableError;
    refusal = { reason, code, remedy, cause };
    return Object.freeze({ name: 'node', reason, code, remedy, kernel } as const);
  }
}

/** Who does the work in this thread: io_uring, or node's own modules, and then why. */
export const backend: Backend = decide();

/** This thread's ring. On the node backend: throws ERR_RINGCORE_UNAVAILABLE. */
export function ring(): Ring {
  if (threadRing === undefined || threadRing.closed) {
    if (refusal !== undefined) throw unavailableError(refusal, ring);
    threadRing = Ring.open();
  }
  return threadRing;
}
