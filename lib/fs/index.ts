/**
 * `ringcore/fs`: every export of `node:fs`. docs/compatibility.md says for each who does it; on the node backend that is
 * node.
 *
 * @module
 */
import { api, onRing, publish } from './exported.js';
import type { Fs } from './limited_callbacks.js';
import type nodeFs from './node_fs.js';
import promisesApi from './promises.js';
import './ring_exports.js';

export * from './node_fs.js';

type NodeFs = typeof nodeFs;

if (onRing) publish(api, { promises: promisesApi });

const all = api as Fs;

export const appendFile = all.appendFile;
export const appendFileSync = all.appendFileSync;
export const close = all.close;
export const closeSync = all.closeSync;
export const copyFile = all.copyFile;
export const cp = all.cp;
export const cpSync = all.cpSync;
export const createReadStream = all.createReadStream;
export const createWriteStream = all.createWriteStream;
export const exists = all.exists;
export const fstat = all.fstat;
export const lstat = all.lstat;
export const open = all.open;
export const read = all.read;
export const readFileSync = all.readFileSync;
export const readv = all.readv;
export const rm = all.rm;
export const rmSync = all.rmSync;
export const rmdirSync = all.rmdirSync;
export const stat = all.stat;
export const truncateSync = all.truncateSync;
export const write = all.write;
export const writeFileSync = all.writeFileSync;
export const writev = all.writev;
export const { fadvise, fallocate, getxattr, setxattr } = all;
export const promises = promisesApi;

/** fdatasync(2). */
export const fdatasync = all.fdatasync;

/** fsync(2). */
export const fsync = all.fsync;

/** Cuts or extends an open file. */
export const ftruncate = all.ftruncate;

/** A second name for a file. */
export const link = all.link;

/** Makes a directory; with `recursive` also those above it, and calls back with the first that it made. */
export const mkdir = all.mkdir;

/** The whole contents of a file, or what is left of a descriptor's. */
export const readFile = all.readFile;

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

/** Replaces a file's contents, or writes to a descriptor. */
export const writeFile = all.writeFile;

/** A Readable of a file, which reads ahead. */
export const ReadStream = all.ReadStream;
export type ReadStream = NodeFs['ReadStream']['prototype'];

/** A Writable to a file. */
export const WriteStream = all.WriteStream;
export type WriteStream = NodeFs['WriteStream']['prototype'];

/** Names of old, which node's types do not have. */
export const { FileReadStream, FileWriteStream } = api as unknown as {
  FileReadStream: NodeFs['ReadStream'];
  FileWriteStream: NodeFs['WriteStream'];
};

export { all as default, all as 'module.exports' };
