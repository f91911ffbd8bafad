/**
 * What a stream does its input and output with. node's stream classes take such an object as their option `fs`; this
 * is ringcore's default for it, one for each stream, which knows what the stream has in flight.
 *
 * @module
 */
import { EventEmitter } from 'node:events';
import { seen, isPatched } from './exported.js';
import { descriptorOf, FileHandle } from './file_handle.js';
import { bound } from './callback.js';
import { systemError } from '../core/errors.js';
import { expose, isPrivate, keepPrivate } from './private_descriptors.js';
import { hideDescriptor } from './stream_descriptor.js';
import { startRead, type Stoppable } from './transfer.js';

type Done = (error: Error | null, ...results: unknown[]) => void;

const files = Symbol('files');

/** What a stream of ours works with; undefined for those that node or the program serves. */
export function filesOf(stream: object): StreamFiles | undefined {
  return (stream as { [files]?: StreamFiles })[files];
}

export function setFiles(stream: object, own: StreamFiles | undefined): void {
  (stream as { [files]?: StreamFiles | undefined })[files] = own;
}

// Only compared with.
// eslint-disable-next-line @typescript-eslint/unbound-method
const { emit } = EventEmitter.prototype;

/** Whether the program is told the descriptor of a stream that has just opened its file. */
function tells(stream: EventEmitter): boolean {
  if (isPatched('open', 'read', 'write', 'writev', 'fsync', 'close') || stream.emit !== emit) return true;
  // Listeners of 'open' are given it, those of 'ready' may ask for it.
  return stream.listenerCount('open') + stream.listenerCount('ready') > 0;
}

/** The descriptor's operations, through the exports of fs, which programs may have patched. */
export class StreamFiles {
  protected readonly stream: object;
  #reading: Stoppable | undefined;
  #stopped = false;

  constructor(stream: object) {
    this.stream = stream;
  }

  open(path: string, flags: string, mode: number, done: (error: Error | null, fd: number) => void): void {
    seen.open(path, flags, mode, (error, fd) => {
      const unseen = error === null && !tells(this.stream as EventEmitter);
      if (unseen) keepPrivate(fd);
      done(error, fd);
      // Unless it has been destroyed meanwhile.
      if (unseen && (this.stream as { fd: unknown }).fd === fd) hideDescriptor(this.stream, fd);
    });
  }

  close(fd: number, done: Done): void {
    if (isPatched('close')) expose(fd);
    seen.close(fd, done);
  }

  fsync(fd: number, done: Done): void {
    if (isPatched('fsync')) expose(fd);
    seen.fsync(fd, done);
  }

  read(
    fd: number,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number | undefined,
    done: Done,
  ): void {
    if (this.readsItself) this.startRead(fd, buffer, offset, length, position, done);
    else {
      expose(fd);
      seen.read(fd, buffer, offset, length, position ?? null, done);
    }
  }

  write(
    fd: number,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number | undefined,
    done: Done,
  ): void {
    if (!this.writesItself) expose(fd);
    seen.write(fd, buffer, offset, length, position, done);
  }

  writev(fd: number, buffers: Buffer[], position: number | undefined, done: Done): void {
    if (!this.writesItself) expose(fd);
    seen.writev(fd, buffers, position as number, done);
  }

  /** Whether reads need not go through a function that the program has put in the place of ours. */
  get readsItself(): boolean {
    return !isPatched('read');
  }

  /** The same of writes. */
  get writesItself(): boolean {
    return !isPatched('write', 'writev');
  }

  /** Ends a read that may wait for ever, on a terminal or a pipe: the stream is destroyed. */
  stop(): void {
    this.#stopped = true;
    this.#reading?.cancel();
  }

  protected startRead(
    fd: number,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number | undefined,
    callback: Done,
  ): void {
    const done = bound(callback);
    const settle = (res: number): void => {
      this.#reading = undefined;
      if (this.#stopped) done(null, 0, buffer);
      else if (res < 0) done(systemError(res, 'read'), 0, buffer);
      else done(null, res, buffer);
    };
    this.#reading = startRead(fd, buffer, offset, length, position ?? -1, settle, true);
  }
}

// Only compared with.
// eslint-disable-next-line @typescript-eslint/unbound-method
const { read, write, writev } = FileHandle.prototype;

/** The same on a FileHandle, which stays open until the stream closes it. */
export class HandleFiles extends StreamFiles {
  readonly #handle: FileHandle;

  constructor(stream: object, handle: FileHandle) {
    super(stream);
    this.#handle = handle;
    handle.ref();
  }

  /** The stream has been made. */
  hide(): void {
    const fd = descriptorOf(this.#handle);
    if (isPrivate(fd)) hideDescriptor(this.stream, fd);
  }

  override get readsItself(): boolean {
    return this.#handle.read === read;
  }

  override get writesItself(): boolean {
    return this.#handle.write === write && this.#handle.writev === writev;
  }

  override close(_fd: number, done: Done): void {
    this.#handle.unref();
    this.#handle.close().then(() => done(null), done);
  }

  override fsync(_fd: number, done: Done): void {
    this.#handle.sync().then(() => done(null), done);
  }

  override read(
    fd: number,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number | undefined,
    done: Done,
  ): void {
    if (this.readsItself) return this.startRead(fd, buffer, offset, length, position, done);
    this.#handle.read(buffer, offset, length, position).then(
      (result) => done(null, result.bytesRead, buffer),
      (error: Error) => done(error, 0, buffer),
    );
  }

  override write(
    _fd: number,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number | undefined,
    done: Done,
  ): void {
    // By its methods: programs replace those of a handle too.
    this.#handle.write(buffer, offset, length, position).then(
      (result) => done(null, result.bytesWritten, buffer),
      (error: Error) => done(error, 0, buffer),
    );
  }

  override writev(_fd: number, buffers: Buffer[], position: number | undefined, done: Done): void {
    this.#handle.writev(buffers, position).then(
      (result) => done(null, result.bytesWritten, buffers),
      (error: Error) => done(error, 0, buffers),
    );
  }
}
