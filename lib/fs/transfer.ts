/**
 * Reads and writes on descriptors, as requests. Whoever calls these has validated the arguments.
 *
 * @module
 */
import { IOSQE_ASYNC } from '../core/constants.js';
import { systemError } from '../core/errors.js';
import { EINTR } from './errors.js';
import { Request, type Settle } from './request.js';

/** The most that is moved in one request on the event loop's thread. */
export const chunkBytes = 512 * 1024;
/** IOV_MAX: the most buffers that one vectored request takes. */
const vectorLimit = 1024;

/** Where in the file; -1 for its own position. */
export type Position = number | bigint;

/**
 * Data in the page cache is copied by the thread that submits. What would hold up the event loop for long goes to a
 * kernel worker at once.
 */
function flagsFor(bytes: number): number {
  return bytes > chunkBytes ? IOSQE_ASYNC : 0;
}

/** A buffer that has been detached since it was validated. */
function assertThere(view: Uint8Array, end: number): void {
  if (end > view.byteLength) throw new RangeError('the buffer is gone');
}

/** `position` moved on by `bytes`; the file's own moves by itself. */
function advanced(position: Position, bytes: number): Position {
  if (typeof position === 'bigint') return position < 0n ? position : position + BigInt(bytes);
  return position < 0 ? position : position + bytes;
}

/** One read: a count, which may be short, 0 at the end of the file, or -errno. */
export function startRead(
  fd: number,
  view: Uint8Array,
  offset: number,
  length: number,
  position: Position,
  settle: Settle,
  runsUserCode = false,
): Request {
  return new Request(
    (native) => {
      assertThere(view, offset + length);
      return native.read(flagsFor(length), 0, fd, view, offset, length, position, 0);
    },
    settle,
    runsUserCode,
  ).submit();
}

/** One vectored read. */
export function startReadv(
  fd: number,
  views: Uint8Array[],
  position: Position,
  settle: Settle,
  runsUserCode = false,
): Request {
  const first = views.length > vectorLimit ? views.slice(0, vectorLimit) : views;
  const bytes = first.reduce((sum, view) => sum + view.byteLength, 0);
  return new Request(
    (native) => native.readv(flagsFor(bytes), 0, fd, first, position, 0),
    settle,
    runsUserCode,
  ).submit();
}

/** Stops what takes several requests; see {@link startWrite}. */
export interface Stoppable {
  cancel(): void;
}

/**
 * Writes all of it: short writes resume. Like libuv's, it ends with an error only if nothing was written; otherwise
 * with the count up to there, and the next write shows the error.
 */
export function startWrite(
  fd: number,
  view: Uint8Array,
  offset: number,
  length: number,
  position: Position,
  settle: Settle,
  runsUserCode = false,
): Stoppable {
  let done = 0;
  const step = (): Request => {
    const [from, bytes, at] = [offset + done, length - done, advanced(position, done)];
    return new Request(
      (native) => {
        assertThere(view, from + bytes);
        return native.write(flagsFor(bytes), 0, fd, view, from, bytes, at, 0);
      },
      (res) => {
        if (res === EINTR && !cancelled) current = step().submit();
        else if (res < 0) settle(done > 0 ? done : res);
        else if ((done += res) >= length || res === 0 || cancelled) settle(done);
        else current = step().submit();
      },
      runsUserCode,
    );
  };
  let cancelled = false;
  let current = step();
  current.submit();
  return {
    cancel() {
      cancelled = true;
      current.cancel();
    },
  };
}

/** What is left of `views` behind their first `bytes`. */
function remaining(views: Uint8Array[], bytes: number): Uint8Array[] {
  let index = 0;
  while (index < views.length && bytes >= views[index]!.byteLength) bytes -= views[index++]!.byteLength;
  const rest = views.slice(index);
  if (bytes > 0 && rest.length > 0) rest[0] = rest[0]!.subarray(bytes);
  return rest;
}

/** Writes all of several buffers, in order, up to 1024 of them in a request. Ends as {@link startWrite}. */
export function startWritev(
  fd: number,
  views: Uint8Array[],
  position: Position,
  settle: Settle,
  runsUserCode = false,
): Stoppable {
  let rest = views;
  let done = 0;
  const step = (): Request => {
    const part = rest.length > vectorLimit ? rest.slice(0, vectorLimit) : rest;
    const bytes = part.reduce((sum, view) => sum + view.byteLength, 0);
    const at = advanced(position, done);
    return new Request(
      (native) => native.writev(flagsFor(bytes), 0, fd, part, at, 0),
      (res) => {
        if (res === EINTR && !cancelled) current = step().submit();
        else if (res < 0) settle(done > 0 ? done : res);
        else {
          done += res;
          rest = remaining(rest, res);
          if (rest.length === 0 || res === 0 || cancelled) settle(done);
          else current = step().submit();
        }
      },
      runsUserCode,
    );
  };
  let cancelled = false;
  let current = step();
  current.submit();
  return {
    cancel() {
      cancelled = true;
      current.cancel();
    },
  };
}

/** Closes a descriptor: 0, or -errno; the number is free then in any case. */
export function startClose(fd: number, settle: Settle, runsUserCode = false): void {
  new Request((native) => native.close(0, 0, fd), settle, runsUserCode).submit();
}

/** As a promise, which rejects with the error that node's close gives. */
export function closeDescriptor(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    startClose(fd, (res) => (res < 0 ? reject(systemError(res, 'close')) : resolve()));
  });
}

/** When something else has failed already. */
export function closeQuietly(fd: number): Promise<void> {
  return new Promise((resolve) => startClose(fd, () => resolve()));
}

const ignore = (): void => {};

/** Closes a descriptor of which nobody knows. */
export function closeUnseen(fd: number): void {
  startClose(fd, ignore);
}
