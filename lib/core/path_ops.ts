/**
 * Operations on paths.
 *
 * Paths are strings, Buffers (a path need not be UTF-8) or `file:` URLs; relative ones start from `dirfd`, by default
 * the current directory. Every constructor also takes `{ signal, timeout, ring, flags }` ({@link OperationOptions}).
 * Errors of all of them: ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, EIO; the others are listed.
 *
 * @module
 */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  O_CLOEXEC,
  O_RDONLY,
  STATX_BASIC_STATS,
  STATX_BTIME,
} from './constants.js';
import {
  descriptorResult,
  ordinary,
  validatedFileIndex,
  type Descriptor,
  type DirectDescriptor,
} from './direct.js';
import { invalidArgType } from './errors.js';
import { Operation, type OperationOptions } from './operation.js';
import { decodeStatx, statxBytes, type Statx } from './statx.js';
import {
  validatedDirfd,
  validatedFd,
  validatedMode,
  validatedPath,
  validatedRange,
  validatedView,
  validateInt32,
  validateInteger,
  validateString,
  validateUint32,
  type PathLike,
} from './validate.js';

/** Options of path operations. */
export interface PathOptions extends OperationOptions {
  /** An open directory that a relative path starts from. Default AT_FDCWD: the current directory. */
  dirfd?: number;
}

/** Options of {@link openat}. */
export interface OpenOptions extends PathOptions {
  /** O_* flags. Default O_RDONLY. O_CLOEXEC is always added for ordinary descriptors, and means nothing for direct ones. */
  oflags?: number;
  /** Permissions of a new file, before the umask: a number or octal digits. Default 0o666. */
  mode?: number | string;
  /** Open it as a direct descriptor: at an index of the kernel's choice (true), or at this one, replacing what is there. */
  direct?: boolean | number;
}

function validatedOpen(
  path: PathLike,
  options: OpenOptions,
): { dirfd: number; name: string | Uint8Array; oflags: number; mode: number; fileIndex: number } {
  const name = validatedPath(path);
  const { oflags = O_RDONLY, mode = 0o666 } = options;
  validateInt32(oflags, 'options.oflags', 0);
  const fileIndex = validatedFileIndex(options.direct);
  return {
    dirfd: validatedDirfd(options.dirfd ?? AT_FDCWD, 'options.dirfd'),
    name,
    // A direct descriptor isn't inherited anyway. The kernel refuses the flag there, and until 6.18.3 loses the path's memory
    // (CVE-2025-68814).
    oflags: fileIndex === ordinary ? oflags | O_CLOEXEC : oflags & ~O_CLOEXEC,
    mode: validatedMode(mode, 'options.mode'),
    fileIndex,
  };
}

/**
 * Opens a file; resolves to its descriptor. One that a cancelled open brings late is closed. Errors also: EEXIST,
 * EISDIR, EMFILE, ENFILE, ENOSPC, EROFS, ETXTBSY, ENXIO, EPERM. Since 5.6 (direct: 5.15). openat(2).
 */
export function openat(
  path: PathLike,
  options: OpenOptions & { direct: true | number },
): Operation<DirectDescriptor>;
export function openat(path: PathLike, options?: OpenOptions & { direct?: false }): Operation<number>;
export function openat(path: PathLike, options?: OpenOptions): Operation<Descriptor>;
export function openat(path: PathLike, options: OpenOptions = {}): Operation<Descriptor> {
  const { dirfd, name, oflags, mode, fileIndex } = validatedOpen(path, options);
  return new Operation<Descriptor>(
    'open',
    (native, f, t) => native.openat(f, t, dirfd, name, oflags, mode, fileIndex),
    options,
    { ...descriptorResult(fileIndex), error: { path: name } },
  );
}

/**
 * Opens a file with restrictions on how the path is resolved: RESOLVE_* in `resolve`. Unlike `openat` it refuses
 * unknown flags, and a `mode` without O_CREAT or O_TMPFILE. Errors also: EXDEV, EAGAIN (RESOLVE_CACHED), E2BIG, EINVAL.
 * Since 5.6. openat2(2).
 */
export function openat2(
  path: PathLike,
  options: OpenOptions & { resolve?: number; direct: true | number },
): Operation<DirectDescriptor>;
export function openat2(
  path: PathLike,
  options?: OpenOptions & { resolve?: number; direct?: false },
): Operation<number>;
export function openat2(
  path: PathLike,
  options: OpenOptions & { resolve?: number } = {},
): Operation<Descriptor> {
  const { dirfd, name, oflags, mode, fileIndex } = validatedOpen(path, {
    ...options,
    mode: options.mode ?? 0,
  });
  const { resolve = 0 } = options;
  validateInt32(resolve, 'options.resolve', 0);
  return new Operation<Descriptor>(
    'openat2',
    (native, f, t) => native.openat2(f, t, dirfd, name, oflags, mode, resolve, fileIndex),
    options,
    { ...descriptorResult(fileIndex), error: { path: name } },
  );
}

