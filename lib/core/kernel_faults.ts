/**
 * Faults of the kernel's io_uring that matter to ringcore or to its users, and which releases have them: SECURITY.md.
 *
 * @module
 */
import { release, version } from 'node:os';

/** A fault, by the releases of kernel.org. */
export interface KernelFault {
  id: string;
  what: string;
  /** The release that brought it. */
  since: string;
  /** The first release of each mended branch that is without it; the main line's is the last. */
  mended: readonly string[];
}

/** A multishot receive loses the end of a Unix socket when it comes right behind data. */
export const lostEnd: KernelFault = {
  id: 'CVE-2026-23473 (withdrawn)',
  what: 'the end of a Unix socket is lost when it comes right behind data: such sockets receive in a slower way',
  since: '6.17',
  mended: ['6.18.20', '6.19.10', '7.0'],
};

const faults: readonly KernelFault[] = [
  {
    id: 'CVE-2023-2598',
    what: 'registering a buffer gives any program access to memory behind it',
    since: '6.3',
    mended: ['6.3.2', '6.4'],
  },
  {
    id: 'CVE-2024-0582',
    what: 'any program can go on using freed memory of the kernel, by buffer rings that the kernel allocates',
    since: '6.4',
    mended: ['6.6.5', '6.7'],
  },
  {
    id: 'CVE-2026-46274',
    what: 'an abort of a write that waits for a kernel worker can have the kernel write to memory that it has freed',
    since: '5.9',
    mended: ['6.1.175', '6.6.141', '6.12.91', '6.18.33', '7.0.10', '7.1'],
  },
  lostEnd,
];

type Version = [major: number, minor: number, patch: number];

function parse(text: string): Version {
  const [, major = 0, minor = 0, patch = 0] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return [Number(major), Number(minor), Number(patch)];
}

const compare = (a: Version, b: Version): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];

/**
 * The running kernel's release, as kernel.org counts. Debian's name has the branch only (6.1.0-56); what is built says more.
 * Of others that count for themselves (6.8.0-40-generic) nothing is known but the branch.
 */
export function kernelRelease(): string {
  return /\bDebian (\d+\.\d+\.\d+)/.exec(version())?.[1] ?? release();
}

/** Whether a release has the fault, unless who built it has mended it. */
export function hasFault({ since, mended }: KernelFault, kernel = kernelRelease()): boolean {
  const running = parse(kernel);
  if (compare(running, parse(since)) < 0) return false;
  const versions = mended.map(parse);
  const branch = versions.find(([major, minor]) => major === running[0] && minor === running[1]);
  return compare(running, branch ?? versions.at(-1)!) < 0;
}

/** The faults of a release. */
export function kernelFaults(kernel = kernelRelease()): KernelFault[] {
  return faults.filter((fault) => hasFault(fault, kernel));
}
