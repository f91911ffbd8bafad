/**
 * The few facts that are read from /proc, synchronously and before there is a ring: hence by node:fs.
 *
 * @module
 */
import { readFileSync } from 'node:fs';

/** The file's text without white space around it, or undefined where it cannot be read. */
export function readProcFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined;
  }
}

/** kernel.io_uring_disabled (since Linux 6.6): 0 allowed, 1 for the privileged and one group only, 2 for nobody. */
export function ioUringDisabled(): number | undefined {
  const text = readProcFile('/proc/sys/kernel/io_uring_disabled');
  return text === undefined ? undefined : Number(text);
}

/** Whether a seccomp filter is on this process (containers' default profiles refuse io_uring). */
export function seccompFiltered(): boolean {
  return /^Seccomp:\s*2$/m.test(readProcFile('/proc/self/status') ?? '');
}
