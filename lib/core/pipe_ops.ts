/**
 * Pipes, and what moves bytes through them.
 *
 * Every constructor also takes `{ signal, timeout, ring, flags }` ({@link OperationOptions}).
 *
 * @module
 */
import { O_CLOEXEC } from './constants.js';
import {
  allocateIndex,
  closeUnwanted,
  DirectDescriptor,
  ringOfBoth,
  validatedDescriptor,
  type Descriptor,
} from './direct.js';
import { Operation, type OperationOptions } from './operation.js';
import type { Ring } from './ring.js';
import { validatedPosition, validateInt32, validateInteger } from './validate.js';

/** Options of {@link pipe}. */
export interface PipeOptions extends OperationOptions {
  /** O_NONBLOCK, O_DIRECT; O_CLOEXEC is always set for ordinary descriptors. */
  pipeFlags?: number;
  /** Both ends become direct descriptors, at indexes of the kernel's choice. */
  direct?: boolean;
}

/**
 * Makes a pipe; resolves to its reading and its writing end. Errors: EMFILE, ENFILE, ENOMEM. Since 6.16. pipe2(2).
 */
export function pipe(
  options: PipeOptions & { direct: true },
): Operation<[DirectDescriptor, DirectDescriptor]>;
export function pipe(options?: PipeOptions & { direct?: false }): Operation<[number, number]>;
export function pipe(options: PipeOptions = {}): Operation<[Descriptor, Descriptor]> {
  const { pipeFlags = 0, direct = false } = options;
  validateInt32(pipeFlags, 'options.pipeFlags', 0);
  const ends = new Int32Array(2);
  const descriptors = (ring: Ring): [Descriptor, Descriptor] =>
    direct
      ? [new DirectDescriptor(ends[0]!, ring), new DirectDescriptor(ends[1]!, ring)]
      : [ends[0]!, ends[1]!];
  return new Operation<[Descriptor, Descriptor]>(
    'pipe2',
    (native, f, t) =>
      native.pipe(f, t, ends, direct ? pipeFlags : pipeFlags | O_CLOEXEC, direct ? allocateIndex : -1),
    options,
    {
      keep: ends,
      decode: (_res, _flags, _aux, ring) => descriptors(ring),
      cleanup: (_res, ring) => {
        for (const end of descriptors(ring)) closeUnwanted(end, ring);
      },
    },
  );
}

/** Where `splice` reads and writes; null or none for pipes and the file's own position. */
export interface SpliceOptions extends OperationOptions {
  /** Where to read, in bytes. */
  offsetIn?: number | bigint | null;
  /** Where to write, in bytes. */
  offsetOut?: number | bigint | null;
  /** SPLICE_F_* flags. */
  spliceFlags?: number;
}

function spliceFlagsOf(options: { spliceFlags?: number }, fixedIn: boolean): number {
  const { spliceFlags = 0 } = options;
  validateInt32(spliceFlags, 'options.spliceFlags', 0);
  // SPLICE_F_FD_IN_FIXED; fdOut's is IOSQE_FIXED_FILE.
  return fixedIn ? (spliceFlags | (1 << 31)) >>> 0 : spliceFlags;
}

/**
 * Moves up to `length` bytes between two files, one of which is a pipe, without a copy through this process. Resolves
 * to the count, 0 at the end of input. Errors: EBADF, EINVAL (no pipe, O_APPEND), ESPIPE, EAGAIN; ERR_INVALID_STATE for
 * direct descriptors of two rings. Since 5.7. splice(2).
 */
export function splice(
  fdIn: Descriptor,
  fdOut: Descriptor,
  length: number,
  options: SpliceOptions = {},
): Operation<number> {
  const input = validatedDescriptor(fdIn, 'fdIn');
  const output = validatedDescriptor(fdOut, 'fdOut');
  validateInteger(length, 'length', 0, 0xffffffff);
  const offsetIn = validatedPosition(options.offsetIn);
  const offsetOut = validatedPosition(options.offsetOut);
  const spliceFlags = spliceFlagsOf(options, input.fixedFile);
  return new Operation(
    'splice',
    (native, f, t) => native.splice(f, t, input.fd, offsetIn, output.fd, offsetOut, length, spliceFlags),
    options,
    { fixedFile: output.fixedFile, ring: ringOfBoth(input, output) },
  );
}

/**
 * Duplicates up to `length` bytes of one pipe's contents in another, without consuming them. Resolves to the count,
 * 0 at the end of input. Errors: EBADF, EINVAL (no pipe, or the same), EAGAIN; ERR_INVALID_STATE for direct descriptors of
 * two rings. Since 5.8. tee(2).
 */
export function tee(
  fdIn: Descriptor,
  fdOut: Descriptor,
  length: number,
  options: OperationOptions & { spliceFlags?: number } = {},
): Operation<number> {
  const input = validatedDescriptor(fdIn, 'fdIn');
  const output = validatedDescriptor(fdOut, 'fdOut');
  validateInteger(length, 'length', 0, 0xffffffff);
  const spliceFlags = spliceFlagsOf(options, input.fixedFile);
  return new Operation(
    'tee',
    (native, f, t) => native.tee(f, t, input.fd, output.fd, length, spliceFlags),
    options,
    { fixedFile: output.fixedFile, ring: ringOfBoth(input, output) },
  );
}
