/**
 * `ringcore/fs/promises`: every export of `node:fs/promises`, with `signal` and `timeout` (in milliseconds) for what
 * io_uring does. docs/compatibility.md says for each who does it; on the node backend that is node.
 *
 * @module
 */
import { validatedPath } from '../core/validate.js';
import { copyFilePromises } from './copy_file.js';
import { cpPromises } from './cp.js';
import { likeNodes, onRing, promisesApi as api, publish } from './exported.js';
import { extraPromises } from './extras.js';
import { FileHandle, whenAdopted } from './file_handle.js';
import type { FsPromises } from './limited_promises.js';
import nodePromises from './node_promises.js';
import { openDescriptor } from './open_file.js';
import { validatedFileMode, validatedFlags, validatedLimits } from './options.js';
import { pathPromises } from './paths.js';
import { readFile as ringReadFile } from './read_file.js';
import './ring_exports.js';
import { rmPromises } from './rm.js';
import { statPromises } from './stat.js';
import { withLimits } from './task.js';
import { appendFile as ringAppendFile, writeFile as ringWriteFile } from './write_file.js';

export * from './node_promises.js';
export type {
  FadviseOptions,
  FallocateOptions,
  GetxattrOptions,
  SetxattrOptions,
} from './extra_operations.js';
export type { FileHandle } from './limited_promises.js';
export type { Limits } from './options.js';
export type { FileResult, ReadFilesOptions } from './read_files.js';

async function ringOpen(
  path: unknown,
  flags?: unknown,
  mode?: unknown,
  options?: unknown,
): Promise<FileHandle> {
  const name = validatedPath(path);
  const oflags = validatedFlags(flags);
  const permissions = validatedFileMode(mode);
  const limits = validatedLimits(options);
  const adopting = whenAdopted();
  const fd = await withLimits('open', limits, (task) => openDescriptor(name, oflags, permissions, task));
  if (adopting !== undefined) await adopting;
  return new FileHandle(fd);
}
likeNodes(ringOpen, nodePromises.open);

// Not node's: on either backend.
publish(api, extraPromises);

if (onRing) {
  publish(api, {
    open: ringOpen,
    readFile: ringReadFile,
    writeFile: ringWriteFile,
    appendFile: ringAppendFile,
  });
  publish(api, statPromises);
  publish(api, pathPromises);
  publish(api, copyFilePromises);
  publish(api, cpPromises);
  publish(api, rmPromises);
}

const all = api as FsPromises;

/** Copies a file with its permissions, or rejects and leaves nothing that it made. */
export const copyFile = all.copyFile;
/** Copies a file or, with `recursive`, a tree. Files are copied side by side. */
export const cp = all.cp;
/** The status of a name: of a symbolic link itself. */
export const lstat = all.lstat;
/** Removes a file or, with `recursive`, a tree; `force` leaves out what is not there. */
export const rm = all.rm;
/** The status of what a path leads to. What the kernel has in memory is answered without waiting. */
export const stat = all.stat;
/** Says how a file will be read: POSIX_FADV_\*. Not node's. posix_fadvise(2). */
export const fadvise = all.fadvise;

/** Reserves space, in bytes; with FALLOC_FL_\* in `mode` frees or zeroes it. Not node's. fallocate(2). */
export const fallocate = all.fallocate;

/** An extended attribute's value: a Buffer, or with an `encoding` a string. Not node's. getxattr(2). */
export const getxattr = all.getxattr;

/** Sets an extended attribute; strings are stored as UTF-8. Not node's. setxattr(2). */
export const setxattr = all.setxattr;

/**
 * The contents of many files, in the order of their paths; one that fails does not fail the others. Not node's.
 *
 * ```ts
 * import { readFiles } from 'ringcore/fs/promises';
 *
 * for await (const { path, content, error } of readFiles(['/etc/hostname', '/nowhere'])) {
 *   console.log(path, error?.code ?? content?.length);
 * }
 * ```
 */
export const readFiles = all.readFiles;

/** Opens a file; `signal` and `timeout` are in a fourth argument. */
export const open = all.open;

/** The whole contents of a file, or what is left of a FileHandle's. */
export const readFile = all.readFile;

/** Replaces a file's contents, or writes to a FileHandle: all of it, or it rejects. */
export const writeFile = all.writeFile;

/** Writes at the end of a file. */
export const appendFile = all.appendFile;

/** A second name for a file. */
export const link = all.link;

/** Makes a directory; with `recursive` also those above it, and resolves to the first that it made. */
export const mkdir = all.mkdir;

/** Renames or moves; what has the new name already, is replaced. */
export const rename = all.rename;

/** Removes an empty directory. */
export const rmdir = all.rmdir;

/** Makes a symbolic link; `type` is for Windows. */
export const symlink = all.symlink;

/** Cuts or extends a file. */
export const truncate = all.truncate;

/** Removes a name of a file. */
export const unlink = all.unlink;

/** @internal */
export { all as default, all as 'module.exports' };
