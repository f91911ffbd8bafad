/**
 * Listening for the abort of a signal that many calls share.
 *
 * @module
 */

const watched = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back when the signal is aborted, until what it returns is called. However many wait, the signal has one
 * listener: with one each, node would warn of a leak at the eleventh readFile. Undefined: this only looks like a signal
 * (node takes such), and has to be asked.
 */
export function onAbort(signal: AbortSignal, callback: () => void): (() => void) | undefined {
  let waiting = watched.get(signal);
  if (waiting === undefined) {
    const all = (waiting = new Set());
    const listener = (): void => {
      watched.delete(signal);
      for (const wake of all) wake();
    };
    try {
      signal.addEventListener('abort', listener, { once: true });
    } catch {
      return undefined;
    }
    listeners.set(all, listener);
    watched.set(signal, all);
  }
  const all = waiting;
  // One of its own, so that a callback given twice waits twice.
  const wake = (): void => callback();
  all.add(wake);
  return () => {
    all.delete(wake);
    if (all.size > 0) return;
    signal.removeEventListener('abort', listeners.get(all)!);
    if (watched.get(signal) === all) watched.delete(signal);
  };
}

const listeners = new WeakMap<Set<() => void>, () => void>();
