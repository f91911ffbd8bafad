/**
 * `ringcore doctor`: whether io_uring can be used here, why not, and what to do.
 *
 * It tries, as an import of ringcore does, and explains the outcome; what it reads in /proc besides is there to explain.
 *
 * @module
 */
import { release } from 'node:os';
import { kernelAtLeast, minimumKernel } from '../core/availability.js';
import { addonPath } from '../core/binding.js';
import type { UnavailableError } from '../core/errors.js';
import { kernelFaults } from '../core/kernel_faults.js';
import { Ring } from '../core/ring.js';
import { container, limits, seccomp, sysctl, user } from './environment.js';
import type { Container, Limits, Seccomp, Sysctl, User } from './environment.js';
import { kernelFeatures, type KernelFeature } from './kernel_features.js';

/** Something that is wrong here, or soon will be. */
export interface Problem {
  /** `error`: io_uring cannot be used. `warning`: it can, but not to the full. */
  severity: 'error' | 'warning';
  /** The error's code: an errno's name, or `RINGCORE_BACKEND`; of a warning, the limit: `RLIMIT_NOFILE`, or `KERNEL_FAULT`. */
  code: string;
  what: string;
  remedy: string;
}

/** What `ringcore doctor --json` prints; docs/containers.md describes it. */
export interface Report {
  /** Whether `import 'ringcore'` in this environment would use io_uring: the exit code is 0. */
  usable: boolean;
  /** Whether io_uring works, whatever RINGCORE_BACKEND says. */
  works: boolean;
  /** What `import { backend } from 'ringcore'` would say; null: the import would fail. */
  backend: { name: 'io_uring' | 'node' | null; reason?: string; code?: string; remedy?: string };
  /** RINGCORE_BACKEND; null if it is not set. */
  requestedBackend: string | null;
  ringcore: { version: string; addon: string | null; addonOrigin: 'prebuilt' | 'compiled' | null };
  runtime: { name: 'node' | 'bun' | 'deno'; version: string; node: string; arch: string; platform: string };
  kernel: { release: string; minimum: string; supported: boolean };
  /** null where no ring could be opened. */
  ring: {
    /** As the kernel gave them: IORING_FEAT_* and IORING_SETUP_* bits. */
    features: number;
    setupFlags: number;
    sqEntries: number;
    cqEntries: number;
    lastOpcode: number;
    /** Each operation by the kernel's name, and whether it has it. */
    operations: Record<string, boolean>;
    kernelFeatures: KernelFeature[];
  } | null;
  limits: Limits;
  seccomp: Seccomp;
  sysctl: Sysctl;
  container: Container;
  user: User | null;
  problems: Problem[];
}

/** What an import gives each thread at least: less makes itself felt in programs of ordinary size. */
const fewDescriptors = 1024;
/** A dozen rings: each takes about 90 KiB, and the limit counts those of all processes of a user. */
const littleLockedMemory = 1 << 20;

type Attempt = { ring: NonNullable<Report['ring']> } | { error: UnavailableError };

/** As an import does it. Opening makes the first io_uring_enter, so a filter that forbids only that one is found too. */
function attempt(): Attempt {
  let ring: Ring;
  try {
    ring = Ring.open();
  } catch (error) {
    return { error: error as UnavailableError };
  }
  try {
    const { features, setupFlags, sqEntries, cqEntries } = ring.native;
    const probe = ring.probe();
    const { lastOpcode, operations } = probe;
    const known = kernelFeatures(probe);
    return {
      ring: { features, setupFlags, sqEntries, cqEntries, lastOpcode, operations, kernelFeatures: known },
    };
  } finally {
    ring.close();
  }
}

/** The attempt without RINGCORE_BACKEND, which would keep it from being made. */
function attemptUnforced(): Attempt {
  const requested = process.env.RINGCORE_BACKEND;
  delete process.env.RINGCORE_BACKEND;
  try {
    return attempt();
  } finally {
    if (requested !== undefined) process.env.RINGCORE_BACKEND = requested;
  }
}

