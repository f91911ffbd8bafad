/**
 * WriteStream: node's own class with ringcore's files under it. What a program writes while a write is in flight goes
 * to the kernel as one vectored write.
 *
 * @module
 */
import type { WriteStream as NodeWriteStream } from 'node:fs';
import { seen } from './exported.js';
import nodeFs from './node_fs.js';
import { unnoticed } from './stream_descriptor.js';
import { construct } from './stream_options.js';

type Constructor = new (path: unknown, options: unknown) => NodeWriteStream;

type Write = (this: object, ...args: unknown[]) => void;

const Base = nodeFs.WriteStream as unknown as {
  prototype: { _write: Write; _writev: Write };
  call(self: object, path: unknown, options: unknown): void;
};

/** `fs.WriteStream`. As ReadStream, a function that can be called on any object with its prototype. */
export function WriteStream(this: object | void, path: unknown, options?: unknown): object | undefined {
  if (!(this instanceof (WriteStream as unknown as Constructor))) {
    return new (WriteStream as unknown as Constructor)(path, options);
  }
  construct(this, Base, path, options);
  return undefined;
}

Object.setPrototypeOf(WriteStream.prototype, Base.prototype);
Object.setPrototypeOf(WriteStream, Base);

const prototype = WriteStream.prototype as typeof Base.prototype;

prototype._write = function (...args): void {
  unnoticed(this, () => Base.prototype._write.apply(this, args));
};

prototype._writev = function (...args): void {
  unnoticed(this, () => Base.prototype._writev.apply(this, args));
};

/** `fs.createWriteStream`. */
export function createWriteStream(path: unknown, options?: unknown): NodeWriteStream {
  const { WriteStream: Stream } = seen;
  return new (Stream as unknown as Constructor)(path, options);
}
