/**
 * Operations on open files.
 *
 * Every constructor also takes `{ signal, timeout, ring, flags }` ({@link OperationOptions}); then AbortError
 * (ABORT_ERR) and TimeoutError (ETIMEDOUT) come on top of the errors listed. Offsets and sizes are in bytes, numbers or
 * bigints. `fd` is a descriptor or a DirectDescriptor; a closed one gives EBADF.
 *
 * @module
 */
import { indexOf, RegisteredBuffer, validatedBuffers, type ProvidedBufferOptions } from './buffers.js';
import { MultishotOperation } from './multishot.js';
import { invalidArgType } from './errors.js';
import { Operation, type OperationOptions } from './operation.js';
import {
  closeDirect,
  closeUnwanted,
  DirectDescriptor,
  ringOfBoth,
  validatedDescriptor,
  type Descriptor,
} from './direct.js';
import {
  validatedPosition,
  validatedRange,
  totalBytes,
  unchanged,
  validatedViews,
  validateInt32,
  validateOffset,
  validateUint32,
  validateObject,
} from './validate.js';

/** Which part of a buffer, and where in the file. */
export interface TransferOptions extends OperationOptions {
  /** First byte of the buffer. Default 0. */
  offset?: number;
  /** How many bytes. Default: to the end of the buffer. */
  length?: number;
  /**
   * Where in the file, in bytes. Default (also null, -1): the file's own position, which then advances. Unlike read(2) and
   * write(2) the kernel does not lock it meanwhile: of two operations at once, or one and a system call of any thread or
   * process that shares the open file, both may begin at the same place, and bytes are lost or read twice.
   */
  position?: number | bigint | null;
  /** RWF_* flags of preadv2(2), pwritev2(2). */
  rwFlags?: number;
}

/** Where in the file, for vectored operations. */
export type VectorOptions = Omit<TransferOptions, 'offset' | 'length'>;

function rwFlagsOf(options: TransferOptions): number {
  if (options.rwFlags === undefined) return 0;
  validateInt32(options.rwFlags, 'options.rwFlags', 0);
  return options.rwFlags;
}

/** A view may have been detached or its buffer shrunk between construction and submission. */
function stillThere(view: Uint8Array, offset: number, length: number): Uint8Array {
  if (offset + length > view.byteLength) validatedRange(view, offset, length);
  return view;
}

/**
 * Reads into `buffer`; resolves to the count of bytes, 0 at the end of the file. The count may be short. The buffer is
 * held until the kernel is done with it. Errors: EBADF, EISDIR, EIO, EAGAIN (O_NONBLOCK or RWF_NOWAIT), EFAULT.
 * Since 5.6. read(2), preadv2(2).
 */
export function read(
  fd: Descriptor,
  buffer: NodeJS.ArrayBufferView,
  options: TransferOptions = {},
): Operation<number> {
  const file = validatedDescriptor(fd);
  const { view, offset, length } = validatedRange(buffer, options.offset, options.length);
  const position = validatedPosition(options.position);
  const rwFlags = rwFlagsOf(options);
  return new Operation(
    'read',
    (native, f, t) =>
      native.read(f, t, file.fd, stillThere(view, offset, length), offset, length, position, rwFlags),
    options,
    { ...file, keep: view },
  );
}

/**
 * Writes from `buffer`; resolves to the count of bytes, which may be short. The buffer is held, and must not be
 * changed, until then. Errors: EBADF, ENOSPC, EFBIG, EDQUOT, EIO, EPIPE, EAGAIN. Since 5.6. write(2), pwritev2(2).
 */
export function write(
  fd: Descriptor,
  buffer: NodeJS.ArrayBufferView,
  options: TransferOptions = {},
): Operation<number> {
  const file = validatedDescriptor(fd);
  const { view, offset, length } = validatedRange(buffer, options.offset, options.length);
  const position = validatedPosition(options.position);
  const rwFlags = rwFlagsOf(options);
  return new Operation(
    'write',
    (native, f, t) =>
      native.write(f, t, file.fd, stillThere(view, offset, length), offset, length, position, rwFlags),
    options,
    { ...file, keep: view },
  );
}

