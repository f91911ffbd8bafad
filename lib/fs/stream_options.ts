/**
 * What node's stream classes are constructed with.
 *
 * @module
 */
import { notImplemented } from './errors.js';
import { descriptorOf, FileHandle, isNodeHandle } from './file_handle.js';
import { HandleFiles, setFiles, StreamFiles } from './stream_files.js';

/** A stream that can be closed with its handle. */
interface Closable {
  close(): void;
}

/** node's class, as a function. */
interface Base {
  call(self: object, path: unknown, options: unknown): void;
}

interface Prepared {
  /** undefined: the program has brought its own `fs`, or node does the work. */
  files: StreamFiles | undefined;
  options: unknown;
  /** The handle is as it was before. */
  undo?: () => void;
}

/** Makes `stream` one of node's class `base`, with ringcore's files under it. */
export function construct(stream: object, base: Base, path: unknown, given: unknown): void {
  const { files, options, undo } = prepare(stream, given);
  setFiles(stream, files);
  try {
    base.call(stream, path, options);
    if (files instanceof HandleFiles) files.hide();
  } catch (error) {
    // There is no stream that would close the handle, or could be closed with it.
    undo?.();
    throw error;
  }
}

/**
 * The options with ringcore's `fs` in them, unless the program has one of its own. What is wrong with them is for
 * node's constructor to say.
 */
function prepare(stream: object, options: unknown): Prepared {
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
    copy.fd = descriptorOf(handle);
    // A closed one: node refuses the descriptor -1.
    const files = copy.fd === -1 ? new StreamFiles(stream) : new HandleFiles(stream, handle);
    const onClose = (): void => (stream as Closable).close();
    handle.on('close', onClose);
    const undo = (): void => {
      handle.off('close', onClose);
      if (files instanceof HandleFiles) handle.unref();
    };
    return { files, options: { ...copy, fs: files }, undo };
  }
  if (copy.fs || isNodeHandle(copy.fd)) return { files: undefined, options: copy };
  const files = new StreamFiles(stream);
  return { files, options: { ...copy, fs: files } };
}
