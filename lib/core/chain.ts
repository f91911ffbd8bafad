/**
 * Chains: operations that run one after the other in the kernel, without coming back to JavaScript in between.
 *
 * @module
 */
import { expectListeners } from './abort.js';
import { ring as threadRing } from './backend.js';
import type { Waiter } from './completion.js';
import { IOSQE_IO_HARDLINK, IOSQE_IO_LINK } from './constants.js';
import { timeout as timer } from './control_ops.js';
import {
  abortError,
  ChainError,
  invalidArgType,
  invalidState,
  outOfRange,
  systemError,
  TimeoutError,
} from './errors.js';
import { commonOptions, Operation } from './operation.js';
import type { Ring } from './ring.js';
import { validateBoolean } from './validate.js';

/** Options of {@link chain}. */
export interface ChainOptions {
  /**
   * Hard links (IOSQE_IO_HARDLINK): go on after a failure too. Soft links stop: what follows rejects with ECANCELED. To
   * a soft link a short read or write is a failure.
   */
  hard?: boolean;
  /** Cancels what is left of the chain; it rejects at once with an AbortError. */
  signal?: AbortSignal | undefined;
  /** At most so long for all of it, in milliseconds, then a TimeoutError. */
  timeout?: number | undefined;
  /** The ring it goes to; by default that of its members. */
  ring?: Ring | undefined;
}

/** The values of a chain's members. */
export type ChainValues<O extends readonly Operation<unknown>[]> = {
  -readonly [K in keyof O]: O[K] extends Operation<infer T> ? T : never;
};

const ECANCELED = 'ECANCELED';
const noop = (): void => {};

/**
 * Links operations that have not been submitted, and hands them to the kernel in one piece. Resolves to their values,
 * in order; rejects with a {@link ChainError} (whose `results` has every member's outcome) when one of them failed.
 * Each member is a promise of its own too. With a member that is aborted before the chain begins, nothing of it runs,
 * hard links or not. A chain that is longer than half the ring's submission queue, or than its operation table, is
 * refused: ERR_OUT_OF_RANGE.
 */
export function chain<const O extends readonly Operation<unknown>[]>(
  operations: O,
  options: ChainOptions = {},
): Promise<ChainValues<O>> {
  const { signal, ring, timeoutMs } = commonOptions(options);
  // The caller may change the array while the chain runs.
  const members: readonly Operation<unknown>[] = Array.isArray(operations) ? [...operations] : [];
  if (!Array.isArray(operations) || !members.every((member) => member instanceof Operation)) {
    throw invalidArgType('operations', 'an array of Operation', operations);
  }
  if (members.length === 0) throw outOfRange('operations.length', '>= 1', 0);
  if (options.hard !== undefined) validateBoolean(options.hard, 'options.hard');
  if (new Set(members).size !== members.length || members.some(({ state }) => state !== 'new')) {
    throw invalidState('a member of a chain must not have been submitted, nor occur twice');
  }
  const checked = { signal, ring, timeout: timeoutMs > 0 ? timeoutMs : undefined, hard: options.hard };
  return new Chain(members, checked).run() as Promise<ChainValues<O>>;
}

class Chain implements Waiter {
  readonly #members: readonly Operation<unknown>[];
  readonly #options: ChainOptions;
  readonly #linkFlag: number;
  #ring: Ring | undefined;
  #refusal: unknown;

  constructor(members: readonly Operation<unknown>[], options: ChainOptions) {
    this.#members = members;
    this.#options = options;
    this.#linkFlag = options.hard === true ? IOSQE_IO_HARDLINK : IOSQE_IO_LINK;
  }

