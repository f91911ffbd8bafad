/**
 * FileHandle: an open file, with promises.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import type { BigIntStats, ReadStream, Stats, WriteStream } from 'node:fs';
import type { FileHandle as NodeFileHandle } from 'node:fs/promises';
import { createInterface, type Interface } from 'node:readline';
import { invalidState, systemError } from '../core/errors.js';
import {
  numericPosition,
  readArguments,
  validatedVector,
  writeArguments,
  writeTextArguments,
} from './arguments.js';
import { EINVAL } from './errors.js';
import { api } from './exported.js';
import { changeMode, changeOwner, changeTimes, synchronize, truncateFile } from './handle_changes.js';
import { HandleLifetime } from './handle_lifetime.js';
import { adopted } from './handle_transfer.js';
import { readDescriptor } from './read_to_end.js';
import { validatedFlush, validatedOptions } from './options.js';
import { fstat } from './stats.js';
import { startRead, startReadv, startWrite, startWritev } from './transfer.js';
import { assertAttached, validatedContent, writeDescriptor } from './write_to.js';
import { webStream } from './web_stream.js';

type View = NodeJS.ArrayBufferView;
type Settle = (res: number) => void;

/** A part of a buffer, and where in the file. */
export interface TransferOptions {
  /** First byte of the buffer. Default 0. */
  offset?: number | null | undefined;
  /** How many bytes. Default: to the end of the buffer. */
  length?: number | null | undefined;
  /** Where in the file. Default (also null): its own position, which then moves on. */
  position?: number | bigint | null | undefined;
}

let lifetimeOf: (handle: FileHandle) => HandleLifetime;

/**
 * An open file. Operations on a closed one reject with EBADF; `close` waits for those that are in flight. Emits
 * `'close'`.
 */
export class FileHandle extends EventEmitter {
  static {
    lifetimeOf = (handle) => handle.#file;
  }

  readonly #file: HandleLifetime;
  #resource: AsyncResource | undefined;
  #locked = false;

  /** @internal */
  constructor(fd: number) {
    super();
    this.#file = new HandleLifetime(fd, this);
  }

  /** The descriptor; -1 when closed. */
  get fd(): number {
    return this.#file.fd;
  }

  getAsyncId(): number {
    return (this.#resource ??= new AsyncResource('FILEHANDLE')).asyncId();
  }

  /** @internal For who holds the descriptor for longer than an operation: streams. Pairs with `unref`. */
  ref(): void {
    this.#file.acquire('open');
  }

  /** @internal */
  unref(): void {
    this.#file.release();
  }

  /** @internal Runs `run` with the descriptor, which stays open until it has settled. */
  async use<T>(syscall: string, run: (fd: number) => Promise<T>): Promise<T> {
    const fd = this.#file.acquire(syscall);
    try {
      return await run(fd);
    } finally {
      this.#file.release();
    }
  }

  /** As `use` with one promise and no more: `begin` makes a request, which gives its result to `settle`. */
  #request<R>(
    method: string,
    syscall: string,
    begin: (fd: number, settle: Settle) => unknown,
    result: (res: number) => R,
  ): Promise<R> {
    return new Promise((resolve, reject) => {
      const file = this.#file;
      const fd = file.acquire(method);
      const settle = (res: number): void => {
        file.release();
        if (res < 0) reject(systemError(res, syscall));
        else resolve(result(res));
      };
      try {
        begin(fd, settle);
      } catch (error) {
        file.release();
        throw error;
      }
    });
  }

