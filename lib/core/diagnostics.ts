/**
 * What a ring has done and what its kernel can do.
 *
 * @module
 */
import type { NativeRing } from './binding.js';
import { operationCodes } from './constants.js';

/** A snapshot of a ring's counters. */
export interface RingStats {
  /** Operations in flight: in the kernel, or prepared and not yet submitted. */
  inFlight: number;
  /** Operations that wait in JavaScript for room in the operation table. */
  waiting: number;
  /** Operations submitted, by kind. */
  operations: Record<string, number>;
  /** SQEs that the kernel has taken. */
  submitted: number;
  /** Completions that it has given, those of multishots one by one. */
  completions: number;
  /** Calls of io_uring_enter. */
  enters: number;
  /** Calls into JavaScript. */
  batches: number;
  /** How often the completion queue was full. */
  cqOverflows: number;
  /** Completions that were lost for good: 0, or the kernel had no memory. */
  cqDropped: number;
  /** SQEs that had to wait for room in the submission queue. */
  sqFull: number;
  /** Enters that were repeated (EINTR, EAGAIN, EBUSY). */
  retries: number;
  /** Completions of operations that had ended: must be 0. */
  stale: number;
  /** Results of reads and receives. */
  bytesRead: number;
  /** Results of writes and sends. */
  bytesWritten: number;
  /** How often spinning saved a sleep. */
  spinHits: number;
  /** Submissions at once, while the peer waits, rather than at the end of the turn. */
  eagerSubmits: number;
  /** Calls that were answered from memory, without the ring. */
  atOnce: number;
}

/** Which operations the running kernel has. */
export interface RingProbe {
  /** The highest opcode that the kernel knows. */
  lastOpcode: number;
  /** By the kernel's name in lower case (`'openat2'`, `'send_zc'`, `'futex_wait'`). */
  operations: Record<string, boolean>;
  /** Whether the kernel has the operation, by name or by opcode. */
  supports(operation: string | number): boolean;
}

/** @internal */
export function readStats(native: NativeRing, waiting: number): RingStats {
  const { statFields, operationNames } = native;
  const counters = new Float64Array(statFields.length);
  native.readStats(counters);
  const counts = new Float64Array(operationNames.length);
  native.countsByKind(counts);
  const operations: Record<string, number> = {};
  operationNames.forEach((name, index) => {
    if (counts[index]! > 0) operations[name] = counts[index]!;
  });
  const fields = Object.fromEntries(statFields.map((name, index) => [name, counters[index]!]));
  return { ...fields, waiting, operations } as RingStats;
}

/** @internal */
export function readProbe(native: NativeRing): RingProbe {
  const { opcodes, lastOpcode } = native.probe();
  const operations = Object.fromEntries(
    operationCodes.map((name, opcode) => [name, opcodes[opcode] ?? false]),
  );
  return {
    lastOpcode,
    operations,
    supports: (operation) =>
      typeof operation === 'number' ? (opcodes[operation] ?? false) : (operations[operation] ?? false),
  };
}
