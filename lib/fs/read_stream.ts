/**
 * ReadStream: node's own class with ringcore's files under it, and reading ahead where the file allows it.
 *
 * @module
 */
import type { ReadStream as NodeReadStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { fsConstants } from '../core/node_constants.js';
import { describeFile } from './describe.js';
import { seen } from './exported.js';
import nodeFs from './node_fs.js';
import { PipeReader } from './pipe_reader.js';
import { soleDestination } from './piping.js';
import { ReadAhead } from './read_ahead.js';
import { isPrivate } from './private_descriptors.js';
import { descriptorIn, unnoticed } from './stream_descriptor.js';
import { filesOf } from './stream_files.js';
import { construct } from './stream_options.js';

const { S_IFREG } = fsConstants;
const ahead = Symbol('ahead');

/** What node's stream has that its types do not show. */
interface State extends NodeReadStream {
  fd: number | null;
  pos: number | undefined;
  start: number | undefined;
  end: number;
  open: unknown;
  _readableState: { pipes?: unknown };
  /** null: not for this stream. */
  [ahead]?: ReadAhead | PipeReader | null;
}

const Base = nodeFs.ReadStream as unknown as {
  prototype: {
    _read(this: State, bytes: number): void;
    _destroy(this: State, error: Error | null, done: (error?: Error | null) => void): void;
    unpipe(this: State, ...args: unknown[]): unknown;
    open: unknown;
  };
  call(self: object, path: unknown, options: unknown): void;
};

/**
 * `fs.ReadStream`. A function, not a class: programs call it without `new`, and on objects that they have made
 * themselves of its prototype.
 */
export function ReadStream(this: State | void, path: unknown, options?: unknown): State | undefined {
  if (!(this instanceof (ReadStream as unknown as new () => State))) {
    return new (ReadStream as unknown as new (path: unknown, options: unknown) => State)(path, options);
  }
  construct(this, Base, path, options);
  return undefined;
}

Object.setPrototypeOf(ReadStream.prototype, Base.prototype);
Object.setPrototypeOf(ReadStream, Base);

/** Reads ahead if that cannot be told from reading piece by piece: a regular file, at positions that we keep. */
function readerFor(stream: State): ReadAhead | PipeReader | null {
  // Whose `fs` and whose descriptor's position it is, only the program knows.
  const fd = descriptorIn(stream);
  if (filesOf(stream)?.readsItself !== true || fd === null) return null;
  const ownPosition = stream.path !== undefined && stream.open === Base.prototype.open && isPrivate(fd);
  if (stream.start === undefined && !ownPosition) return null;
  const { type, size } = describeFile(fd);
  if (type !== S_IFREG || size === 0) return null;
  const begin = stream.start ?? 0;
  const destination = destinationOf(stream);
  if (destination === undefined || destination.writableLength > 0) return aheadFrom(stream, begin, size);
  return pipeFrom(stream, destination, begin, size);
}

function destinationOf(stream: State): Writable | undefined {
  return soleDestination(stream, ReadStream.prototype as object);
}

function advance(stream: State, bytes: number): void {
  if (stream.pos !== undefined) stream.pos += bytes;
  stream.bytesRead += bytes;
}

/** node's own way of reading meets the error of a read again, and knows what to do with it. */
function failAt(stream: State, position: number): void {
  stream.pos = position;
  stream[ahead] = null;
  stream._read(stream.readableHighWaterMark);
}

function aheadFrom(stream: State, begin: number, size: number): ReadAhead {
  return new ReadAhead(descriptorIn(stream)!, begin, stream.end, size, {
    push(chunk) {
      advance(stream, chunk.length);
      stream.push(chunk);
    },
    end: () => void stream.push(null),
    fail: (position) => failAt(stream, position),
  });
}

function pipeFrom(stream: State, destination: Writable, begin: number, size: number): PipeReader {
  return new PipeReader(descriptorIn(stream)!, begin, stream.end, size, {
    get isPiped() {
      return destinationOf(stream) === destination;
    },
    write(block, done) {
      advance(stream, block.length);
      destination.write(block, done);
    },
    goOn(position) {
      stream[ahead] = aheadFrom(stream, position, size);
      stream[ahead].read(stream.readableHighWaterMark);
    },
    end: () => void stream.push(null),
    fail: (position) => failAt(stream, position),
  });
}

const prototype = ReadStream.prototype as Pick<typeof Base.prototype, '_read' | '_destroy' | 'unpipe'>;

prototype._read = function (this: State, bytes: number): void {
  const reader = (this[ahead] ??= this[ahead] === null ? null : readerFor(this));
  if (reader !== null) reader.read(bytes);
  else unnoticed(this, () => Base.prototype._read.call(this, bytes));
};

prototype.unpipe = function (this: State, ...args: unknown[]): unknown {
  const result = Base.prototype.unpipe.apply(this, args);
  // Perhaps the one that it waits for.
  if (this[ahead] instanceof PipeReader) this[ahead].read();
  return result;
};

prototype._destroy = function (this: State, error: Error | null, done: (error?: Error | null) => void): void {
  const close = (): void => Base.prototype._destroy.call(this, error, done);
  filesOf(this)?.stop();
  // The descriptor stays open until the last read has come back.
  if (this[ahead]) this[ahead].stop(close);
  else close();
};

/** `fs.createReadStream`. */
export function createReadStream(path: unknown, options?: unknown): unknown {
  const { ReadStream: Stream } = seen;
  return new (Stream as unknown as new (path: unknown, options: unknown) => object)(path, options);
}
