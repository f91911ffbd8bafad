/**
 * Whether a ReadStream's chunks go into a WriteStream, and nowhere else: then nobody can tell in which pieces, and in
 * whose memory.
 *
 * @module
 */
import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { filesOf } from './stream_files.js';
import { WriteStream } from './write_stream.js';

/** A readable stream, with what node's types do not show. */
interface Source extends Readable {
  _readableState: { pipes?: unknown };
}

// Only compared with.
/* eslint-disable @typescript-eslint/unbound-method */
const { push, read } = Readable.prototype;
const { write } = Writable.prototype;
const { emit } = EventEmitter.prototype;
const writePrototype = WriteStream.prototype as Writable;
const { _write, _writev } = writePrototype;

/** As it was made: neither derived nor patched. */
function isPlain(stream: Writable): boolean {
  return (
    Object.getPrototypeOf(stream) === writePrototype &&
    stream.write === write &&
    stream.emit === emit &&
    stream._write === _write &&
    stream._writev === _writev &&
    filesOf(stream)?.writesItself === true
  );
}

/** Who sees chunks, or how the pipe holds them back. */
const observing = ['readable', 'pause', 'resume'];

/** The WriteStream that alone gets what `source`, an instance of `prototype`, reads; undefined if anybody could see it. */
export function soleDestination(source: Source, prototype: object): Writable | undefined {
  const { pipes } = source._readableState;
  if (!Array.isArray(pipes) || pipes.length !== 1 || source.readableFlowing !== true) return undefined;
  if (Object.getPrototypeOf(source) !== prototype || source.push !== push || source.read !== read) {
    return undefined;
  }
  // The one who listens for data is the pipe.
  if (source.emit !== emit || source.listenerCount('data') !== 1 || source.readableEncoding !== null) {
    return undefined;
  }
  if (observing.some((event) => source.listenerCount(event) > 0)) return undefined;
  const destination = pipes[0] as Writable;
  if (!isPlain(destination) || destination.destroyed || destination.writableEnded) return undefined;
  // The pipe listens for it too, once it has had to wait.
  return destination.listenerCount('drain') === 0 ? destination : undefined;
}
/* eslint-enable @typescript-eslint/unbound-method */