/**
 * Reads into several buffers, one after the other; resolves to the count of bytes. At most 1024 buffers.
 * Errors as {@link read}. Since 5.1. readv(2).
 */
export function readv(
  fd: Descriptor,
  buffers: readonly NodeJS.ArrayBufferView[],
  options: VectorOptions = {},
): Operation<number> {
  const file = validatedDescriptor(fd);
  const views = validatedViews(buffers);
  const bytes = totalBytes(views);
  const position = validatedPosition(options.position);
  const rwFlags = rwFlagsOf(options);
  return new Operation(
    'readv',
    (native, f, t) => native.readv(f, t, file.fd, unchanged(views, bytes), position, rwFlags),
    options,
    {
      ...file,
      keep: views,
    },
  );
}

/**
 * Writes several buffers, one after the other; resolves to the count of bytes, which may be short. At most 1024
 * buffers. Errors as {@link write}. Since 5.1. writev(2).
 */
export function writev(
  fd: Descriptor,
  buffers: readonly NodeJS.ArrayBufferView[],
  options: VectorOptions = {},
): Operation<number> {
  const file = validatedDescriptor(fd);
  const views = validatedViews(buffers);
  const bytes = totalBytes(views);
  const position = validatedPosition(options.position);
  const rwFlags = rwFlagsOf(options);
  return new Operation(
    'writev',
    (native, f, t) => native.writev(f, t, file.fd, unchanged(views, bytes), position, rwFlags),
    options,
    {
      ...file,
      keep: views,
    },
  );
}

function validatedRegistered(buffer: unknown): RegisteredBuffer {
  if (!(buffer instanceof RegisteredBuffer)) {
    throw invalidArgType('buffer', 'an instance of RegisteredBuffer', buffer);
  }
  return buffer;
}

/**
 * What an operation asks for of a registered buffer. With a length of 0 that is its beginning: behind its end the kernel
 * looks at memory that is not the buffer's (CVE-2026-43006).
 */
function rangeOfRegistered(memory: Uint8Array, options: TransferOptions): { offset: number; length: number } {
  const { offset, length } = validatedRange(memory, options.offset, options.length);
  return { offset: length === 0 ? 0 : offset, length };
}

/**
 * Reads into a registered buffer (IORING_OP_READ_FIXED): its pages are pinned already. Resolves to the count of bytes.
 * Errors as {@link read}; ERR_INVALID_STATE when the buffer has been unregistered, or is not of the descriptor's ring.
 * Since 5.1.
 */
export function readFixed(
  fd: Descriptor,
  buffer: RegisteredBuffer,
  options: TransferOptions = {},
): Operation<number> {
  const file = validatedDescriptor(fd);
  const ring = ringOfBoth(file, validatedRegistered(buffer));
  const { offset, length } = rangeOfRegistered(buffer.buffer, options);
  const position = validatedPosition(options.position);
  const rwFlags = rwFlagsOf(options);
  return new Operation(
    'read',
    (native, f, t) => native.readFixed(f, t, file.fd, indexOf(buffer), offset, length, position, rwFlags),
    options,
    { ...file, ring, keep: buffer },
  );
}

/**
 * Writes from a registered buffer (IORING_OP_WRITE_FIXED). Resolves to the count of bytes, which may be short.
 * Errors as {@link write}; ERR_INVALID_STATE when the buffer has been unregistered, or is not of the descriptor's ring.
 * Since 5.1.
 */
export function writeFixed(
  fd: Descriptor,
  buffer: RegisteredBuffer,
  options: TransferOptions = {},
): Operation<number> {
  const file = validatedDescriptor(fd);
  const ring = ringOfBoth(file, validatedRegistered(buffer));
  const { offset, length } = rangeOfRegistered(buffer.buffer, options);
  const position = validatedPosition(options.position);
  const rwFlags = rwFlagsOf(options);
  return new Operation(
    'write',
    (native, f, t) => native.writeFixed(f, t, file.fd, indexOf(buffer), offset, length, position, rwFlags),
    options,
    { ...file, ring, keep: buffer },
  );
}

