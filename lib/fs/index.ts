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

/** Writes at the end of a file, or of a descriptor's. */
export const appendFile = all.appendFile;
/** Node's own, which calls `fs.openSync` as it is now: for programs that patch it. */
export const appendFileSync = all.appendFileSync;
/** Closes a descriptor; the number is free when it calls back. */
export const close = all.close;
/** Closes a descriptor, and tells the ring, which would close it when the thread ends. */
export const closeSync = all.closeSync;
/** Copies a file with its permissions. The copy resumes after a short write, and removes what it made when it fails. */
export const copyFile = all.copyFile;
/** Copies a file or, with `recursive`, a tree. Files are copied side by side. */
export const cp = all.cp;
/** Node's own. */
export const cpSync = all.cpSync;
/** A Readable of a file: reads ahead as far as `highWaterMark` allows (default 64 KiB a read). */
export const createReadStream = all.createReadStream;
/** A Writable to a file; short writes are resumed. */
export const createWriteStream = all.createWriteStream;
/** Whether a path leads somewhere. Its callback has no error. */
export const exists = all.exists;
/** The status of an open file. */
export const fstat = all.fstat;
/** The status of a name: of a symbolic link itself. */
export const lstat = all.lstat;
/** Opens a file; calls back with its descriptor. `mode` is 0o666 by default. */
export const open = all.open;
/** Reads from a descriptor; calls back with the count, which may be short, and the buffer. Position null: the file's own. */
export const read = all.read;
/** Node's own, which calls `fs.openSync` as it is now. */
export const readFileSync = all.readFileSync;
/** Reads into several buffers, one after the other. */
export const readv = all.readv;
/** Removes a file or, with `recursive`, a tree; `force` leaves out what is not there. */
export const rm = all.rm;
/** Node's own. */
export const rmSync = all.rmSync;
/** Node's own. */
export const rmdirSync = all.rmdirSync;
/** The status of what a path leads to. What the kernel has in memory is answered without waiting. */
export const stat = all.stat;
/** Node's own. */
export const truncateSync = all.truncateSync;
/** Writes to a descriptor; calls back with the count, which may be short, and what was written. */
export const write = all.write;
/** Node's own, which calls `fs.openSync` as it is now. */
export const writeFileSync = all.writeFileSync;
/** Writes several buffers, one after the other. */
export const writev = all.writev;
/** Says how a file will be read: POSIX_FADV_\*. Not node's. posix_fadvise(2). */
export const fadvise = all.fadvise;

/** Reserves space, in bytes; with FALLOC_FL_\* in `mode` frees or zeroes it. Not node's. fallocate(2). */
export const fallocate = all.fallocate;

/** An extended attribute's value: a Buffer, or with an `encoding` a string. Not node's. getxattr(2). */
export const getxattr = all.getxattr;

/** Sets an extended attribute; strings are stored as UTF-8. Not node's. setxattr(2). */
export const setxattr = all.setxattr;

/** `ringcore/fs/promises`. */
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
/** A Readable of a file. */
export type ReadStream = NodeFs['ReadStream']['prototype'];

/** A Writable to a file. */
export const WriteStream = all.WriteStream;
/** A Writable to a file. */
export type WriteStream = NodeFs['WriteStream']['prototype'];

/** Names of old, which node's types do not have. */
const old = api as unknown as {
  FileReadStream: NodeFs['ReadStream'];
  FileWriteStream: NodeFs['WriteStream'];
};

/** An old name of {@link ReadStream}. */
export const FileReadStream = old.FileReadStream;

/** An old name of {@link WriteStream}. */
export const FileWriteStream = old.FileWriteStream;

/** @internal */
export { all as default, all as 'module.exports' };
