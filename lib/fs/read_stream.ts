/**
 * ReadStream: node's own class with ringcore's files under it, and reading ahead where the file allows it.
 *
 * @module
 */
import type { ReadStream as NodeReadStream } from 'node:fs';
import { fsConstants } from '../core/node_constants.js';
import { api } from './exported.js';
import { opensSlowly } from './mounts.js';
import nodeFs from './node_fs.js';
import { ReadAhead } from './read_ahead.js';
import type { StreamFiles } from './stream_files.js';
import { streamOptions } from './stream_options.js';

const { S_IFMT, S_IFREG } = fsConstants;
const files = Symbol('files');
const ahead = Symbol('ahead');

/** What node's stream has that its types do not show. */
interface State extends NodeReadStream {
  fd: number | null;
  pos: number | undefined;
  start: number | undefined;
  end: number;
  open: unknown;
  [files]?: StreamFiles;
  /** null: not for this stream. */
  [ahead]?: ReadAhead | null;
}

const Base = nodeFs.ReadStream as unknown as {
  prototype: {
    _read(this: State, bytes: number): void;
    _destroy(this: State, error: Error | null, done: (error?: Error | null) => void): void;
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
  const prepared = streamOptions(this, options);
  this[files] = prepared.files;
  Base.call(this, path, prepared.options);
  return undefined;
}

Object.setPrototypeOf(ReadStream.prototype, Base.prototype);
Object.setPrototypeOf(ReadStream, Base);

/** Reads ahead if that cannot be told from reading piece by piece: a regular file, at positions that we keep. */
function aheadFor(stream: State): ReadAhead | null {
  // Whose `fs` and whose descriptor's position it is, only the program knows.
  if (stream[files]?.readsItself !== true || stream.fd === null) return null;
  const ownPosition = stream.path !== undefined && stream.open === Base.prototype.open;
  if (stream.start === undefined && !ownPosition) return null;
  // Whoever has the file would be asked for its size, while the event loop waits.
  if (stream.path !== undefined && opensSlowly(stream.path)) return null;
  let size: number;
  try {
    const status = nodeFs.fstatSync(stream.fd);
    if ((status.mode & S_IFMT) !== S_IFREG || status.size === 0) return null;
    size = status.size;
  } catch {
    return null;
  }
  const begin = stream.start ?? 0;
  return new ReadAhead(stream.fd, begin, stream.end, size, {
    push(chunk) {
      if (stream.pos !== undefined) stream.pos += chunk.length;
      stream.bytesRead += chunk.length;
      stream.push(chunk);
    },
    end: () => void stream.push(null),
    fail(position) {
      // node's own way of reading meets the same error, and knows what to do with it.
      stream.pos = position;
      stream[ahead] = null;
      stream._read(stream.readableHighWaterMark);
    },
  });
}

const prototype = ReadStream.prototype as Pick<typeof Base.prototype, '_read' | '_destroy'>;

prototype._read = function (this: State, bytes: number): void {
  const reader = (this[ahead] ??= this[ahead] === null ? null : aheadFor(this));
  if (reader !== null) reader.read(bytes);
  else Base.prototype._read.call(this, bytes);
};

prototype._destroy = function (this: State, error: Error | null, done: (error?: Error | null) => void): void {
  const close = (): void => Base.prototype._destroy.call(this, error, done);
  this[files]?.stop();
  // The descriptor stays open until the last read has come back.
  if (this[ahead]) this[ahead].stop(close);
  else close();
};

/** `fs.createReadStream`. */
export function createReadStream(path: unknown, options?: unknown): unknown {
  const { ReadStream: Stream } = api;
  return new (Stream as unknown as new (path: unknown, options: unknown) => object)(path, options);
}