/** Options of {@link statx}. */
export interface StatxOptions extends PathOptions {
  /** AT_SYMLINK_NOFOLLOW, AT_STATX_*; AT_EMPTY_PATH is added for a descriptor. */
  statxFlags?: number;
  /** STATX_*: what is asked for. Default: the basic fields and the time of birth. */
  mask?: number;
  /** Numbers as bigints, and times also in nanoseconds. */
  bigint?: boolean;
}

/**
 * The file's metadata, by path or by descriptor (not a direct one: the kernel refuses those, EBADF).
 * Since 5.6. statx(2).
 */
export function statx(
  target: PathLike | number,
  options: StatxOptions & { bigint: true },
): Operation<Statx<bigint>>;
export function statx(
  target: PathLike | number,
  options?: StatxOptions & { bigint?: false },
): Operation<Statx>;
export function statx(
  target: PathLike | number,
  options: StatxOptions = {},
): Operation<Statx> | Operation<Statx<bigint>> {
  const byFd = typeof target === 'number';
  const path = byFd ? '' : validatedPath(target);
  const dirfd = byFd ? validatedFd(target) : validatedDirfd(options.dirfd ?? AT_FDCWD, 'options.dirfd');
  const { statxFlags = 0, mask = STATX_BASIC_STATS | STATX_BTIME, bigint = false } = options;
  validateInt32(statxFlags, 'options.statxFlags', 0);
  validateUint32(mask, 'options.mask');
  const out = new Uint8Array(statxBytes);
  const flags = byFd ? statxFlags | AT_EMPTY_PATH : statxFlags;
  return new Operation<Statx<number | bigint>>(
    'statx',
    (native, f, t) => native.statx(f, t, dirfd, path, flags, mask, out),
    options,
    { keep: out, decode: () => decodeStatx(out, bigint), ...(byFd ? {} : { error: { path } }) },
  ) as Operation<Statx> | Operation<Statx<bigint>>;
}

/** Options of {@link renameat} and {@link linkat}. */
export interface TwoPathOptions extends OperationOptions {
  /** Directories that relative paths start from. */
  olddirfd?: number;
  /** Where a relative new path begins. Default AT_FDCWD: the current directory. */
  newdirfd?: number;
}

function validatedDirectories(options: TwoPathOptions): [olddirfd: number, newdirfd: number] {
  const { olddirfd = AT_FDCWD, newdirfd = AT_FDCWD } = options;
  return [validatedDirfd(olddirfd, 'options.olddirfd'), validatedDirfd(newdirfd, 'options.newdirfd')];
}

/**
 * Renames, replacing what is at `newPath`; RENAME_NOREPLACE and RENAME_EXCHANGE in `renameFlags`. Errors also: EEXIST,
 * ENOTEMPTY, EISDIR, EXDEV, EBUSY, EINVAL, EROFS, EPERM. Since 5.11. renameat2(2).
 */
export function renameat(
  oldPath: PathLike,
  newPath: PathLike,
  options: TwoPathOptions & { renameFlags?: number } = {},
): Operation<void> {
  const path = validatedPath(oldPath, 'oldPath');
  const dest = validatedPath(newPath, 'newPath');
  const [olddirfd, newdirfd] = validatedDirectories(options);
  const { renameFlags = 0 } = options;
  validateInt32(renameFlags, 'options.renameFlags', 0);
  return new Operation<void>(
    'rename',
    (native, f, t) => native.renameat(f, t, olddirfd, path, newdirfd, dest, renameFlags),
    options,
    { decode: () => {}, error: { path, dest } },
  );
}

/**
 * Removes a name, or with `directory: true` an empty directory. Errors also: EISDIR, ENOTEMPTY, EBUSY, EPERM, EROFS.
 * Since 5.11. unlinkat(2).
 */
export function unlinkat(
  path: PathLike,
  options: PathOptions & { directory?: boolean } = {},
): Operation<void> {
  const name = validatedPath(path);
  const dirfd = validatedDirfd(options.dirfd ?? AT_FDCWD, 'options.dirfd');
  const unlinkFlags = options.directory === true ? AT_REMOVEDIR : 0;
  return new Operation<void>(
    unlinkFlags === 0 ? 'unlink' : 'rmdir',
    (native, f, t) => native.unlinkat(f, t, dirfd, name, unlinkFlags),
    options,
    { decode: () => {}, error: { path: name } },
  );
}

/** Makes a directory; `mode` is before the umask. Errors also: EEXIST, ENOSPC, EROFS, EMLINK. Since 5.15. mkdirat(2). */
export function mkdirat(
  path: PathLike,
  options: PathOptions & { mode?: number | string } = {},
): Operation<void> {
  const name = validatedPath(path);
  const dirfd = validatedDirfd(options.dirfd ?? AT_FDCWD, 'options.dirfd');
  const mode = validatedMode(options.mode ?? 0o777, 'options.mode');
  return new Operation<void>('mkdir', (native, f, t) => native.mkdirat(f, t, dirfd, name, mode), options, {
    decode: () => {},
    error: { path: name },
  });
}