  async run(): Promise<unknown[]> {
    const { signal, timeout } = this.#options;
    if (signal?.aborted) {
      const error = abortError(signal.reason);
      for (const member of this.#members) member.cancel(signal.reason);
      throw error;
    }
    const ring = (this.#ring = this.#pickRing());
    for (const member of this.#members) member.join(ring);

    let stopped: { error: unknown } | undefined;
    const stop = (error: unknown): void => {
      stopped ??= { error };
      for (const member of this.#members) member.abandonWith(error);
      this.#cancelRest();
    };
    const onAbort = (): void => stop(abortError(signal?.reason));
    if (signal !== undefined) {
      expectListeners(signal);
      signal.addEventListener('abort', onAbort);
    }
    let limit: Operation<void> | undefined;
    if (timeout !== undefined && timeout !== Infinity) {
      limit = timer(timeout, { ring });
      limit.then(() => stop(new TimeoutError('chain', timeout)), noop);
    }
    try {
      this.#enter(ring);
      const results = await Promise.allSettled(this.#members);
      if (stopped !== undefined) throw stopped.error;
      if (this.#refusal !== undefined) throw this.#refusal as Error;
      return valuesOf(results);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      limit?.cancel();
    }
  }

  #enter(ring: Ring): void {
    try {
      ring.admit(this);
    } catch (error) {
      this.refuse(error);
    }
  }

  #pickRing(): Ring {
    const ring =
      this.#options.ring ?? this.#members.find((member) => member.ring !== undefined)?.ring ?? threadRing();
    if (!this.#members.every((member) => member.fits(ring))) {
      throw invalidState('the members of a chain must go to one ring');
    }
    return ring;
  }

  /**
   * The kernel finds only the member that is running, not those that wait behind it. After a soft link's failure they
   * are cancelled by themselves; behind a hard link each is cancelled when its turn has come.
   */
  #cancelRest(): void {
    const left = this.#members.filter(({ slot }) => slot >= 0);
    const ring = this.#ring!;
    if (left.length === 0 || ring.closed) return;
    for (const { slot } of left) ring.native.cancel(slot);
    if (this.#linkFlag === IOSQE_IO_HARDLINK) void left[0]!.released.then(() => this.#cancelRest());
  }

  admit(): boolean {
    const ring = this.#ring!;
    const members = this.#members;
    if (members.some((member) => member.settled)) {
      // Nothing of it has begun, and nothing may: the others end as if behind a failure.
      for (const member of members) member.refuse(systemError(-125, member.name));
      return true;
    }
    const begun = ring.native.beginChain(members.length);
    if (begun === -1) return false;
    if (begun === -2) {
      this.refuse(
        outOfRange(
          'operations.length',
          'no longer than the submission queue and the operation table',
          members.length,
        ),
      );
      return true;
    }
    const slots = members.map((member, index) => {
      const linkFlag = index < members.length - 1 ? this.#linkFlag : 0;
      try {
        return member.prepare(linkFlag);
      } catch (error) {
        // Its memory is gone, its target has completed. The kernel has been promised so many operations: this one
        // fails for certain (EBADF), and a soft chain ends here as it should.
        member.abandonWith(error);
        return ring.native.close(linkFlag, 0, -1);
      }
    });
    // Not before all are prepared: who was cancelled meanwhile asks for it now, and that is an SQE of its own, which
    // must not stand in the middle of the chain.
    members.forEach((member, index) => member.started(slots[index]!));
    return true;
  }

  refuse(error: unknown): void {
    this.#refusal = error;
    for (const member of this.#members) member.refuse(error);
  }
}

function valuesOf(results: PromiseSettledResult<unknown>[]): unknown[] {
  const failures = results.filter((result) => result.status === 'rejected');
  if (failures.length === 0)
    return results.map((result) => (result as PromiseFulfilledResult<unknown>).value);
  const isConsequence = ({ reason }: PromiseRejectedResult): boolean =>
    (reason as { code?: string } | undefined)?.code === ECANCELED;
  const first = failures.find((failure) => !isConsequence(failure)) ?? failures[0]!;
  const index = results.indexOf(first);
  const reason: unknown = first.reason;
  // A short read or write is a success for itself, and breaks a soft link all the same.
  const severed = isConsequence(first) ? ' (the one before it brought less than was asked for)' : '';
  const text = (reason instanceof Error ? reason.message : String(reason)) + severed;
  throw new ChainError(`Operation ${index + 1} of ${results.length} failed: ${text}`, reason, results);
}
