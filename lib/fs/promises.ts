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

export const copyFile = all.copyFile;
export const cp = all.cp;
export const lstat = all.lstat;
export const rm = all.rm;
export const stat = all.stat;
export const { fadvise, fallocate, getxattr, readFiles, setxattr } = all;

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

export { all as default, all as 'module.exports' };
