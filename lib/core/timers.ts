/**
 * Timers on IORING_OP_TIMEOUT; on the node backend, node's own.
 *
 * @module
 */
import { kernelAtLeast } from './availability.js';
import { backend } from './backend.js';
import { timeout, timeoutMultishot } from './control_ops.js';
import { abortError } from './errors.js';
import { nodeTimers } from './seldom.js';
import { validateAbortSignal, validateBoolean, validateDuration } from './validate.js';
import { now } from './unmocked.js';

/** Options of {@link sleep}. */
export interface SleepOptions<T = void> {
  /** Ends it early: it rejects with an AbortError. */
  signal?: AbortSignal | undefined;
  /** What it resolves to. */
  value?: T;
  /** Whether it keeps the event loop alive. Default true. */
  ref?: boolean;
}

/** Options of {@link interval}. */
export interface IntervalOptions {
  /** Ends it: the iteration rejects with an AbortError. */
  signal?: AbortSignal | undefined;
  /** Whether it keeps the event loop alive. Default true. */
  ref?: boolean;
}

function validateTimerOptions(
  ms: number,
  options: { signal?: AbortSignal | undefined; ref?: boolean },
): void {
  validateDuration(ms, 'ms');
  validateAbortSignal(options.signal);
  if (options.ref !== undefined) validateBoolean(options.ref, 'options.ref');
}

/** Resolves after `ms` milliseconds (fractions count), to `value`. */
export async function sleep<T = void>(ms: number, options: SleepOptions<T> = {}): Promise<T> {
  validateTimerOptions(ms, options);
  const { signal, ref = true, value } = options;
  if (backend.name === 'node') {
    return nodeTimers().setTimeout(ms, value, { ref, ...(signal && { signal }) });
  }
  const operation = timeout(ms, { signal });
  if (!ref) operation.unref();
  await operation;
  return value as T;
}

/**
 * Iterates over 1, 2, 3, … every `ms` milliseconds (at least 1), without drift: a slow reader finds the ticks that it
 * has missed at once. The clock runs from the first `next()` on; leaving the loop stops it.
 */
export function interval(ms: number, options: IntervalOptions = {}): AsyncIterable<number> {
  validateTimerOptions(ms, options);
  // As setInterval. (A multishot timer of 0 would complete without end.)
  const period = Math.max(ms, 1);
  if (backend.name === 'node') return nodeTicks(period, options);
  if (!kernelAtLeast('6.4')) return rearmedTicks(period, options);
  const ticks = timeoutMultishot(period, { signal: options.signal });
  return options.ref === false ? ticks.unref() : ticks;
}

/** Kernels before 6.4 have no multishot timer. Each tick's time is reckoned from the beginning, hence no drift. */
async function* rearmedTicks(
  period: number,
  { signal, ref = true }: IntervalOptions,
): AsyncGenerator<number> {
  const begin = now();
  for (let tick = 1; ; tick++) {
    const left = begin + tick * period - now();
    if (left > 0) await sleep(left, { signal, ref });
    else if (signal?.aborted) throw abortError(signal.reason);
    yield tick;
  }
}

async function* nodeTicks(period: number, { signal, ref = true }: IntervalOptions): AsyncGenerator<number> {
  let tick = 0;
  const ticks = nodeTimers().setInterval(period, undefined, { ref, ...(signal && { signal }) });
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  for await (const _ of ticks) yield ++tick;
}