function runtime(): Report['runtime'] {
  const { bun } = process.versions;
  const { Deno: deno } = globalThis as { Deno?: { version: { deno: string } } };
  const name = bun !== undefined ? 'bun' : deno !== undefined ? 'deno' : 'node';
  const version = bun ?? deno?.version.deno ?? process.versions.node;
  return { name, version, node: process.versions.node, arch: process.arch, platform: process.platform };
}

function warnings({ limits, user }: Pick<Report, 'limits' | 'user'>): Problem[] {
  const found: Problem[] = kernelFaults().map(({ id, what, mended }) => ({
    severity: 'warning',
    code: 'KERNEL_FAULT',
    what: `${id}: ${what}, unless who built this kernel has mended it`,
    remedy: `Update the kernel: it is mended in ${mended.join(', ')}, and in newer ones of these branches.`,
  }));
  const { memlock, nofile } = limits;
  if (nofile.soft !== null && nofile.soft < fewDescriptors) {
    found.push({
      severity: 'warning',
      code: 'RLIMIT_NOFILE',
      what: `no more than ${nofile.soft} descriptors can be open: files and sockets fail with EMFILE early`,
      remedy: 'Raise it: `ulimit -n`, LimitNOFILE= in systemd, `docker run --ulimit nofile=65536`.',
    });
  }
  if (memlock.soft !== null && memlock.soft < littleLockedMemory && user?.mayLockMemory === false) {
    found.push({
      severity: 'warning',
      code: 'RLIMIT_MEMLOCK',
      what:
        `all processes of this user together may lock ${memlock.soft} bytes of memory: each thread's ring counts as ` +
        '90 KiB of it, and registered buffers as their size',
      remedy: 'Raise it: `ulimit -l`, LimitMEMLOCK= in systemd, `docker run --ulimit memlock=-1`.',
    });
  }
  return found;
}

/** What RINGCORE_BACKEND alone decides. */
function objectionTo(requested: string | null): Problem | undefined {
  if (requested === null || requested === 'io_uring') return undefined;
  const what =
    requested === 'node'
      ? "RINGCORE_BACKEND=node asks for node's own modules"
      : `RINGCORE_BACKEND=${requested} is neither io_uring nor node`;
  const remedy = 'Unset RINGCORE_BACKEND, or set it to io_uring.';
  return { severity: 'error', code: 'RINGCORE_BACKEND', what, remedy };
}

/** Looks, tries and explains; changes nothing. */
export function diagnose(version: string): Report {
  const requested = process.env.RINGCORE_BACKEND || null;
  const outcome = attemptUnforced();
  const works = 'ring' in outcome;
  const objection = objectionTo(requested);
  const problems: Problem[] = [];
  if (objection !== undefined) problems.push(objection);
  if (!works) {
    const { reason, reasonCode: code, remedy } = outcome.error;
    problems.push({ severity: 'error', code, what: reason, remedy });
  }
  const [first] = problems;
  // Strict, or a value that is none: then there is no falling back.
  const name = requested === null || requested === 'node' ? 'node' : null;
  const addon = addonPath() ?? null;
  const surroundings = { limits: limits(), user: user() };
  return {
    usable: first === undefined,
    works,
    backend:
      first === undefined
        ? { name: 'io_uring' }
        : { name, reason: first.what, code: first.code, remedy: first.remedy },
    requestedBackend: requested,
    ringcore: {
      version,
      addon,
      addonOrigin: addon === null ? null : /[\\/]prebuilds[\\/]/.test(addon) ? 'prebuilt' : 'compiled',
    },
    runtime: runtime(),
    kernel: {
      release: release(),
      minimum: minimumKernel,
      supported: kernelAtLeast(minimumKernel),
    },
    ring: works ? outcome.ring : null,
    ...surroundings,
    seccomp: seccomp(),
    sysctl: sysctl(),
    container: container(),
    problems: [...problems, ...warnings(surroundings)],
  };
}