/**
 * Reads from a pipe, terminal, or other file that can be polled, again and again, into provided buffers; iterates over
 * chunks to the end of the file. Errors: EBADFD where the file cannot be polled, EBADF, EIO. Since 6.7.
 */
export function readMultishot(
  fd: Descriptor,
  options: ProvidedBufferOptions = {},
): MultishotOperation<Buffer> {
  const file = validatedDescriptor(fd);
  const buffers = validatedBuffers(options);
  return new MultishotOperation<Buffer>(
    'read',
    (native, f, t, ring) => native.readMultishot(f, t, file.fd, buffers(ring).group, -1),
    options,
    {
      ...file,
      ring: ringOfBoth(file, options.buffers),
      buffers,
      zeroEnds: true,
      decode: (res, flags, aux, ring) => buffers(ring).take(flags >>> 16, aux, res, flags),
    },
  );
}

/**
 * Closes a descriptor. The number is free when it has resolved. A close that was begun cannot be taken back: do not
 * retry it. Errors: EBADF, EIO. Since 5.6. close(2).
 */
export function close(fd: Descriptor, options: OperationOptions = {}): Operation<void> {
  if (fd instanceof DirectDescriptor) return closeDirect(fd, options);
  const file = validatedDescriptor(fd);
  return new Operation<void>('close', (native, f, t) => native.close(f, t, file.fd), options, {
    decode: () => {},
  });
}

/** Writes the file's data and metadata to the device. Errors: EBADF, EIO, ENOSPC, EINVAL. Since 5.1. fsync(2). */
export function fsync(fd: Descriptor, options: OperationOptions = {}): Operation<void> {
  const file = validatedDescriptor(fd);
  return new Operation<void>('fsync', (native, f, t) => native.fsync(f, t, file.fd, 0), options, {
    ...file,
    decode: () => {},
  });
}

/** IORING_FSYNC_DATASYNC */
const datasync = 1;

/**
 * Writes the file's data to the device, and only the metadata that reading it needs. Errors as {@link fsync}.
 * Since 5.1. fdatasync(2).
 */
export function fdatasync(fd: Descriptor, options: OperationOptions = {}): Operation<void> {
  const file = validatedDescriptor(fd);
  return new Operation<void>('fdatasync', (native, f, t) => native.fsync(f, t, file.fd, datasync), options, {
    ...file,
    decode: () => {},
  });
}

/** A part of a file. */
export interface FileRange {
  /** Default 0. */
  offset?: number | bigint;
  /** 0 (the default): to the end of the file. */
  length?: number | bigint;
}

function validatedFileRange(options: FileRange): { offset: number | bigint; length: number | bigint } {
  const { offset = 0, length = 0 } = options;
  validateOffset(offset, 'options.offset');
  validateOffset(length, 'options.length');
  return { offset, length };
}

/**
 * Starts or awaits the writing of a range's pages, with SYNC_FILE_RANGE_* in `syncFlags`. It says nothing of metadata:
 * no substitute for fsync. At most 4 GiB at a time. Errors: EBADF, EIO, EINVAL, ESPIPE. Since 5.2. sync_file_range(2).
 */
export function syncFileRange(
  fd: Descriptor,
  options: FileRange & OperationOptions & { syncFlags?: number } = {},
): Operation<void> {
  const file = validatedDescriptor(fd);
  const { offset, length } = validatedFileRange(options);
  const { syncFlags = 2 } = options;
  validateUint32(Number(length), 'options.length');
  validateInt32(syncFlags, 'options.syncFlags', 0);
  return new Operation<void>(
    'sync_file_range',
    (native, f, t) => native.syncFileRange(f, t, file.fd, offset, length, syncFlags),
    options,
    { ...file, decode: () => {} },
  );
}

