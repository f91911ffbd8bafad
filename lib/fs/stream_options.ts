/**
 * What node's stream classes are constructed with.
 *
 * @module
 */
import { notImplemented } from './errors.js';
import { FileHandle, isNodeHandle } from './file_handle.js';
import { HandleFiles, StreamFiles } from './stream_files.js';

/** A stream that can be closed with its handle. */
interface Closable {
  close(): void;
}

interface Prepared {
  /** undefined: the program has brought its own `fs`, or node does the work. */
  files: StreamFiles | undefined;
  options: unknown;
}

/**
 * The options with ringcore's `fs` in them, unless the program has one of its own. What is wrong with them is for
 * node's constructor to say.
 */
export function streamOptions(stream: object, options: unknown): Prepared {
  if (typeof options === 'string') options = { encoding: options };
  if (options != null && typeof options !== 'object') {
    // As for every function of fs: a function is no options.
    if (typeof options !== 'function') return { files: undefined, options };
    options = undefined;
  }
  // Inherited ones too, as node does.
  const copy: Record<string, unknown> = {};
  for (const key in options as object) copy[key] = (options as Record<string, unknown>)[key];
  if (copy.fd instanceof FileHandle) {
    if (copy.fs) throw notImplemented('FileHandle with fs');
    const handle = copy.fd;
    copy.fd = handle.fd;
    // A closed one: node refuses the descriptor -1.
    const files = handle.fd === -1 ? new StreamFiles() : new HandleFiles(handle);
    handle.on('close', () => (stream as Closable).close());
    return { files, options: { ...copy, fs: files } };
  }
  if (copy.fs || isNodeHandle(copy.fd)) return { files: undefined, options: copy };
  const files = new StreamFiles();
  return { files, options: { ...copy, fs: files } };
}
