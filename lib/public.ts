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
export const { createReadStream, createWriteStream } = fs;
export const { readFiles } = fsPromises;
export const { createServer, connect, createConnection, Server, Socket } = net;
export type Server = NetServer;
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

export const access = either('access');
export const appendFile = either('appendFile');
export const chmod = either('chmod');
export const chown = either('chown');
export const copyFile = either('copyFile');
export const cp = either('cp');
export const fadvise = either('fadvise');
export const fallocate = either('fallocate');
export const getxattr = either('getxattr');
export const lchown = either('lchown');
export const link = either('link');
export const lstat = either('lstat');
export const lutimes = either('lutimes');
export const mkdir = either('mkdir');
export const mkdtemp = either('mkdtemp');
export const open = either('open');
export const opendir = either('opendir');
export const readFile = either('readFile');
export const readdir = either('readdir');
export const readlink = either('readlink');
export const realpath = either('realpath');
export const rename = either('rename');
export const rm = either('rm');
export const rmdir = either('rmdir');
export const setxattr = either('setxattr');
export const stat = either('stat');
export const statfs = either('statfs');
export const symlink = either('symlink');
export const truncate = either('truncate');
export const unlink = either('unlink');
export const utimes = either('utimes');
export const writeFile = either('writeFile');