/**
 * Reserves, frees or zeroes space: FALLOC_FL_* in `mode` (default 0: reserve, and extend the file). `length` is
 * required. Errors: EBADF, ENOSPC, EFBIG, EINVAL, EOPNOTSUPP, ESPIPE, ENODEV. Since 5.6. fallocate(2).
 */
export function fallocate(
  fd: Descriptor,
  options: { mode?: number; offset?: number | bigint; length: number | bigint } & OperationOptions,
): Operation<void> {
  const file = validatedDescriptor(fd);
  validateObject(options, 'options');
  const { mode = 0, offset = 0, length } = options;
  validateInt32(mode, 'options.mode', 0);
  validateOffset(offset, 'options.offset');
  validateOffset(length, 'options.length', 1);
  return new Operation<void>(
    'fallocate',
    (native, f, t) => native.fallocate(f, t, file.fd, mode, offset, length),
    options,
    { ...file, decode: () => {} },
  );
}

/**
 * Cuts or extends the file to `length` bytes. Errors: EBADF, EINVAL (not open for writing), EFBIG, EPERM.
 * Since 6.9. ftruncate(2).
 */
export function ftruncate(
  fd: Descriptor,
  length: number | bigint = 0,
  options: OperationOptions = {},
): Operation<void> {
  const file = validatedDescriptor(fd);
  validateOffset(length, 'length');
  return new Operation<void>(
    'ftruncate',
    (native, f, t) => native.ftruncate(f, t, file.fd, length),
    options,
    {
      ...file,
      decode: () => {},
    },
  );
}

/**
 * Announces how the range will be read: POSIX_FADV_*. At most 4 GiB at a time. Errors: EBADF, EINVAL, ESPIPE.
 * Since 5.6. posix_fadvise(2).
 */
export function fadvise(
  fd: Descriptor,
  advice: number,
  options: FileRange & OperationOptions = {},
): Operation<void> {
  const file = validatedDescriptor(fd);
  validateInt32(advice, 'advice', 0);
  const { offset, length } = validatedFileRange(options);
  validateUint32(Number(length), 'options.length');
  return new Operation<void>(
    'fadvise',
    (native, f, t) => native.fadvise(f, t, file.fd, offset, length, advice),
    options,
    { ...file, decode: () => {} },
  );
}

/**
 * Announces how memory will be used: MADV_*, of the pages that lie in the view as a whole: a last one in part is left alone
 * (where madvise(2) would take all of it). Memory that comes from malloc need not begin at a page: take a RegisteredBuffer's.
 * MADV_DONTNEED drops the contents. Errors: EINVAL (the view does not begin at a page), ENOMEM. Since 5.6. madvise(2).
 */
export function madvise(
  buffer: NodeJS.ArrayBufferView,
  advice: number,
  options: { offset?: number; length?: number } & OperationOptions = {},
): Operation<void> {
  const { view, offset, length } = validatedRange(buffer, options.offset, options.length);
  validateInt32(advice, 'advice', 0);
  return new Operation<void>(
    'madvise',
    (native, f, t) => native.madvise(f, t, stillThere(view, offset, length), offset, length, advice),
    options,
    { keep: view, decode: () => {} },
  );
}

/**
 * Installs a direct descriptor as an ordinary one (with O_CLOEXEC); resolves to its number. The direct one stays open.
 * Errors: EBADF, EMFILE. Since 6.8.
 */
export function fixedFdInstall(file: DirectDescriptor, options: OperationOptions = {}): Operation<number> {
  if (!(file instanceof DirectDescriptor)) {
    throw invalidArgType('file', 'an instance of DirectDescriptor', file);
  }
  return new Operation(
    'fixed_fd_install',
    // The flag too: the kernel refuses anything but a fixed file here.
    (native, f, t) => native.fixedFdInstall(f, t, file.index),
    options,
    { fixedFile: true, ring: file.ring, cleanup: (res, ring) => closeUnwanted(res, ring) },
  );
}