/** Makes a symbolic link at `path` that says `target`. Errors also: EEXIST, ENOSPC, EROFS. Since 5.15. symlinkat(2). */
export function symlinkat(target: PathLike, path: PathLike, options: PathOptions = {}): Operation<void> {
  const text = validatedPath(target, 'target');
  const dest = validatedPath(path);
  const dirfd = validatedDirfd(options.dirfd ?? AT_FDCWD, 'options.dirfd');
  return new Operation<void>(
    'symlink',
    (native, f, t) => native.symlinkat(f, t, text, dirfd, dest),
    options,
    {
      decode: () => {},
      error: { path: text, dest },
    },
  );
}

/**
 * Gives a file one more name; AT_SYMLINK_FOLLOW in `linkFlags`. Errors also: EEXIST, EMLINK, EPERM, EXDEV, EROFS.
 * Since 5.15. linkat(2).
 */
export function linkat(
  existingPath: PathLike,
  newPath: PathLike,
  options: TwoPathOptions & { linkFlags?: number } = {},
): Operation<void> {
  const path = validatedPath(existingPath, 'existingPath');
  const dest = validatedPath(newPath, 'newPath');
  const [olddirfd, newdirfd] = validatedDirectories(options);
  const { linkFlags = 0 } = options;
  validateInt32(linkFlags, 'options.linkFlags', 0);
  return new Operation<void>(
    'link',
    (native, f, t) => native.linkat(f, t, olddirfd, path, newdirfd, dest, linkFlags),
    options,
    { decode: () => {}, error: { path, dest } },
  );
}

/** Options of {@link getxattr}. */
export interface GetxattrOptions extends OperationOptions {
  /** The longest value in bytes, up to 64 KiB (XATTR_SIZE_MAX). Default 65536. */
  maxBytes?: number;
}

function validatedName(name: unknown): string {
  validateString(name, 'name');
  return validatedPath(name, 'name') as string;
}

/**
 * An extended attribute's value, of a path (symbolic links are followed) or a descriptor. `name` has its name space:
 * `'user.note'`. Errors also: ENODATA, ENOTSUP, ERANGE (longer than `maxBytes`). Since 5.19. getxattr(2), fgetxattr(2).
 */
export function getxattr(
  target: PathLike | number,
  name: string,
  options: GetxattrOptions = {},
): Operation<Buffer> {
  const attribute = validatedName(name);
  const { maxBytes = 65536 } = options;
  validateInteger(maxBytes, 'options.maxBytes', 1, 65536);
  const out = Buffer.allocUnsafeSlow(maxBytes);
  // A copy: most values are short, and a view would keep 64 KiB alive.
  const decode = (res: number): Buffer => Buffer.from(out.subarray(0, res));
  if (typeof target === 'number') {
    const fd = validatedFd(target);
    return new Operation(
      'fgetxattr',
      (native, f, t) => native.fgetxattr(f, t, fd, attribute, out, 0, maxBytes),
      options,
      { keep: out, decode },
    );
  }
  const path = validatedPath(target);
  return new Operation(
    'getxattr',
    (native, f, t) => native.getxattr(f, t, path, attribute, out, 0, maxBytes),
    options,
    { keep: out, decode, error: { path } },
  );
}

/**
 * Sets an extended attribute, of a path or a descriptor; XATTR_CREATE or XATTR_REPLACE in `xattrFlags`. A string is
 * stored as UTF-8. Errors also: EEXIST, ENODATA, ENOTSUP, ENOSPC, ERANGE, EPERM. Since 5.19. setxattr(2), fsetxattr(2).
 */
export function setxattr(
  target: PathLike | number,
  name: string,
  value: string | NodeJS.ArrayBufferView,
  options: OperationOptions & { xattrFlags?: number } = {},
): Operation<void> {
  const attribute = validatedName(name);
  if (typeof value !== 'string' && !ArrayBuffer.isView(value)) {
    throw invalidArgType('value', 'of type string or an instance of Buffer, TypedArray, or DataView', value);
  }
  const { view, length } = validatedRange(
    typeof value === 'string' ? Buffer.from(value) : validatedView(value, 'value'),
  );
  const { xattrFlags = 0 } = options;
  validateInt32(xattrFlags, 'options.xattrFlags', 0);
  const common = { keep: view, decode: (): void => {} };
  if (typeof target === 'number') {
    const fd = validatedFd(target);
    return new Operation<void>(
      'fsetxattr',
      (native, f, t) => native.fsetxattr(f, t, fd, attribute, view, 0, length, xattrFlags),
      options,
      common,
    );
  }
  const path = validatedPath(target);
  return new Operation<void>(
    'setxattr',
    (native, f, t) => native.setxattr(f, t, path, attribute, view, 0, length, xattrFlags),
    options,
    { ...common, error: { path } },
  );
}
