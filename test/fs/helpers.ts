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

/**
 * Bytes that differ from one position to the next, and from one 4 KiB block to the next. Read as UTF-8 they have as many
 * characters: a stream has its fill with a chunk, whoever decodes it.
 */
export function pattern(bytes: number): Buffer {
  const data = Buffer.allocUnsafe(bytes);
  for (let i = 0; i < bytes; i++) data[i] = (i * 31 + (i >> 12) * 7) & 0xff;
  return data;
}

/** What an error says to a program. */
export function errorFacts(error: unknown): object {
  if (!(error instanceof Error)) return { notAnError: error };
  const { name, message, code, errno, syscall, path } = error as NodeJS.ErrnoException;
  const { dest } = error as { dest?: string };
  return {
    class: error.constructor.name,
    name,
    message,
    code,
    errno,
    syscall,
    path,
    dest,
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

interface CalledBack {
  thrown?: object;
  called?: unknown[];
  later?: boolean;
  receiver?: unknown;
}

/** The outcome of a callback form, as {@link outcome}; and whether it was called later, and without a `this`. */
export function calledBack(call: (done: (...results: unknown[]) => void) => void): Promise<CalledBack> {
  return new Promise((resolve) => {
    let returned = false;
    function done(this: unknown, ...results: unknown[]): void {
      const facts = results.map((value) => (value instanceof Error ? errorFacts(value) : value));
      resolve({ called: facts, later: returned, receiver: this });
    }
    try {
      call(done);
      returned = true;
    } catch (error) {
      resolve({ thrown: errorFacts(error) });
    }
  });
}

/** All that is below a directory: names, types, permissions, sizes, what links lead to. */
export function treeOf(directory: string): string[] {
  const rows: string[] = [];
  const visit = (path: Buffer, name: string): void => {
    const { mode, size, nlink } = nodeFs.lstatSync(path);
    const isLink = (mode & nodeFs.constants.S_IFMT) === nodeFs.constants.S_IFLNK;
    const isDirectory = (mode & nodeFs.constants.S_IFMT) === nodeFs.constants.S_IFDIR;
    const content = isLink ? nodeFs.readlinkSync(path) : isDirectory ? '' : `${size} ${nlink}`;
    rows.push(`${name} ${mode.toString(8)} ${content}`);
    if (!isDirectory) return;
    const entries = nodeFs.readdirSync(path, { encoding: 'buffer' }).sort((a, b) => a.compare(b));
    for (const entry of entries) {
      visit(Buffer.concat([path, Buffer.from('/'), entry]), `${name}/${entry.toString('latin1')}`);
    }
  };
  visit(Buffer.from(directory), '');
  return rows;
}
