// Checked by the compiler alone: whatever takes node's modules takes ringcore's, and what ringcore's take besides.
import { promisify } from 'node:util';
import type nodeFsDefault from 'node:fs';
import type * as nodeFs from 'node:fs';
import type nodePromisesDefault from 'node:fs/promises';
import type * as nodePromises from 'node:fs/promises';
import type nodeNetDefault from 'node:net';
import type * as nodeNet from 'node:net';
import fsDefault, * as fs from 'ringcore/fs';
import promisesDefault, * as promises from 'ringcore/fs/promises';
import netDefault, * as net from 'ringcore/net';
import type * as root from 'ringcore';
import { fs as exportedFs, fsPromises as exportedPromises, net as exportedNet } from 'ringcore';

export const namespaces: [typeof nodeFs, typeof nodePromises, typeof nodeNet] = [fs, promises, net];

export const defaults: [typeof nodeFsDefault, typeof nodePromisesDefault, typeof nodeNetDefault] = [
  fsDefault,
  promisesDefault,
  netDefault,
];

export const members: typeof defaults = [exportedFs, exportedPromises, exportedNet];

export const promisesOfFs: typeof nodePromises = fs.promises;

// Types of instances, where programs name them.
export const stream = (path: string): nodeFs.ReadStream => fs.createReadStream(path);
export const named = (reading: fs.ReadStream, writing: fs.WriteStream, stats: fs.Stats): boolean =>
  reading.pending && writing.pending && stats.isFile();
export const server: () => nodeNet.Server = () => net.createServer();
export const socket: () => nodeNet.Socket = () => net.connect(1);

// One declaration for all: the calls below are of the default exports.
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? never : 'differs';
type Differing<A, B> = {
  [K in keyof A & keyof B]: Equal<A[K], B[K]> extends never ? never : K;
}[keyof A & keyof B];
type Nothing<T extends never> = T;
type Promises = typeof promisesDefault;
type Callbacks = typeof fsDefault;
type Either = { [K in keyof Promises & keyof Callbacks]: Promises[K] & Callbacks[K] };
export type Same = [
  Nothing<Differing<typeof promises, Promises>>,
  Nothing<Equal<typeof fs.promises, Promises>>,
  Nothing<Equal<typeof fsDefault.promises, Promises>>,
  Nothing<Equal<typeof exportedPromises, Promises>>,
  Nothing<Differing<Omit<typeof fs, 'promises'>, Callbacks>>,
  Nothing<Equal<typeof exportedFs, Callbacks>>,
  Nothing<Differing<Omit<typeof root, 'constants' | 'createReadStream' | 'createWriteStream'>, Either>>,
];

declare const limits: promises.Limits;
declare const maybe: boolean;
declare const encoding: BufferEncoding | null;
declare const bytes: Uint8Array;
declare const done: (error: Error | null) => void;
const path = 'a';
const timeout = 1;

const is = <T>(_value: T): void => {};
type Handle = Awaited<ReturnType<typeof promises.open>>;

export function promiseForms(fs: Promises): void {
  is<Promise<Buffer>>(fs.readFile(path, limits));
  is<Promise<string>>(fs.readFile(path, { encoding: 'utf8', flag: 'r', timeout }));
  is<Promise<string | Buffer>>(fs.readFile(path, { encoding, timeout }));
  is<Promise<void>>(fs.writeFile(path, ['a'], { mode: 0o600, flush: true, timeout }));
  is<Promise<void>>(fs.appendFile(path, 'a', limits));
  is<AsyncIterable<promises.FileResult<Buffer>>>(fs.readFiles([path], limits));
  is<Promise<void>>(fs.fallocate(1, { length: 1, timeout }));
  is<Promise<void>>(fs.fadvise(1, 0, limits));
  is<Promise<Buffer>>(fs.getxattr(path, 'user.a', limits));
  is<Promise<void>>(fs.setxattr(path, 'user.a', 'b', limits));
  is<Promise<promises.FileHandle>>(fs.open(path, 'r', 0o600, limits));
  is<Promise<nodeFs.Stats>>(fs.stat(path, limits));
  is<Promise<nodeFs.BigIntStats>>(fs.stat(path, { bigint: true, timeout }));
  is<Promise<nodeFs.Stats>>(fs.lstat(path, { bigint: false, timeout }));
  is<Promise<nodeFs.BigIntStats | nodeFs.Stats>>(fs.lstat(path, { bigint: maybe, timeout }));
  is<Promise<void>>(fs.mkdir(path, { mode: 0o700, timeout }));
  is<Promise<string | undefined>>(fs.mkdir(path, { recursive: true, timeout }));
  is<Promise<void>>(fs.rmdir(path, limits));
  is<Promise<void>>(fs.rm(path, { force: true, timeout }));
  is<Promise<void>>(fs.cp(path, path, { recursive: true, timeout }));
  is<Promise<void>>(fs.rename(path, path, limits));
  is<Promise<void>>(fs.link(path, path, limits));
  is<Promise<void>>(fs.symlink(path, path, null, limits));
  is<Promise<void>>(fs.unlink(path, limits));
  is<Promise<void>>(fs.truncate(path, 0, limits));
  is<Promise<void>>(fs.copyFile(path, path, 0, limits));

  // @ts-expect-error: not a number
  is(fs.stat(path, { timeout: '1' }));
  // @ts-expect-error: bigint makes the difference
  is<Promise<nodeFs.Stats>>(fs.stat(path, { bigint: true, timeout }));
  // @ts-expect-error: no encoding, no string
  is<Promise<string>>(fs.readFile(path, { timeout }));
  // @ts-expect-error: no such option
  is(fs.rm(path, { tiemout: 1 }));
  // @ts-expect-error: limits are an object
  is(fs.unlink(path, 1));
  // @ts-expect-error: node's own takes none
  is(fs.chmod(path, 0, limits));
}

