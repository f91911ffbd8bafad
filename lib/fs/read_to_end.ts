/**
 * Reading what is left of an open file, chunk by chunk: for FileHandles and descriptors, and for files whose size says
 * nothing (pipes, devices, /proc).
 *
 * @module
 */
import { AT_EMPTY_PATH, STATX_SIZE, STATX_TYPE, S_IFMT, S_IFREG } from '../core/constants.js';
import { statxBytes, decodeStatx } from '../core/statx.js';
import { checked, fileTooLarge, largestFileBytes } from './errors.js';
import { memoryForContent } from './memory.js';
import type { Path } from './open_file.js';
import type { FileOptions } from './options.js';
import { perform, settled, withLimits, type Task } from './task.js';
import { chunkBytes, startRead } from './transfer.js';

/** Chunks of a file of unknown size. */
const unsizedChunkBytes = 64 * 1024;

/** One read at the file's own position, which a task can cancel. */
async function readSome(
  fd: number,
  buffer: Buffer,
  offset: number,
  length: number,
  task?: Task,
  path?: Path,
): Promise<number> {
  const res = await settled((settle) => startRead(fd, buffer, offset, length, -1, settle), task);
  task?.check();
  return checked(res, 'read', path);
}

/** The size that the file says it has; 0 for anything but a regular file. */
async function sizeOf(fd: number, task?: Task): Promise<number> {
  const out = new Uint8Array(statxBytes);
  const res = await perform(
    (native) => native.statx(0, 0, fd, '', AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE, out),
    task,
  );
  task?.check();
  checked(res, 'fstat');
  const { mode, size } = decodeStatx(out, false) as { mode: number; size: number };
  if ((mode & S_IFMT) !== S_IFREG) return 0;
  if (size > largestFileBytes) throw fileTooLarge(size);
  return size;
}

/** What is left of an open file, as readFile gives it. */
export async function readDescriptor(fd: number, options: FileOptions): Promise<Buffer | string> {
  const content = await withLimits('readFile', options, (task) => readToEnd(fd, task));
  return options.encoding ? content.toString(options.encoding as BufferEncoding) : content;
}

/** What is left of the file, from its position on. */
async function readToEnd(fd: number, task?: Task): Promise<Buffer> {
  const size = await sizeOf(fd, task);
  return size > 0 ? readSized(fd, size, task) : readUnsized(fd, task);
}

/** At most `size` bytes. */
async function readSized(fd: number, size: number, task?: Task): Promise<Buffer> {
  const buffer = memoryForContent(size);
  let done = 0;
  while (done < size) {
    const bytes = await readSome(fd, buffer, done, Math.min(size - done, chunkBytes), task);
    if (bytes === 0) return buffer.subarray(0, done);
    done += bytes;
  }
  return buffer;
}

/** Reads until there is nothing more. `path` is for errors. */
export async function readUnsized(fd: number, task?: Task, path?: Path): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let buffer = Buffer.allocUnsafeSlow(unsizedChunkBytes);
  let filled = 0;
  for (;;) {
    const bytes = await readSome(fd, buffer, filled, buffer.length - filled, task, path);
    if (bytes === 0) break;
    filled += bytes;
    if (filled === buffer.length) {
      chunks.push(buffer);
      // Long ones in larger chunks.
      buffer = Buffer.allocUnsafeSlow(Math.min(buffer.length * 2, chunkBytes));
      filled = 0;
    }
  }
  chunks.push(buffer.subarray(0, filled));
  // Also for a single one: a copy of the right size.
  return Buffer.concat(chunks);
}
