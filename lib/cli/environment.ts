/**
 * What surrounds this process, as /proc tells it: limits, filters, switches, the container.
 *
 * @module
 */
import { ioUringDisabled, readProcFile } from '../core/node_procfs.js';

/** A limit of getrlimit(2); null: there is none. */
export interface Limit {
  soft: number | null;
  hard: number | null;
}

export interface Limits {
  /** RLIMIT_MEMLOCK, in bytes. Counts rings and registered buffers; processes with CAP_IPC_LOCK are exempt. */
  memlock: Limit;
  /** RLIMIT_NOFILE: open descriptors. */
  nofile: Limit;
}

export interface Seccomp {
  /** `none`, `strict`, `filter`; `unknown` where /proc does not say. */
  mode: 'none' | 'strict' | 'filter' | 'unknown';
  /** How many filters are on this process. */
  filters: number | null;
}

export interface Sysctl {
  /** kernel.io_uring_disabled (since 6.6): 0 allowed, 1 for the privileged and one group, 2 for nobody; null: not there. */
  ioUringDisabled: number | null;
  /** kernel.io_uring_group: the group that may use it where the former is 1; -1: none. */
  ioUringGroup: number | null;
}

export interface Container {
  /** What shows that this is a container; null: nothing does. */
  kind: 'docker' | 'podman' | 'kubernetes' | null;
  /** This process's control group (version 2). */
  cgroup: string | null;
  /** memory.max of the control group, in bytes: the rings' memory counts against it. null: no limit, or none that can be seen. */
  memoryMaxBytes: number | null;
}

export interface User {
  uid: number;
  gid: number;
  groups: number[];
  /** Has CAP_IPC_LOCK: RLIMIT_MEMLOCK does not apply. */
  mayLockMemory: boolean;
  /** Has CAP_SYS_ADMIN: kernel.io_uring_disabled=1 does not apply. */
  isAdmin: boolean;
}

const CAP_IPC_LOCK = 14;
const CAP_SYS_ADMIN = 21;

const status = (): string => readProcFile('/proc/self/status') ?? '';

function limit(name: string): Limit {
  const line = new RegExp(`^${name}\\s+(\\S+)\\s+(\\S+)`, 'm').exec(readProcFile('/proc/self/limits') ?? '');
  const value = (text: string | undefined): number | null =>
    text === undefined || text === 'unlimited' ? null : Number(text);
  return { soft: value(line?.[1]), hard: value(line?.[2]) };
}

export function limits(): Limits {
  return { memlock: limit('Max locked memory'), nofile: limit('Max open files') };
}

export function seccomp(): Seccomp {
  const mode = /^Seccomp:\s*(\d)$/m.exec(status())?.[1];
  const filters = /^Seccomp_filters:\s*(\d+)$/m.exec(status())?.[1];
  return {
    mode:
      mode === undefined ? 'unknown' : ((['none', 'strict', 'filter'] as const)[Number(mode)] ?? 'unknown'),
    filters: filters === undefined ? null : Number(filters),
  };
}

export function sysctl(): Sysctl {
  const group = readProcFile('/proc/sys/kernel/io_uring_group');
  return {
    ioUringDisabled: ioUringDisabled() ?? null,
    ioUringGroup: group === undefined ? null : Number(group),
  };
}

export function container(): Container {
  const cgroup = /^0::(.*)$/m.exec(readProcFile('/proc/self/cgroup') ?? '')?.[1];
  const memoryMax = cgroup === undefined ? undefined : readProcFile(`/sys/fs/cgroup${cgroup}/memory.max`);
  const bytes = Number(memoryMax ?? NaN);
  let kind: Container['kind'] = null;
  if (process.env.KUBERNETES_SERVICE_HOST !== undefined) kind = 'kubernetes';
  else if (readProcFile('/.dockerenv') !== undefined) kind = 'docker';
  else if (readProcFile('/run/.containerenv') !== undefined) kind = 'podman';
  return { kind, cgroup: cgroup ?? null, memoryMaxBytes: Number.isNaN(bytes) ? null : bytes };
}

/** null where the system has no such numbers. */
export function user(): User | null {
  if (process.getuid === undefined) return null;
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status())?.[1] ?? '0'}`);
  const has = (capability: number): boolean => ((effective >> BigInt(capability)) & 1n) === 1n;
  return {
    uid: process.geteuid!(),
    gid: process.getegid!(),
    groups: process.getgroups!(),
    mayLockMemory: has(CAP_IPC_LOCK),
    isAdmin: has(CAP_SYS_ADMIN),
  };
}
