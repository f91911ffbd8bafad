/**
 * `ringcore/fs`: every export of `node:fs`.
 *
 * On io_uring: `readFile`, `writeFile`, `appendFile`, `open`, `close`, `read`, `readv`, `write`, `writev`, `fsync`,
 * `fdatasync`, `exists`, `ftruncate`, the streams, and what `promises` says. The rest, and on the node backend everything, is node's own.
 *
 * @module
 */
import type { MakeDirectoryOptions, NoParamCallback, PathLike } from 'node:fs';
import { extraCallbacks } from './extras.js';
import { api, onRing, publish } from './exported.js';
import type nodeFs from './node_fs.js';
import type { Limits } from './options.js';
import promisesApi from './promises.js';
import './ring_exports.js';

export * from './node_fs.js';

type NodeFs = typeof nodeFs;

if (onRing) publish(api, { promises: promisesApi });

export const appendFile = api.appendFile;
export const appendFileSync = api.appendFileSync;
export const close = api.close;
export const closeSync = api.closeSync;
export const copyFile = api.copyFile;
export const cp = api.cp;
export const cpSync = api.cpSync;
export const createReadStream = api.createReadStream;
export const createWriteStream = api.createWriteStream;
export const exists = api.exists;
export const fstat = api.fstat;
export const lstat = api.lstat;
export const open = api.open;
export const read = api.read;
export const readFileSync = api.readFileSync;
export const readv = api.readv;
export const rm = api.rm;
export const rmSync = api.rmSync;
export const rmdirSync = api.rmdirSync;
export const stat = api.stat;
export const truncateSync = api.truncateSync;
export const write = api.write;
export const writeFileSync = api.writeFileSync;
export const writev = api.writev;
export const promises = promisesApi;

/** fdatasync(2). Like the following it takes limits before the callback, or among node's options. */
export const fdatasync = api.fdatasync as NodeFs['fdatasync'] &
  ((fd: number, limits: Limits, callback: NoParamCallback) => void);

/** fsync(2). */
export const fsync = api.fsync as NodeFs['fsync'] &
  ((fd: number, limits: Limits, callback: NoParamCallback) => void);

/** Cuts or extends an open file. */
export const ftruncate = api.ftruncate as NodeFs['ftruncate'] &
  ((fd: number, length: number | undefined, limits: Limits, callback: NoParamCallback) => void);

/** A second name for a file. */
export const link = api.link as NodeFs['link'] &
  ((existingPath: PathLike, newPath: PathLike, limits: Limits, callback: NoParamCallback) => void);

/** Makes a directory; with `recursive` also those above it, and calls back with the first that it made. */
export const mkdir = api.mkdir as NodeFs['mkdir'] &
  ((
    path: PathLike,
    options: MakeDirectoryOptions & Limits,
    callback: (error: NodeJS.ErrnoException | null, path?: string) => void,
  ) => void);

/** Renames or moves; what has the new name already, is replaced. */
export const rename = api.rename as NodeFs['rename'] &
  ((oldPath: PathLike, newPath: PathLike, limits: Limits, callback: NoParamCallback) => void);

/** Removes an empty directory. */
export const rmdir = api.rmdir as NodeFs['rmdir'] &
  ((path: PathLike, options: Limits, callback: NoParamCallback) => void);

/** Makes a symbolic link; `type` is for Windows. */
export const symlink = api.symlink as NodeFs['symlink'] &
  ((
    target: PathLike,
    path: PathLike,
    type: 'dir' | 'file' | 'junction' | null | undefined,
    limits: Limits,
    callback: NoParamCallback,
  ) => void);

/** Cuts or extends a file. */
export const truncate = api.truncate as NodeFs['truncate'] &
  ((path: PathLike, length: number | undefined, limits: Limits, callback: NoParamCallback) => void);

/** Removes a name of a file. */
export const unlink = api.unlink as NodeFs['unlink'] &
  ((path: PathLike, limits: Limits, callback: NoParamCallback) => void);
export const { fadvise, fallocate, getxattr, setxattr } = extraCallbacks;

/** The whole contents of a file, or what is left of a descriptor's. Also takes `timeout`, in milliseconds. */
export const readFile = api.readFile as NodeFs['readFile'] & {
  (
    path: Parameters<NodeFs['readFile']>[0],
    options: Limits & { encoding: BufferEncoding; flag?: string | number | undefined },
    callback: (error: NodeJS.ErrnoException | null, data: string) => void,
  ): void;
  (
    path: Parameters<NodeFs['readFile']>[0],
    options: Limits & { encoding?: null | undefined; flag?: string | number | undefined },
    callback: (error: NodeJS.ErrnoException | null, data: Buffer) => void,
  ): void;
};

/** Replaces a file's contents, or writes to a descriptor. */
export const writeFile = api.writeFile;

/** A Readable of a file, which reads ahead. */
export const ReadStream = api.ReadStream;
export type ReadStream = NodeFs['ReadStream']['prototype'];

/** A Writable to a file. */
export const WriteStream = api.WriteStream;
export type WriteStream = NodeFs['WriteStream']['prototype'];

/** Names of old, which node's types do not have. */
export const { FileReadStream, FileWriteStream } = api as unknown as {
  FileReadStream: NodeFs['ReadStream'];
  FileWriteStream: NodeFs['WriteStream'];
};

const all = api as typeof api & typeof extraCallbacks;
export default all;
export { api as 'module.exports' };