  /**
   * Reads into a buffer; the count may be short, and is 0 at the end of the file. With a `position` (number or
   * bigint) the file's own stays where it is. Also `read(buffer, options)` and `read({ buffer, ...options })`.
   */
  read<B extends View = Buffer>(
    buffer?: B | (TransferOptions & { buffer?: B }) | null,
    offset?: number | TransferOptions | null,
    length?: number | null,
    position?: number | bigint | null,
  ): Promise<{ bytesRead: number; buffer: B }> {
    let into: View;
    return this.#request(
      'read',
      'read',
      (fd, settle) => {
        const target = readArguments(buffer, offset, length, position);
        into = target.buffer;
        if (target.length === 0) settle(0);
        else startRead(fd, target.view, target.offset, target.length, target.position, settle);
      },
      (bytesRead) => ({ __proto__: null, bytesRead, buffer: into as B }),
    );
  }

  /** Reads into several buffers, one after the other. */
  readv<B extends readonly View[]>(
    buffers: B,
    position?: number | null,
  ): Promise<{ bytesRead: number; buffers: B }> {
    return this.#request(
      'readv',
      'read',
      (fd, settle) => {
        const views = validatedVector(buffers);
        if (views.length === 0) settle(EINVAL);
        else startReadv(fd, views, numericPosition(position), settle);
      },
      (bytesRead) => ({ __proto__: null, bytesRead, buffers }),
    );
  }

  /**
   * Writes a buffer (`write(buffer, offset, length, position)`, `write(buffer, options)`) or a string
   * (`write(string, position, encoding)`), all of it.
   */
  write<B extends View | string>(
    buffer: B,
    offset?: number | TransferOptions | null,
    length?: number | BufferEncoding | null,
    position?: number | null,
  ): Promise<{ bytesWritten: number; buffer: B }> {
    return this.#request(
      'write',
      'write',
      (fd, settle) => {
        if ((buffer as View | undefined)?.byteLength === 0) return settle(0);
        const source = ArrayBuffer.isView(buffer)
          ? writeArguments(buffer, offset, length, position)
          : writeTextArguments(buffer, offset, length);
        return startWrite(fd, source.view, source.offset, source.length, source.position, settle);
      },
      (bytesWritten) => ({ __proto__: null, bytesWritten, buffer }),
    );
  }

  /** Writes several buffers, one after the other, all of them. */
  writev<B extends readonly View[]>(
    buffers: B,
    position?: number | null,
  ): Promise<{ bytesWritten: number; buffers: B }> {
    return this.#request(
      'writev',
      'write',
      (fd, settle) => {
        const views = validatedVector(buffers);
        if (views.length === 0) settle(0);
        else startWritev(fd, views, numericPosition(position), settle);
      },
      (bytesWritten) => ({ __proto__: null, bytesWritten, buffers }),
    );
  }

  /** What is left of the file, from its position on. */
  readFile(options?: unknown): Promise<Buffer | string> {
    return this.use('readFile', async (fd) => readDescriptor(fd, validatedOptions(options)));
  }

  /** Writes at the file's position. */
  writeFile(data: unknown, options?: unknown): Promise<void> {
    return this.use('writeFile', async (fd) => {
      const valid = validatedOptions(options);
      // Checked, and that is all: a handle is flushed by `sync`.
      validatedFlush(valid);
      const content = validatedContent(data, valid);
      assertAttached(content);
      return writeDescriptor(fd, content, valid);
    });
  }

  /** The same as `writeFile`: the file is where its position is, or opened for appending. */
  appendFile(data: unknown, options?: unknown): Promise<void> {
    return this.writeFile(data, options);
  }

  stat(options: { bigint?: boolean } = {}): Promise<Stats | BigIntStats> {
    return this.use('fstat', (fd) => fstat(fd, options.bigint === true));
  }

  /** fsync(2): data and metadata are on the device. */
  sync(): Promise<void> {
    return this.use('fsync', (fd) => synchronize(fd, false));
  }

  /** fdatasync(2): the data, and what is needed to read it. */
  datasync(): Promise<void> {
    return this.use('fdatasync', (fd) => synchronize(fd, true));
  }

  truncate(bytes: number = 0): Promise<void> {
    return this.use('ftruncate', (fd) => truncateFile(fd, bytes));
  }

  chmod(mode: number | string): Promise<void> {
    return this.use('fchmod', (fd) => changeMode(fd, mode));
  }

  chown(uid: number, gid: number): Promise<void> {
    return this.use('fchown', (fd) => changeOwner(fd, uid, gid));
  }

  utimes(atime: number | string | Date, mtime: number | string | Date): Promise<void> {
    return this.use('futimes', (fd) => changeTimes(fd, atime, mtime));
  }

  createReadStream(options?: object): ReadStream {
    return api.createReadStream(undefined as never, { ...options, fd: this as unknown as NodeFileHandle });
  }

  createWriteStream(options?: object): WriteStream {
    return api.createWriteStream(undefined as never, { ...options, fd: this as unknown as NodeFileHandle });
  }

  /** The lines of the file, as an async iterable. */
  readLines(options?: object): Interface {
    return createInterface({ input: this.createReadStream(options), crlfDelay: Infinity });
  }

  /** What is left of the file as a web stream; the handle is closed by its owner. */
  readableWebStream(options: { type?: string } = {}): ReadableStream {
    if (this.fd === -1) throw invalidState('The FileHandle is closed');
    if (this.#file.closing) throw invalidState('The FileHandle is closing');
    if (this.#locked) throw invalidState('The FileHandle is locked');
    this.#locked = true;
    return webStream(this, options);
  }

  /** An own property, as node's is: it can be passed on without the handle. */
  close = (): Promise<void> => {
    if (this.fd === -1 || this.#file.closing) return this.#file.close();
    const closed = this.#file.close();
    this.emit('close');
    return closed;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** To be awaited, if it is there, before a FileHandle is made: see handle_transfer.ts. */
export function whenAdopted(): Promise<void> | undefined {
  return adopted(FileHandle, lifetimeOf);
}

/** A FileHandle that node:fs/promises has made. */
export function isNodeHandle(value: unknown): value is NodeFileHandle {
  // On node 20 it is no instance of EventEmitter.
  if (typeof value !== 'object' || value === null || value instanceof FileHandle) return false;
  return value.constructor?.name === 'FileHandle' && 'getAsyncId' in value;
}
