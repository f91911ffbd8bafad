/**
 * Writing all of something to an open file: the second half of writeFile.
 *
 * @module
 */
import { systemError } from '../core/errors.js';
import { isDetached } from '../core/validate.js';
import { bytesOf, validateText } from './arguments.js';
import { checked } from './errors.js';
import { encodingOr, type FileOptions } from './options.js';
import { mostPooledBytes } from './pooled.js';
import { settled, whileWanted, withLimits, type Task } from './task.js';
import { chunkBytes, startWrite } from './transfer.js';
import { isShared } from './turns.js';

type View = NodeJS.ArrayBufferView;
type Chunks = AsyncIterable<unknown> | Iterable<unknown>;
/** What is to be written: bytes, or what yields them. */
export type Content = Uint8Array | Chunks;

function isIterable(data: unknown): data is Chunks {
  if (!data || typeof data === 'string') return false;
  const { [Symbol.asyncIterator]: asyncIterator, [Symbol.iterator]: iterator } = data as {
    [Symbol.asyncIterator]?: unknown;
    [Symbol.iterator]?: unknown;
  };
  return typeof asyncIterator === 'function' || typeof iterator === 'function';
}

/** The data argument of writeFile, checked; strings as bytes. Only promise forms take iterables. */
export function validatedContent(data: unknown, { encoding }: FileOptions, iterables = true): Content {
  if (ArrayBuffer.isView(data)) return bytesOf(data as View);
  if (iterables && isIterable(data)) return data;
  validateText(data, 'data');
  return Buffer.from(data, (encoding || 'utf8') as BufferEncoding);
}

/** The promise forms refuse what is detached; the callback forms find nothing in it to write. */
export function assertAttached(content: Content): void {
  // Throws, with the words that node's has for it.
  if (content instanceof Uint8Array && isDetached(content)) new Uint8Array(content.buffer);
}

/** Writes all of the content at the file's position. */
export function writeDescriptor(fd: number, content: Content, options: FileOptions): Promise<void> {
  return withLimits('writeFile', options, (task) => writeContent(fd, content, options, task));
}

const nothing = new Uint8Array(0);

/** As {@link writeDescriptor}; what is empty is written, too: the kernel says whether the descriptor could have been. */
export async function writeAlways(fd: number, bytes: Uint8Array, options: FileOptions): Promise<void> {
  if (bytes.byteLength > 0) return writeDescriptor(fd, bytes, options);
  return withLimits('writeFile', options, async (task) => {
    const res = await settled((settle) => startWrite(fd, nothing, 0, 0, -1, settle), task);
    task?.check();
    checked(res, 'write');
  });
}

export async function writeContent(
  fd: number,
  content: Content,
  { encoding }: FileOptions,
  task?: Task,
): Promise<void> {
  if (content instanceof Uint8Array) return writeBytes(fd, content, task);
  const iterator = iteratorOf(content);
  for (;;) {
    const next = await nextOf(iterator, task);
    if (next.done) return;
    const chunk = next.value;
    try {
      const bytes = ArrayBuffer.isView(chunk)
        ? bytesOf(chunk as View)
        : Buffer.from(chunk as string, encodingOr(encoding));
      await writeBytes(fd, bytes, task);
    } catch (error) {
      const left = leave(iterator);
      await (task === undefined ? left : task.until(left));
      throw error;
    }
  }
}

/** As `for await` does it, which could not be left while it waits. What a synchronous iterator gives may be promises. */
function iteratorOf(content: Chunks): AsyncIterator<unknown> {
  const { [Symbol.asyncIterator]: iterate } = content as Partial<AsyncIterable<unknown>>;
  return iterate == null
    ? inTurns(content as Iterable<unknown>)
    : iterate.call(content as AsyncIterable<unknown>);
}

async function* inTurns(content: Iterable<unknown>): AsyncGenerator<unknown> {
  yield* content;
}

/** A source that never yields again must not keep the file open when the call has been ended; one that fails has ended. */
async function nextOf(iterator: AsyncIterator<unknown>, task?: Task): Promise<IteratorResult<unknown>> {
  try {
    const next: unknown = await whileWanted(iterator.next(), task);
    if (Object(next) !== next) throw new TypeError(`Iterator result ${String(next)} is not an object`);
    return next as IteratorResult<unknown>;
  } catch (error) {
    // Nobody waits for it: a generator that is waiting itself answers late or never.
    if (task?.stopped) void leave(iterator);
    throw error;
  }
}

async function leave(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // There is an error already.
  }
}

/**
 * Writes the bytes from `done` up to `end`; short writes resume, at most 512 KiB go in one request. `begin` is where in
 * the file the first of the bytes belongs; -1 for the file's own position: where others use that as well, nothing of theirs
 * is to come in between, unless the call may be ended early.
 */
export async function writeBytes(
  fd: number,
  bytes: Uint8Array,
  task?: Task,
  done = 0,
  end = bytes.byteLength,
  begin = -1,
): Promise<void> {
  const most = begin < 0 && task === undefined && isShared(fd) ? mostPooledBytes : chunkBytes;
  while (done < end) {
    task?.check();
    const length = Math.min(end - done, most);
    const [from, position] = [done, begin < 0 ? -1 : begin + done];
    const res = await settled((settle) => startWrite(fd, bytes, from, length, position, settle), task);
    task?.check();
    if (res < 0) throw systemError(res, 'write');
    done += res;
  }
}
