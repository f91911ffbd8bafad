/**
 * Whether io_uring can be used here, and if not: why, and what to do about it.
 *
 * @module
 */
import { release } from 'node:os';
import { describeErrno, type SystemError, type Unavailability } from './errors.js';
import { ioUringDisabled, seccompFiltered } from './node_procfs.js';

/** The oldest kernel that ringcore runs on: DEFER_TASKRUN came with 6.1. */
export const minimumKernel = '6.1';

/** `[6, 18]` of '6.18.44-generic'. */
function kernelVersion(text: string = release()): [major: number, minor: number] {
  const match = /^(\d+)\.(\d+)/.exec(text);
  return [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
}

/** Whether the running kernel is at least `version` ('6.4'). For what the opcode probe does not tell. */
export function kernelAtLeast(version: string): boolean {
  if (process.platform !== 'linux') return false;
  const [major, minor] = kernelVersion();
  const [wantedMajor, wantedMinor] = kernelVersion(version);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** What speaks against even loading the addon; undefined if nothing does. */
export function findObjection(): Unavailability | undefined {
  if (process.env.RINGCORE_BACKEND === 'node') {
    return {
      reason: 'RINGCORE_BACKEND=node asks for node:fs and node:net',
      code: 'RINGCORE_BACKEND',
      remedy: 'Unset RINGCORE_BACKEND, or set it to io_uring.',
    };
  }
  if (process.platform !== 'linux') {
    return {
      reason: `io_uring is a Linux interface, and this is ${process.platform}`,
      code: 'ENOTSUP',
      remedy: 'Run on Linux 6.1 or newer.',
    };
  }
  const runtime = 'bun' in process.versions ? 'Bun' : 'Deno' in globalThis ? 'Deno' : undefined;
  if (runtime !== undefined) {
    return {
      reason: `${runtime} lacks a part of libuv's interface that the event loop integration needs`,
      code: 'ENOTSUP',
      remedy: 'Run with Node.js 20.19 or newer.',
    };
  }
  if (!kernelAtLeast(minimumKernel)) {
    return {
      reason: `Linux ${release()} is older than ${minimumKernel}`,
      code: 'ENOSYS',
      remedy: `Run on Linux ${minimumKernel} or newer.`,
    };
  }
  return undefined;
}

/** Why the addon could not be loaded. */
export function explainLoadFailure(cause: unknown): Unavailability {
  const message = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
  return {
    reason: `the native addon could not be loaded (${message})`,
    code: 'ERR_DLOPEN_FAILED',
    remedy: 'Build it with `npm rebuild ringcore` (this needs a C++20 compiler, make and Python).',
    cause,
  };
}

/** Why the ring could not be set up: names the step, the errno and what to do. */
export function explainSetupFailure(cause: unknown): Unavailability {
  const { errno, code, syscall } = cause as Partial<SystemError>;
  if (typeof errno !== 'number' || code === undefined) {
    return {
      reason: `the ring could not be set up (${cause instanceof Error ? cause.message : String(cause)})`,
      code: code ?? 'ERR_RINGCORE_SETUP',
      remedy: 'Please report this, with this reason and the kernel that `uname -r` names.',
      cause,
    };
  }
  const [, text] = describeErrno(errno);
  return {
    reason: `${syscall ?? 'io_uring_setup'} failed with ${code} (${text})`,
    code,
    remedy: remedyFor(code),
    cause,
  };
}

function remedyFor(code: string): string {
  switch (code) {
    case 'EPERM':
    case 'EACCES':
      return remedyForRefusal();
    case 'ENOSYS':
      return (
        'The kernel was built without io_uring (CONFIG_IO_URING), or a sandbox hides it (gVisor, a seccomp profile): ' +
        'use another kernel, or allow io_uring_setup, io_uring_enter and io_uring_register in the profile.'
      );
    case 'ENOMEM':
      return (
        'Locked memory is short: raise RLIMIT_MEMLOCK (`ulimit -l`, LimitMEMLOCK= in systemd, ' +
        '`docker run --ulimit memlock=-1`) or the memory limit of the container.'
      );
    case 'EMFILE':
    case 'ENFILE':
      return 'Raise the limit of open files (`ulimit -n`, fs.file-max).';
    case 'EOPNOTSUPP':
    case 'ENOTSUP':
      return (
        'A container runtime or a security module does not pass io_uring through: allow io_uring_setup, ' +
        'io_uring_enter and io_uring_register in its profile (`docker run --security-opt seccomp=seccomp.json` with the ' +
        'package’s docs/seccomp.json).'
      );
    case 'EINVAL':
      return 'The kernel does not know this call, or a flag that ringcore needs: run on Linux 6.1 or newer.';
    default:
      return 'See errno(3) for what it means, and `strace -f -e trace=/io_uring` for the call that failed.';
  }
}

/** EPERM has two usual causes; /proc tells which. */
function remedyForRefusal(): string {
  const disabled = ioUringDisabled();
  if (disabled === 2)
    return 'The administrator has disabled io_uring: `sysctl -w kernel.io_uring_disabled=0`.';
  if (disabled === 1) {
    return (
      'io_uring is for the privileged only here: `sysctl -w kernel.io_uring_disabled=0`, or add the user to the group ' +
      'of kernel.io_uring_group.'
    );
  }
  const profile =
    'allow io_uring_setup, io_uring_enter and io_uring_register ' +
    '(`docker run --security-opt seccomp=seccomp.json` with the package’s docs/seccomp.json, or `seccomp=unconfined` for a ' +
    'trial).';
  return seccompFiltered()
    ? `The seccomp profile of the container refuses it: ${profile}`
    : `A security module or a seccomp profile refuses it: ${profile}`;
}
