/**
 * What `ringcore` exports.
 *
 * @module
 */
import fs from './fs/index.js';
import fsPromises from './fs/promises.js';
import net from './net/index.js';
import type { Server as NetServer, Socket as NetSocket } from './net/index.js';
import * as core from './core/index.js';

export { fs, fsPromises, net, core };
export { backend, type Backend } from './core/backend.js';
export { interval, sleep } from './core/timers.js';
/** A Readable of a file: reads ahead as far as `highWaterMark` allows (default 64 KiB a read). */
export const createReadStream = fs.createReadStream;
/** A Writable to a file; short writes are resumed. */
export const createWriteStream = fs.createWriteStream;
/** The contents of many files, in the order of their paths; one that fails does not fail the others. Not node's. */
export const readFiles = fsPromises.readFiles;
/** Makes a server; `listen()` begins to listen. */
export const createServer = net.createServer;
/** Makes a socket and connects it. */
export const connect = net.connect;
/** The same as {@link connect}. */
export const createConnection = net.createConnection;
/** The constructor of servers. It can be called without `new`. */
export const Server = net.Server;
/** The constructor of connections. It can be called without `new`. */
export const Socket = net.Socket;
/** A server: TCP, or a Unix socket; its connections are an async iterable. */
export type Server = NetServer;
/** A connection: TCP, or a Unix socket. */
export type Socket = NetSocket;

type Asynchronous = (...args: never[]) => unknown;

/**
 * The promise form and the callback form under one name: who passes a function last wants to be called back.
 * Looked up at each call, since programs patch `fs` and `fs.promises`.
 */
function either<N extends keyof typeof fs & keyof typeof fsPromises>(
  name: N,
): (typeof fsPromises)[N] & (typeof fs)[N] {
  const call = (...args: unknown[]): unknown => {
    const form = typeof args.at(-1) === 'function' ? fs[name] : fsPromises[name];
    return (form as Asynchronous)(...(args as never[]));
  };
  Object.defineProperty(call, 'name', { value: name });
  return call as unknown as (typeof fsPromises)[N] & (typeof fs)[N];
}

/** Whether this process may use a file so: F_OK (default), R_OK, W_OK, X_OK. */
export const access = either('access');
/** Writes at the end of a file. */
export const appendFile = either('appendFile');
/** Changes a file's permissions. */
export const chmod = either('chmod');
/** Changes a file's owner and group. */
export const chown = either('chown');
/** Copies a file with its permissions. */
export const copyFile = either('copyFile');
/** Copies a file or, with `recursive`, a tree. */
export const cp = either('cp');
/** Says how a file will be read: POSIX_FADV_\*. Not node's. */
export const fadvise = either('fadvise');
/** Reserves, frees or zeroes space, in bytes. Not node's. */
export const fallocate = either('fallocate');
/** An extended attribute's value: a Buffer, or with an `encoding` a string. Not node's. */
export const getxattr = either('getxattr');
/** Changes the owner and group of a symbolic link itself. */
export const lchown = either('lchown');
/** A second name for a file. */
export const link = either('link');
/** The status of a name: of a symbolic link itself. */
export const lstat = either('lstat');
/** Changes the times of a symbolic link itself, in seconds or as Dates. */
export const lutimes = either('lutimes');
/** Makes a directory; with `recursive` also those above it. `mode` is 0o777 by default. */
export const mkdir = either('mkdir');
/** Makes a directory whose name begins so and has six random letters behind. */
export const mkdtemp = either('mkdtemp');
/** Opens a file: a FileHandle, or to a callback its descriptor. */
export const open = either('open');
/** Opens a directory, to read it entry by entry. */
export const opendir = either('opendir');
/** The whole contents of a file: a Buffer, or with an `encoding` a string. Takes `signal`, and `timeout` in milliseconds. */
export const readFile = either('readFile');
/** The names in a directory; with `withFileTypes` its Dirents. */
export const readdir = either('readdir');
/** What a symbolic link says. */
export const readlink = either('readlink');
/** The path without symbolic links. */
export const realpath = either('realpath');
/** Renames or moves; what has the new name already, is replaced. */
export const rename = either('rename');
/** Removes a file or, with `recursive`, a tree. */
export const rm = either('rm');
/** Removes an empty directory. */
export const rmdir = either('rmdir');
/** Sets an extended attribute; strings are stored as UTF-8. Not node's. */
export const setxattr = either('setxattr');
/** The status of what a path leads to. */
export const stat = either('stat');
/** The status of the file system that a path is in. */
export const statfs = either('statfs');
/** Makes a symbolic link at `path` that says `target`. */
export const symlink = either('symlink');
/** Cuts or extends a file to `len` bytes (default 0). */
export const truncate = either('truncate');
/** Removes a name of a file. */
export const unlink = either('unlink');
/** Changes a file's times, in seconds or as Dates. */
export const utimes = either('utimes');
/** Replaces a file's contents: all of it, or it rejects. `mode` is 0o666 by default. */
export const writeFile = either('writeFile');
