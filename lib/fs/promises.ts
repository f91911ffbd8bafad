/**
 * `ringcore/fs/promises`: every export of `node:fs/promises`.
 *
 * On io_uring: `open` with its FileHandle, `readFile`, `writeFile`, `appendFile`, `link`, `mkdir`, `rename`, `rmdir`,
 * `symlink`, `truncate`, `unlink`, which also take `signal` and `timeout` (in milliseconds). The rest, and on the node backend everything, is node's own.
 *
 * @module
 */
import type { MakeDirectoryOptions } from 'node:fs';
import type { FileHandle as NodeFileHandle } from 'node:fs/promises';
import { validatedPath } from '../core/validate.js';
import { copyFilePromises } from './copy_file.js';
import { cpPromises } from './cp.js';
import { likeNodes, onRing, promisesApi as api, publish } from './exported.js';
import { extraPromises } from './extras.js';
import { FileHandle, whenAdopted } from './file_handle.js';
import nodePromises from './node_promises.js';
import { openDescriptor } from './open_file.js';
import { validatedFileMode, validatedFlags, validatedLimits, type Limits } from './options.js';
import { pathPromises } from './paths.js';
import { readFile as ringReadFile } from './read_file.js';
import './ring_exports.js';
import { rmPromises } from './rm.js';
import { statPromises } from './stat.js';
import { withLimits } from './task.js';
import { appendFile as ringAppendFile, writeFile as ringWriteFile } from './write_file.js';

export * from './node_promises.js';

type Path = Parameters<typeof nodePromises.open>[0];
type Data = Parameters<typeof nodePromises.writeFile>[1];
type Target = Parameters<typeof nodePromises.writeFile>[0];

interface Encoded extends Limits {
  encoding: BufferEncoding;
  flag?: string | number | undefined;
}
interface Raw extends Limits {
  encoding?: null | undefined;
  flag?: string | number | undefined;
}
interface Writing extends Limits {
  encoding?: BufferEncoding | null | undefined;
  flag?: string | number | undefined;
  mode?: number | string | undefined;
  flush?: boolean | undefined;
}

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

/** What `open` gives: node's FileHandle, and what ringcore's has besides. On the node backend that is not there. */
export type OpenedFile = NodeFileHandle &
  Pick<FileHandle, 'fadvise' | 'fallocate' | 'getxattr' | 'read' | 'readv' | 'setxattr' | 'write' | 'writev'>;

/** Opens a file; `signal` and `timeout` are in a fourth argument. */
export const open = api.open as (
  path: Path,
  flags?: string | number,
  mode?: string | number,
  limits?: Limits,
) => Promise<OpenedFile>;

/** The whole contents of a file, or what is left of a FileHandle's. */
export const readFile = api.readFile as typeof nodePromises.readFile & {
  (path: Path | NodeFileHandle, options: Encoded): Promise<string>;
  (path: Path | NodeFileHandle, options: Raw): Promise<Buffer>;
};

/** Replaces a file's contents, or writes to a FileHandle: all of it, or it rejects. */
export const writeFile = api.writeFile as typeof nodePromises.writeFile &
  ((path: Target, data: Data, options: Writing) => Promise<void>);

/** Writes at the end of a file. */
export const appendFile = api.appendFile as typeof nodePromises.appendFile &
  ((path: Target, data: string | Uint8Array, options: Writing) => Promise<void>);

export const copyFile = api.copyFile;
export const cp = api.cp;
export const lstat = api.lstat;
export const rm = api.rm;
export const stat = api.stat;

/** A second name for a file. Like the following it takes limits beyond node's arguments, or among node's options. */
export const link = api.link as typeof nodePromises.link &
  ((existingPath: Path, newPath: Path, limits: Limits) => Promise<void>);

/** Makes a directory; with `recursive` also those above it, and resolves to the first that it made. */
export const mkdir = api.mkdir as typeof nodePromises.mkdir & {
  (path: Path, options: MakeDirectoryOptions & Limits & { recursive: true }): Promise<string | undefined>;
  (path: Path, options: MakeDirectoryOptions & Limits): Promise<string | undefined>;
};

/** Renames or moves; what has the new name already, is replaced. */
export const rename = api.rename as typeof nodePromises.rename &
  ((oldPath: Path, newPath: Path, limits: Limits) => Promise<void>);

/** Removes an empty directory. */
export const rmdir = api.rmdir as typeof nodePromises.rmdir &
  ((path: Path, options: Limits) => Promise<void>);

/** Makes a symbolic link; `type` is for Windows. */
export const symlink = api.symlink as typeof nodePromises.symlink &
  ((target: Path, path: Path, type: string | null | undefined, limits: Limits) => Promise<void>);

/** Cuts or extends a file. */
export const truncate = api.truncate as typeof nodePromises.truncate &
  ((path: Path, length: number | undefined, limits: Limits) => Promise<void>);

/** Removes a name of a file. */
export const unlink = api.unlink as typeof nodePromises.unlink &
  ((path: Path, limits: Limits) => Promise<void>);

export const { fadvise, fallocate, getxattr, readFiles, setxattr } = extraPromises;

const all = api as Omit<typeof api, 'open'> & typeof extraPromises & { open: typeof open };
export default all;
export { api as 'module.exports' };
