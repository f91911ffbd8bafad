/**
 * Direct descriptors: open files in the ring's own table instead of the process's. The kernel finds them without
 * atomic reference counts, and no other thread or child process can see them. IOSQE_FIXED_FILE on each operation.
 *
 * @module
 */
import { ring as threadRing } from './backend.js';
import { loadBinding } from './binding.js';
import { invalidArgType, invalidState, outOfRange } from './errors.js';
import { Operation, type OperationOptions } from './operation.js';
import type { Ring } from './ring.js';
import { validateInteger, validatedFd } from './validate.js';

/** What operations take where a file or socket is meant: a descriptor's number, or a direct descriptor. */
export type Descriptor = number | DirectDescriptor;

/** IORING_FILE_INDEX_ALLOC: the kernel picks the index. */
export const allocateIndex = -2;
/** An ordinary descriptor is wanted. */
export const ordinary = -1;

/** An index in the ring's file table (IORING_REGISTER_FILES). */
export class DirectDescriptor {
  /** Its place in the table. */
  readonly index: number;
  /** The ring whose table it is in. */
  readonly ring: Ring;

  /**
   * Operations that open one (`openat`, `accept`, `socket`, with `direct: true`) make these themselves. Make one by
   * hand to name the index that an earlier member of a chain opens: `openat(path, { direct: 5 })`.
   */
  constructor(index: number, ring: Ring = threadRing()) {
    validateInteger(index, 'index', 0, ring.directDescriptors - 1);
    this.index = index;
    this.ring = ring;
  }

  /** Frees the index: IORING_OP_CLOSE. */
  close(options: OperationOptions = {}): Operation<void> {
    return closeDirect(this, options);
  }

  /** `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Closes a direct descriptor: IORING_OP_CLOSE with a file index (since 5.15). Errors: EBADF. */
export function closeDirect(file: DirectDescriptor, options: OperationOptions = {}): Operation<void> {
  return new Operation<void>('close', (native, f, t) => native.closeDirect(f, t, file.index), options, {
    ring: file.ring,
    decode: () => {},
  });
}

/** @internal A descriptor argument, checked: the number for the SQE, and what it implies. */
export function validatedDescriptor(
  value: unknown,
  name = 'fd',
): { fd: number; fixedFile: boolean; ring: Ring | undefined } {
  if (value instanceof DirectDescriptor) return { fd: value.index, fixedFile: true, ring: value.ring };
  return { fd: validatedFd(value, name), fixedFile: false, ring: undefined };
}

/** @internal The ring of an operation that is about two descriptors, or a descriptor and buffers. */
export function ringOfBoth(
  first: { ring: Ring | undefined },
  second: { ring: Ring | undefined } | undefined,
): Ring | undefined {
  if (first.ring !== undefined && second?.ring !== undefined && first.ring !== second.ring) {
    throw invalidState('the direct descriptors or buffers belong to two rings');
  }
  return first.ring ?? second?.ring;
}

/** @internal The `direct` option of what opens descriptors: the native side's fileIndex. */
export function validatedFileIndex(direct: unknown): number {
  if (direct === undefined || direct === false) return ordinary;
  if (direct === true) return allocateIndex;
  if (typeof direct !== 'number') throw invalidArgType('options.direct', 'of type boolean or number', direct);
  if (!Number.isInteger(direct) || direct < 0) throw outOfRange('options.direct', 'an index >= 0', direct);
  return direct;
}

/** @internal How the result of an opening operation becomes a descriptor, and how one that nobody wants is closed. */
export function descriptorResult(fileIndex: number): {
  decode: (res: number, flags: number, aux: number, ring: Ring) => Descriptor;
  cleanup: (res: number, ring: Ring) => void;
} {
  if (fileIndex === ordinary) return { decode: (res) => res, cleanup: closeUnwanted };
  const indexOf = (res: number): number => (fileIndex === allocateIndex ? res : fileIndex);
  return {
    decode: (res, _flags, _aux, ring) => new DirectDescriptor(indexOf(res), ring),
    cleanup: (res, ring) => closeUnwanted(new DirectDescriptor(indexOf(res), ring), ring),
  };
}

/** @internal Closes, through the ring, what came after its operation was cancelled; there is nobody to tell of a failure. */
export function closeUnwanted(file: Descriptor, ring: Ring): void {
  if (ring.closed) {
    // Its file table goes with it; what is in the process's is closed without it.
    if (typeof file === 'number') loadBinding().closeDescriptor(file);
    return;
  }
  const operation =
    file instanceof DirectDescriptor
      ? closeDirect(file, { ring })
      : new Operation<number>('close', (native, f, t) => native.close(f, t, file), { ring });
  operation.submit().catch(() => {});
}