export function callbackForms(fs: Callbacks): void {
  fs.readFile(path, limits, (_, data) => is<Buffer | undefined>(data));
  fs.readFile(path, { encoding: 'utf8', timeout }, (_, data) => is<string | undefined>(data));
  fs.readFile(path, { encoding, timeout }, (_, data) => is<Buffer | string | undefined>(data));
  fs.writeFile(path, bytes, { flush: true, timeout }, done);
  fs.appendFile(path, 'a', limits, done);
  fs.fallocate(1, { length: 1, timeout }, done);
  fs.fadvise(1, 0, limits, done);
  fs.getxattr(path, 'user.a', limits, (_, value) => is<Buffer>(value));
  fs.setxattr(path, 'user.a', 'b', limits, done);
  fs.read(1, { buffer: bytes, timeout }, (_, count, buffer) => is<[number, Uint8Array]>([count, buffer]));
  fs.read(1, bytes, { position: 1n, timeout }, (_, count, buffer) =>
    is<[number, Uint8Array]>([count, buffer]),
  );
  fs.read(1, bytes, 0, 1, null, limits, (_, count, buffer) => is<[number, Uint8Array]>([count, buffer]));
  fs.readv(1, [bytes], null, limits, (_, count, buffers) => is<[number, Uint8Array[]]>([count, buffers]));
  fs.write(1, bytes, { offset: 1, timeout }, (_, count, buffer) => is<[number, Uint8Array]>([count, buffer]));
  fs.write(1, bytes, 0, 1, null, limits, (_, count, buffer) => is<[number, Uint8Array]>([count, buffer]));
  fs.write(1, 'a', null, 'utf8', limits, (_, count, text) => is<[number, string]>([count, text]));
  fs.writev(1, [bytes], 0, limits, (_, count, buffers) => is<[number, Uint8Array[]]>([count, buffers]));
  fs.open(path, 'r', 0o600, limits, (_, fd) => is<number>(fd));
  fs.fsync(1, limits, done);
  fs.fdatasync(1, limits, done);
  fs.stat(path, limits, (_, stats) => is<nodeFs.Stats>(stats));
  fs.lstat(path, { bigint: true, timeout }, (_, stats) => is<nodeFs.BigIntStats>(stats));
  fs.fstat(1, { bigint: maybe, timeout }, (_, stats) => is<nodeFs.Stats | nodeFs.BigIntStats>(stats));
  fs.mkdir(path, { recursive: true, timeout }, (_, first) => is<string | undefined>(first));
  fs.rmdir(path, limits, done);
  fs.rm(path, { force: true, timeout }, done);
  fs.cp(path, path, { recursive: true, timeout }, done);
  fs.rename(path, path, limits, done);
  fs.link(path, path, limits, done);
  fs.symlink(path, path, null, limits, done);
  fs.unlink(path, limits, done);
  fs.truncate(path, 0, limits, done);
  fs.ftruncate(1, 0, limits, done);
  fs.copyFile(path, path, 0, limits, done);

  // @ts-expect-error: not a number
  fs.stat(path, { timeout: '1' }, done);
  // @ts-expect-error: bigint makes the difference
  fs.fstat(1, { bigint: true, timeout }, (_, stats: nodeFs.Stats) => is(stats));
  // @ts-expect-error: limits stand behind node's arguments
  fs.open(path, limits, (_, fd) => is(fd));
  // @ts-expect-error: what closes must not be ended early
  fs.close(1, limits, done);
  // @ts-expect-error: it answers with true or false
  fs.exists(path, limits, done);
}

