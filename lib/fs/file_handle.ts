/**
 * FileHandle: an open file, with promises.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import type { ReadStream, WriteStream } from 'node:fs';
import type { FileHandle as NodeFileHandle } from 'node:fs/promises';
import type { Interface } from 'node:readline';
import { invalidState, systemError } from '../core/errors.js';
import type { RegisteredBuffer } from '../core/buffers.js';
import { readline } from '../core/seldom.js';
import {
  isMemory,
  numericPosition,
  readArguments,
  validatedVector,
  writeArguments,
  writeTextArguments,
  type Transfer,
} from './arguments.js';
import { EINVAL, internalAssertion } from './errors.js';
import { seen } from './exported.js';
import {
  advise,
  allocate,
  getAttribute,
  setAttribute,
  type FadviseOptions,
  type FallocateOptions,
  type GetxattrOptions,
  type SetxattrOptions,
} from './extra_operations.js';
import { changeMode, changeOwner, changeTimes, synchronize, truncateFile } from './handle_changes.js';
import { HandleLifetime } from './handle_lifetime.js';
import { adopted } from './handle_transfer.js';
import { expose } from './private_descriptors.js';
import { readDescriptor } from './read_to_end.js';
import { promised } from './call.js';
import type { AsBytes, AsText, Encoded, Inspecting, StatsOf } from './limited_options.js';
import type nodePromises from './node_promises.js';
import { limitsOf, validatedFlush, validatedLimits, validatedOptions, type Limits } from './options.js';
import { fstatCall } from './stat.js';
import { isLimited, startLimited, withLimits, type Task } from './task.js';
import {
  startRead,
  startReadv,
  startShortRead,
  startWrite,
  startWritev,
  type Stoppable,
} from './transfer.js';
import { assertAttached, validatedContent, writeDescriptor } from './write_to.js';
import { webStream, type WebStreamOptions } from './web_stream.js';

type View = NodeJS.ArrayBufferView;
type Data = Parameters<typeof nodePromises.writeFile>[1];
type Settle = (res: number) => void;

/** A call with its arguments checked. */
interface Prepared<R> {
  limits: Limits;
  start: (fd: number, settle: Settle) => Stoppable | void;
  result: (res: number) => R;
}

/** A part of a buffer, and where in the file. */
export interface TransferOptions extends Limits {
  /** First byte of the buffer. Default 0. */
  offset?: number | null | undefined;
  /** How many bytes. Default: to the end of the buffer. */
  length?: number | null | undefined;
  /** Where in the file. Default (also null): its own position, which then moves on. */
  position?: number | bigint | null | undefined;
}

let lifetimeOf: (handle: FileHandle) => HandleLifetime;

// Functions, not methods: what is called with another `this` has to reject, not to throw.

/** Runs `run` with the descriptor, which stays open until it has settled. */
async function use<T>(handle: FileHandle, syscall: string, run: (fd: number) => Promise<T>): Promise<T> {
  const file = lifetimeOf(handle);
  const fd = file.acquire(syscall);
  try {
    return await run(fd);
  } finally {
    file.release();
  }
}

/** As `use`, within limits; the descriptor stays open until `run` has settled, even if a limit was reached before. */
async function within<T>(
  handle: FileHandle,
  syscall: string,
  limits: unknown,
  run: (fd: number, task: Task | undefined) => Promise<T>,
): Promise<T> {
  return withLimits(syscall, validatedLimits(limits), (task) => use(handle, syscall, (fd) => run(fd, task)));
}

/**
 * As `use` with one promise and no more: `prepare` checks the arguments, its `start` makes a request. The descriptor
 * is in use until the kernel has let go, also when a limit has rejected the promise before.
 */
function request<R>(
  handle: FileHandle,
  method: string,
  syscall: string,
  prepare: () => Prepared<R>,
): Promise<R> {
  return new Promise((resolve, reject) => {
    const file = lifetimeOf(handle);
    const fd = file.acquire(method);
    try {
      const { limits, start, result } = prepare();
      const finish = (res: number): void => {
        if (res < 0) reject(systemError(res, syscall));
        else resolve(result(res));
      };
      const release = (settle: Settle): Settle => {
        return (res) => {
          file.release();
          settle(res);
        };
      };
      if (!isLimited(limits)) return void start(fd, release(finish));
      const startOwn = (settle: Settle): Stoppable | void => {
        file.acquire(method);
        return start(fd, release(settle));
      };
      startLimited(syscall, limits, startOwn).then(finish, reject);
      file.release();
    } catch (error) {
      file.release();
      throw error;
    }
  });
}

/**
 * An open file. Operations on a closed one reject with EBADF; `close` waits for those that are in flight. Emits
 * `'close'`.
 */
