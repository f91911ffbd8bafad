/**
 * Listening for the abort of a signal that many calls share.
 *
 * @module
 */

/** A signal's one listener, and all that wait for it. */
interface Watch {
  readonly waiting: Set<() => void>;
  readonly listener: () => void;
}

const watches = new WeakMap<AbortSignal, Watch>();

function watch(signal: AbortSignal): Watch | undefined {
  const waiting = new Set<() => void>();
  const listener = (): void => {
    watches.delete(signal);
    for (const wake of waiting) wake();
  };
  try {
    signal.addEventListener('abort', listener, { once: true });
  } catch {
    return undefined;
  }
  const watched = { waiting, listener };
  watches.set(signal, watched);
  return watched;
}

/**
 * Calls back when the signal is aborted, until what it returns is called. However many wait, the signal has one
 * listener: with one each, node would warn of a leak at the eleventh readFile. Undefined: this only looks like a signal
 * (node takes such), and has to be asked.
 */
export function onAbort(signal: AbortSignal, callback: () => void): (() => void) | undefined {
  const watched = watches.get(signal) ?? watch(signal);
  if (watched === undefined) return undefined;
  const { waiting, listener } = watched;
  // One of its own, so that a callback given twice waits twice.
  const wake = (): void => callback();
  waiting.add(wake);
  return () => {
    waiting.delete(wake);
    if (waiting.size > 0) return;
    signal.removeEventListener('abort', listener);
    if (watches.get(signal) === watched) watches.delete(signal);
  };
}