export function eitherForm(fs: typeof root): void {
  is<Promise<string>>(fs.readFile(path, { encoding: 'utf8', timeout }));
  fs.readFile(path, { encoding: 'utf8', timeout }, (_, data) => is<string | undefined>(data));
  is<Promise<promises.FileHandle>>(fs.open(path, 'r', 0o600, limits));
  fs.open(path, 'r', 0o600, limits, (_, fd) => is<number>(fd));
  is<Promise<nodeFs.BigIntStats>>(fs.stat(path, { bigint: true, timeout }));
  fs.stat(path, { bigint: true, timeout }, (_, stats) => is<nodeFs.BigIntStats>(stats));
  is<Promise<void>>(fs.rename(path, path, limits));
  fs.rename(path, path, limits, done);
  // @ts-expect-error: no such option
  is(fs.rm(path, { tiemout: 1 }));
}

export function handleForms(file: Handle): void {
  is<promises.FileHandle>(file);
  is<nodePromises.FileHandle>(file);
  is<Promise<Buffer>>(file.readFile(limits));
  is<Promise<string>>(file.readFile({ encoding: 'utf8', timeout }));
  is<Promise<string | Buffer>>(file.readFile({ encoding, timeout }));
  is<Promise<void>>(file.writeFile('a', { encoding: 'utf8', timeout }));
  is<Promise<void>>(file.appendFile('a', limits));
  is<Promise<void>>(file.fallocate({ length: 1, timeout }));
  is<Promise<void>>(file.fadvise(0, limits));
  is<Promise<Buffer>>(file.getxattr('user.a', limits));
  is<Promise<void>>(file.setxattr('user.a', 'b', limits));
  is<Promise<{ bytesRead: number; buffer: Uint8Array }>>(file.read(bytes, { position: 0, timeout }));
  is<Promise<{ bytesRead: number; buffer: Uint8Array }>>(file.read({ buffer: bytes, timeout }));
  is<Promise<{ bytesRead: number; buffer: Uint8Array }>>(file.read(bytes, 0, 1, null, limits));
  is<Promise<{ bytesRead: number; buffers: Uint8Array[] }>>(file.readv([bytes], null, limits));
  is<Promise<{ bytesWritten: number; buffer: Uint8Array }>>(file.write(bytes, { position: 0, timeout }));
  is<Promise<{ bytesWritten: number; buffer: Uint8Array }>>(file.write(bytes, 0, 1, null, limits));
  is<Promise<{ bytesWritten: number; buffer: string }>>(file.write('a', null, 'utf8', limits));
  is<Promise<{ bytesWritten: number; buffers: Uint8Array[] }>>(file.writev([bytes], 0, limits));
  is<Promise<nodeFs.Stats>>(file.stat(limits));
  is<Promise<nodeFs.BigIntStats>>(file.stat({ bigint: true, timeout }));
  is<Promise<void>>(file.sync(limits));
  is<Promise<void>>(file.datasync(limits));
  is<Promise<void>>(file.truncate(0, limits));

  // @ts-expect-error: no such option
  is(file.sync({ tiemout: 1 }));
  // @ts-expect-error: bigint makes the difference
  is<Promise<nodeFs.Stats>>(file.stat({ bigint: true, timeout }));
  // @ts-expect-error: what closes must not be ended early
  is(file.close(limits));
}

// node's overloads, as before.
export function nodesForms(file: Handle): void {
  is<Promise<Buffer>>(promises.readFile(path));
  is<Promise<string>>(promises.readFile(file, 'utf8'));
  is<Promise<string | Buffer>>(promises.readFile(path, { encoding }));
  is<Promise<nodeFs.Stats>>(promises.stat(path));
  is<Promise<nodeFs.BigIntStats>>(promises.stat(path, { bigint: true }));
  is<Promise<void>>(promises.mkdir(path));
  is<Promise<string | undefined>>(promises.mkdir(path, { recursive: true }));
  is<Promise<void[]>>(Promise.all([path].map(promises.unlink)));
  is<Promise<string>>(file.readFile('utf8'));
  is<Promise<nodeFs.Stats>>(file.stat());
  is<(path: string) => Promise<Buffer>>(promisify(fs.readFile));
  is<(path: string) => Promise<string>>((path) => promisify(fs.readFile)(path, 'utf8'));
  is<(path: string) => Promise<nodeFs.BigIntStats>>((path) => promisify(fs.stat)(path, { bigint: true }));
  is<(from: string, to: string) => Promise<void>>(promisify(fs.rename));
  fs.mkdir(path, { recursive: true }, (_, first) => is<string | undefined>(first));
}

// Options by name.
export const options: [
  promises.ReadFilesOptions,
  promises.FallocateOptions,
  promises.FadviseOptions,
  promises.GetxattrOptions,
  promises.SetxattrOptions,
] = [{ concurrency: 1, timeout }, { length: 1, timeout }, limits, { maxBytes: 1 }, { xattrFlags: 0 }];
