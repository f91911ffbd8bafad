// What the tests of fs have in common.
import nodeFs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { getEventListeners } from 'node:events';

/** How many descriptors this process has open. */
export function descriptors(): number {
  return nodeFs.readdirSync('/proc/self/fd').length;
}

/** Waits until no more descriptors are open than at the beginning; the count at last. */
export async function settledDescriptors(baseline: number): Promise<number> {
  for (let round = 0; round < 100 && descriptors() > baseline; round++) await wait(10);
  return descriptors();
}

/** How many listen for the abort of a signal. */
export function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length;
}

/** Bytes that differ from one position to the next, and from one 4 KiB block to the next. */
export function pattern(bytes: number): Buffer {
  const data = Buffer.allocUnsafe(bytes);
  for (let i = 0; i < bytes; i++) data[i] = (i * 31 + (i >> 12) * 7) & 0xff;
  return data;
}

/** What an error says to a program. */
export function errorFacts(error: unknown): object {
  if (!(error instanceof Error)) return { notAnError: error };
  const { name, message, code, errno, syscall, path } = error as NodeJS.ErrnoException;
  return {
    class: error.constructor.name,
    name,
    message,
    code,
    errno,
    syscall,
    path,
    keys: Object.keys(error),
  };
}

/** The outcome of a call that may throw, reject, or resolve; results by `facts`. */
export async function outcome(
  call: () => unknown,
  facts: (value: unknown) => unknown = (value) => value,
): Promise<unknown> {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    return { thrown: errorFacts(error) };
  }
  try {
    return { resolved: facts(await result) };
  } catch (error) {
    return { rejected: errorFacts(error) };
  }
}
