/**
 * `ringcore/fs`: every export of `node:fs`.
 *
 * On io_uring: `readFile`, `writeFile`, `appendFile`, `open`, `close`, `read`, `readv`, `write`, `writev`, `fsync`,
 * `fdatasync`, the streams, and what `promises` says. The rest, and on the node backend everything, is node's own.
 *
 * @module
 */
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
export const fdatasync = api.fdatasync;
export const fstat = api.fstat;
export const fsync = api.fsync;
export const ftruncate = api.ftruncate;
export const link = api.link;
export const lstat = api.lstat;
export const mkdir = api.mkdir;
export const open = api.open;
export const read = api.read;
export const readFileSync = api.readFileSync;
export const readv = api.readv;
export const rename = api.rename;
export const rm = api.rm;
export const rmSync = api.rmSync;
export const rmdir = api.rmdir;
export const rmdirSync = api.rmdirSync;
export const stat = api.stat;
export const symlink = api.symlink;
export const truncate = api.truncate;
export const truncateSync = api.truncateSync;
export const unlink = api.unlink;
export const write = api.write;
export const writeFileSync = api.writeFileSync;
export const writev = api.writev;
export const promises = promisesApi;

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

export default api;
export { api as 'module.exports' };
