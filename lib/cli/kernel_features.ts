/**
 * What newer kernels than the oldest one bring, and what ringcore does without it.
 *
 * @module
 */
import { kernelAtLeast } from '../core/availability.js';
import type { RingProbe } from '../core/diagnostics.js';

/** Something that not every kernel from 6.1 has. */
export interface KernelFeature {
  /** The release that brought it. */
  since: string;
  /** What it is, in the kernel's terms. */
  what: string;
  /** What happens where it is missing. */
  without: string;
  present: boolean;
}

type Presence = string | ((probe: RingProbe) => boolean);

const opcode =
  (name: string): Presence =>
  (probe) =>
    probe.supports(name);

const onlyCore = 'these operations of ringcore/core fail with EINVAL';

/** Told by the opcode, or, where that says nothing, by the release. */
const features: [since: string, what: string, without: string, presence: Presence][] = [
  ['6.4', 'multishot timeout', 'interval() is re-armed after each tick', '6.4'],
  ['6.6', 'a ring without an index array', 'submissions write one more word', '6.6'],
  ['6.7', 'waitid, futex_wait, futex_wake, read_multishot', onlyCore, opcode('waitid')],
  ['6.7', 'getsockopt, setsockopt', onlyCore, '6.7'],
  ['6.8', 'fixed_fd_install', onlyCore, opcode('fixed_fd_install')],
  ['6.9', 'ftruncate', "truncate and ftruncate are node's own", opcode('ftruncate')],
  ['6.11', 'bind, listen', 'system calls do it; they never wait', opcode('bind')],
  ['6.12', 'incremental buffer rings', "sockets' data is copied out of fixed buffers", '6.12'],
  ['6.16', 'pipe', onlyCore, opcode('pipe')],
];

export function kernelFeatures(probe: RingProbe): KernelFeature[] {
  return features.map(([since, what, without, presence]) => {
    const present = typeof presence === 'string' ? kernelAtLeast(presence) : presence(probe);
    return { since, what, without, present };
  });
}
