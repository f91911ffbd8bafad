/**
 * readFile, by name, by descriptor, by FileHandle; as a promise and with a callback.
 *
 * @module
 */
import { abortError } from '../core/errors.js';
import { validatedFd, validatedPath, validateFunction } from '../core/validate.js';
import { namesDescriptor } from './arguments.js';
import { bound, callWith, type Callback } from './callback.js';
import { likeNodes } from './exported.js';
import { descriptorOf, FileHandle, isNodeHandle } from './file_handle.js';
import nodeFs from './node_fs.js';
import nodePromises from './node_promises.js';
import type { Path } from './open_file.js';
import { validatedFlags, validatedOptions, type FileOptions } from './options.js';
import { ReadFileRequest, type Content } from './read_file_request.js';
import { readDescriptor } from './read_to_end.js';
import { isLimited, withLimits } from './task.js';

const encodingOf = ({ encoding }: FileOptions): BufferEncoding | undefined =>
  (encoding || undefined) as BufferEncoding | undefined;

function readByPath(path: Path, oflags: number, options: FileOptions): Promise<Content> {
  return withLimits('readFile', options, (task) => {
    return new Promise<Content>((resolve, reject) => {
      new ReadFileRequest(path, oflags, encodingOf(options), resolve, reject, task).submit();
    });
  });
}

/**
 * The whole contents of a file: `fsPromises.readFile`, with `timeout` besides `signal`. Of a FileHandle: what is left
 * of it. A Buffer has an ArrayBuffer of its own.
 */
export function readFile(path: unknown, options?: unknown): Promise<Content> {
  // Not an async function: one promise less for each file.
  try {
    const valid = validatedOptions(options);
    // A closed one: not "file closed", as its methods say.
    if (path instanceof FileHandle) validatedFd(descriptorOf(path));
    if (path instanceof FileHandle) return path.use('readFile', (fd) => readDescriptor(fd, valid));
    if (isNodeHandle(path)) return nodePromises.readFile(path, valid as { encoding?: null });
    if (valid.signal?.aborted) throw abortError(valid.signal.reason);
    const name = validatedPath(path);
    return readByPath(name, validatedFlags(valid.flag || 'r'), valid);
  } catch (error) {
    return new Promise(() => {
      throw error;
    });
  }
}

/** `fs.readFile`: by name or descriptor, with a callback. */
export function readFileCallback(path: unknown, options: unknown, callback?: Callback<[Content?]>): void {
  callback ||= options as Callback<[Content?]>;
  validateFunction(callback, 'cb');
  const valid = validatedOptions(options);
  if (namesDescriptor(path)) {
    validatedFd(path);
    callWith(readDescriptor(path, valid), bound(callback));
    return;
  }
  // At once, as node does.
  if (valid.signal?.aborted) return callback(abortError(valid.signal.reason));
  const oflags = validatedFlags(valid.flag, 'options.flag');
  const name = validatedPath(path);
  const done = bound(callback);
  if (isLimited(valid)) {
    callWith(readByPath(name, oflags, valid), done);
  } else {
    const resolve = (content: Content): void => done(null, content);
    new ReadFileRequest(name, oflags, encodingOf(valid), resolve, done as never, undefined, true).submit();
  }
}

likeNodes(readFileCallback, nodeFs.readFile);