export class FileHandle extends EventEmitter {
  static {
    lifetimeOf = (handle) => {
      if (!(#file in handle)) throw internalAssertion('handle must be an instance of FileHandle');
      return handle.#file;
    };
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
    const { fd } = this.#file;
    // It may be used without this handle from now on.
    expose(fd);
    return fd;
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
  use<T>(syscall: string, run: (fd: number) => Promise<T>): Promise<T> {
    return use(this, syscall, run);
  }

  /**
   * Reads into a buffer; the count may be short, and is 0 at the end of the file. With a `position` (number or
   * bigint) the file's own stays where it is. Also `read(buffer, options)` and `read({ buffer, ...options })`.
   * A RegisteredBuffer's memory is pinned already (IORING_OP_READ_FIXED).
   *
   * Limits end it early. What the buffer holds then is undefined, and the kernel may write to it for a while longer.
   * The file's own position stays where it was, for the next read; pipes and terminals have none: of those, what the
   * kernel had taken when it was told to stop is gone. So is what is read at the own position when the program has asked
   * for `fd`: others may use that position as well, and node's threads read, which cannot be told to stop.
   */
  read<B extends View | RegisteredBuffer>(
    buffer: B,
    offset?: number | TransferOptions | null,
    length?: number | null,
    position?: number | bigint | null,
    limits?: Limits,
  ): Promise<{ bytesRead: number; buffer: B }>;
  read<B extends View | RegisteredBuffer = Buffer>(
    options?: (TransferOptions & { buffer?: B }) | null,
  ): Promise<{ bytesRead: number; buffer: B }>;
  read(
    buffer?: unknown,
    offset?: unknown,
    length?: unknown,
    position?: unknown,
    limits?: unknown,
  ): Promise<{ bytesRead: number; buffer: unknown }> {
    return request(this, 'read', 'read', () => {
      const target = readArguments(buffer, offset, length, position, limits);
      const { memory, offset: from, length: count } = target;
      const start = (fd: number, settle: Settle): Stoppable | void => {
        if (count === 0) return settle(0);
        // One that may be rejected early must be one that can be taken back.
        if (isLimited(target.limits)) return startRead(fd, memory, from, count, target.position, settle);
        return startShortRead(fd, memory, from, count, target.position, settle, false, lifetimeOf(this));
      };
      return {
        limits: target.limits,
        start,
        result: (bytesRead) => ({ __proto__: null, bytesRead, buffer: target.buffer }),
      };
    });
  }

  /** Reads into several buffers, one after the other. Limits as {@link read}. */
  readv<B extends readonly View[]>(
    buffers: B,
    position?: number | null,
    limits?: Limits,
  ): Promise<{ bytesRead: number; buffers: B }> {
    return request(this, 'readv', 'read', () => {
      const views = validatedVector(buffers);
      return {
        limits: validatedLimits(limits),
        start: (fd, settle) =>
          views.length === 0 ? settle(EINVAL) : startReadv(fd, views, numericPosition(position), settle),
        result: (bytesRead) => ({ __proto__: null, bytesRead, buffers }),
      };
    });
  }

  /**
   * Writes a buffer (`write(buffer, offset, length, position)`, `write(buffer, options)`) or a string
   * (`write(string, position, encoding)`), all of it. When limits end it early, some of it may have been written.
   */
  write<B extends View | RegisteredBuffer | string>(
    buffer: B,
    offset?: number | TransferOptions | null,
    length?: number | BufferEncoding | null,
    position?: number | Limits | null,
    limits?: Limits,
  ): Promise<{ bytesWritten: number; buffer: B }> {
    return request(this, 'write', 'write', () => {
      const result = (bytesWritten: number): { bytesWritten: number; buffer: B } => {
        return { __proto__: null, bytesWritten, buffer } as { bytesWritten: number; buffer: B };
      };
      if ((buffer as View | undefined)?.byteLength === 0) {
        return { limits: validatedLimits(limits), start: (_, settle) => settle(0), result };
      }
      const source: Transfer<unknown> = isMemory(buffer)
        ? writeArguments(buffer, offset, length, position, limits)
        : writeTextArguments(buffer, offset, length, position);
      const { memory, offset: from, length: count } = source;
      return {
        limits: source.limits,
        start: (fd, settle) => startWrite(fd, memory, from, count, source.position, settle),
        result,
      };
    });
  }

  /** Writes several buffers, one after the other, all of them. Limits as {@link write}. */
  writev<B extends readonly View[]>(
    buffers: B,
    position?: number | null,
    limits?: Limits,
  ): Promise<{ bytesWritten: number; buffers: B }> {
    return request(this, 'writev', 'write', () => {
      const views = validatedVector(buffers);
      return {
        limits: validatedLimits(limits),
        start: (fd, settle) =>
          views.length === 0 ? settle(0) : startWritev(fd, views, numericPosition(position), settle),
        result: (bytesWritten) => ({ __proto__: null, bytesWritten, buffers }),
      };
    });
  }

  /** Reserves space for the file, or frees or zeroes some. fallocate(2). */
  fallocate(options: FallocateOptions): Promise<void> {
    return use(this, 'fallocate', async (fd) => allocate(fd, options));
  }

  /** Says how the file will be read: POSIX_FADV_*. posix_fadvise(2). */
  fadvise(advice: number, options?: FadviseOptions): Promise<void> {
    return use(this, 'fadvise', async (fd) => advise(fd, advice, options));
  }

  /** An extended attribute's value; a string with an `encoding`. fgetxattr(2). */
  getxattr(
    name: string,
    options: BufferEncoding | (GetxattrOptions & { encoding: BufferEncoding }),
  ): Promise<string>;
  getxattr(
    name: string,
    options?: (GetxattrOptions & { encoding?: 'buffer' | null | undefined }) | null,
  ): Promise<Buffer>;
  getxattr(name: string, options?: GetxattrOptions | BufferEncoding | null): Promise<Buffer | string> {
    return use(this, 'fgetxattr', async (fd) => getAttribute(fd, name, options));
  }

  /** Sets an extended attribute; strings are stored as UTF-8. fsetxattr(2). */
  setxattr(name: string, value: string | View, options?: SetxattrOptions): Promise<void> {
    return use(this, 'fsetxattr', async (fd) => setAttribute(fd, name, value, options));
  }

  /** What is left of the file, from its position on. */
  readFile(options: AsText | BufferEncoding): Promise<string>;
  readFile(options?: AsBytes | null): Promise<Buffer>;
  readFile(options?: Encoded | BufferEncoding | null): Promise<Buffer | string>;
  readFile(options?: unknown): Promise<Buffer | string> {
    return use(this, 'readFile', async (fd) => readDescriptor(fd, validatedOptions(options)));
  }

  /** Writes at the file's position. */
  writeFile(data: Data, options?: Encoded | BufferEncoding | null): Promise<void> {
    return use(this, 'writeFile', async (fd) => {
      const valid = validatedOptions(options);
      // Checked, and that is all: a handle is flushed by `sync`.
      validatedFlush(valid);
      const content = validatedContent(data, valid);
      assertAttached(content);
      return writeDescriptor(fd, content, valid);
    });
  }

  /** The same as `writeFile`: the file is where its position is, or opened for appending. */
  appendFile(data: Data, options?: Encoded | BufferEncoding | null): Promise<void> {
    return this.writeFile(data, options);
  }

  stat<B extends boolean = false>(options: Inspecting<B> = {}): Promise<StatsOf<B>> {
    return use(
      this,
      'fstat',
      async (fd) => (await promised(fstatCall(fd, options), limitsOf(options))) as StatsOf<B>,
    );
  }

  /** fsync(2): data and metadata are on the device. */
  sync(limits: Limits = {}): Promise<void> {
    return within(this, 'fsync', limits, (fd, task) => synchronize(fd, false, task));
  }

  /** fdatasync(2): the data, and what is needed to read it. */
  datasync(limits: Limits = {}): Promise<void> {
    return within(this, 'fdatasync', limits, (fd, task) => synchronize(fd, true, task));
  }

  truncate(bytes: number = 0, limits?: Limits): Promise<void> {
    return within(this, 'ftruncate', limits, (fd, task) => truncateFile(fd, bytes, task));
  }

  chmod(mode: number | string): Promise<void> {
    return use(this, 'fchmod', (fd) => changeMode(fd, mode));
  }

  chown(uid: number, gid: number): Promise<void> {
    return use(this, 'fchown', (fd) => changeOwner(fd, uid, gid));
  }

  utimes(atime: number | string | Date, mtime: number | string | Date): Promise<void> {
    return use(this, 'futimes', (fd) => changeTimes(fd, atime, mtime));
  }

  createReadStream(options?: object): ReadStream {
    return seen.createReadStream(undefined as never, { ...options, fd: this as unknown as NodeFileHandle });
  }

  createWriteStream(options?: object): WriteStream {
    return seen.createWriteStream(undefined as never, { ...options, fd: this as unknown as NodeFileHandle });
  }

  /** The lines of the file, as an async iterable. */
  readLines(options?: object): Interface {
    return readline().createInterface({ input: this.createReadStream(options), crlfDelay: Infinity });
  }

  /** What is left of the file as a web stream; the handle is closed by its owner, or with `autoClose` by its end. */
  readableWebStream(options: WebStreamOptions = {}): ReadableStream {
    if (this.#file.fd === -1) throw invalidState('The FileHandle is closed');
    if (this.#file.closing) throw invalidState('The FileHandle is closing');
    if (this.#locked) throw invalidState('The FileHandle is locked');
    this.#locked = true;
    return webStream(this, options);
  }

  /** An own property, as node's is: it can be passed on without the handle. */
  close = (): Promise<void> => {
    if (this.#file.fd === -1 || this.#file.closing) return this.#file.close();
    const closed = this.#file.close();
    this.emit('close');
    return closed;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A handle's descriptor, for who does not tell its number; -1 when closed. */
export function descriptorOf(handle: FileHandle): number {
  return lifetimeOf(handle).fd;
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
