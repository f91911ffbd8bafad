/**
 * Reads and writes on descriptors, as requests. Whoever calls these has validated the arguments.
 *
 * @module
 */
import { ring } from '../core/backend.js';
import type { NativeRing } from '../core/binding.js';
import { indexOf, type RegisteredBuffer } from '../core/buffers.js';
import { IOSQE_ASYNC } from '../core/constants.js';
import { exitHasBegun } from '../core/exiting.js';
import { nextTick, setImmediate } from '../core/unmocked.js';
import { counted, isCrowded } from './crowd.js';
import { EAGAIN, ECANCELED, EINTR } from './errors.js';
import { readPooled, readvPooled, writePooled, writevPooled } from './pooled.js';
import { Request, type Prepare, type Settle } from './request.js';
import { opensForAppending, Turn, type TurnUser } from './turns.js';

/** The most that is moved in one request on the event loop's thread. */
export const chunkBytes = 512 * 1024;
/** Up to here the way through the ring costs more than the copying. */
const shortReadBytes = 64 * 1024;
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

/**
 * For writes to this descriptor. The kernel's attempt on the submitting thread may end half way (XFS, btrfs), and a worker
 * does the rest. When appending, another process could get in between: so a worker does it all.
 */
export function flagsForWriting(fd: number): number {
  return opensForAppending(fd) ? IOSQE_ASYNC : 0;
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

/** Stops what takes several requests, or waits for its turn; see {@link startWrite}. */
export interface Stoppable {
  cancel(): void;
}

/** Whether this stands for the file's own position, which requests use one after another. */
function isOwn(position: Position): boolean {
  return position < 0;
}

/** The result of a read that need not wait for anything, or EAGAIN. */
type AtOnce = () => number;

/**
 * One read at the file's own position, which waits for its turn. If it's cancelled and the kernel has read all the same,
 * the position goes back: the next one gets the bytes. Of a position that others use as well, and of pipes and terminals,
 * which have none, what was taken is gone.
 */
class Reading implements Stoppable, TurnUser {
  readonly #prepare: Prepare;
  readonly #pooled: (settle: Settle) => void;
  readonly #settle: Settle;
  readonly #runsUserCode: boolean;
  readonly #atOnce: AtOnce | undefined;
  readonly #turn: Turn;
  #request: Request | undefined;
  #cancelled = false;

  constructor(
    fd: number,
    prepare: Prepare,
    pooled: (settle: Settle) => void,
    settle: Settle,
    runsUserCode: boolean,
    atOnce?: AtOnce,
  ) {
    this.#prepare = prepare;
    this.#pooled = pooled;
    this.#settle = settle;
    this.#runsUserCode = runsUserCode;
    this.#atOnce = atOnce;
    this.#turn = new Turn(fd, false, this);
  }

  cancel(): void {
    this.#cancelled = true;
    if (this.#request !== undefined) this.#request.cancel();
    else if (this.#turn.withdraw()) this.#settle(ECANCELED);
  }

  finish(): void {
    if (this.#request !== undefined) this.#request.finish();
    else this.#turn.end();
  }

  begin(turn: Turn): void {
    const end = (res: number): void => {
      if (this.#cancelled && res > 0 && turn.start >= 0) turn.seek(turn.start);
      // The next one goes before what the program does now.
      turn.end();
      handOver(this.#settle, res);
    };
    if (turn.shared) {
      this.#pooled(end);
      // Before the process ends, node's threads do all that they have been given.
      if (exitHasBegun) turn.end();
      return;
    }
    // What has no position may be a pipe: a read takes from it, and must not be tried.
    const res = turn.start >= 0 && this.#atOnce !== undefined ? this.#atOnce() : EAGAIN;
    if (res !== EAGAIN) {
      turn.end();
      return settleNow(this.#settle, res, this.#runsUserCode);
    }
    submitOr(end, () => {
      this.#request = new Request(this.#prepare, end, this.#runsUserCode);
      return this.#request;
    });
    // When the process ends nobody waits for a turn to come to its end: see turns.ts. From a pipe nothing may ever come.
    if (exitHasBegun && turn.start >= 0) this.finish();
  }
}

/** When the process ends the program is not called back; unless it goes on all the same, having caught what a listener threw. */
function handOver(settle: Settle, res: number): void {
  if (exitHasBegun) setImmediate(settle, res);
  else settle(res);
}

/** Submits a request out of a completion. The ring may have been closed: then there is nobody to throw that to. */
function submitOr(settle: Settle, make: () => Request): void {
  try {
    make().submit();
  } catch {
    nextTick(settle, ECANCELED);
  }
}

/** Where bytes go to or come from: memory of the caller's, or what the kernel has pinned already. */
export type Memory = Uint8Array | RegisteredBuffer;

function bytesIn(memory: Memory): Uint8Array {
  return memory instanceof Uint8Array ? memory : memory.buffer;
}

/** One read: a count, which may be short, 0 at the end of the file, or -errno. `atOnce` is tried when its turn comes. */
export function startRead(
  fd: number,
  memory: Memory,
  offset: number,
  length: number,
  position: Position,
  settle: Settle,
  runsUserCode = false,
  atOnce?: AtOnce,
): Stoppable {
  const prepare: Prepare = (native) => {
    if (!(memory instanceof Uint8Array)) {
      // Never to a worker: that would look the index up when it may be another buffer's.
      return native.readFixed(0, 0, fd, indexOf(memory), offset, length, position, 0);
    }
    assertThere(memory, offset + length);
    return native.read(flagsFor(length), 0, fd, memory, offset, length, position, 0);
  };
  if (isOwn(position)) {
    const pooled = (end: Settle): void => readPooled(fd, bytesIn(memory), offset, length, end);
    return new Reading(fd, prepare, pooled, settle, runsUserCode, atOnce);
  }
  return new Request(prepare, settle, runsUserCode).submit();
}

/** With the result of a call that is not over yet: a callback comes in a later phase of the loop, as with node. */
function settleNow(settle: Settle, res: number, runsUserCode: boolean): void {
  if (runsUserCode) ring().answers.add(settle, res);
  else settle(res);
}

/** What is known of an open file. */
export interface KnownFile {
  /** Not open for O_DIRECT, for certain. */
  buffered: boolean;
}

/**
 * As {@link startRead}. A short read of what is in the page cache is over at once, and leaves nothing to stop: the ring
 * gets what would have to wait, and what comes in a crowd.
 */
export function startShortRead(
  fd: number,
  memory: Memory,
  offset: number,
  length: number,
  position: Position,
  settle: Settle,
  runsUserCode = false,
  known?: KnownFile,
): Stoppable | undefined {
  // It does not overtake what has been written before.
  const isShort = length <= shortReadBytes && !isWriting(fd) && memory instanceof Uint8Array;
  if (!isShort) return startRead(fd, memory, offset, length, position, settle, runsUserCode);
  const atOnce = (): number => {
    // The buffer may have been detached while this waited for its turn.
    if (offset + length > memory.byteLength) return EAGAIN;
    const res = ring().native.readAtOnce(fd, memory, offset, length, position, known?.buffered === true);
    if (known !== undefined && res !== EAGAIN) known.buffered = true;
    return res;
  };
  if (isOwn(position)) return startRead(fd, memory, offset, length, position, settle, runsUserCode, atOnce);
  const res = isCrowded() ? EAGAIN : atOnce();
  if (res === EAGAIN) {
    return startRead(fd, memory, offset, length, position, counted(settle), runsUserCode);
  }
  settleNow(settle, res, runsUserCode);
  return undefined;
}

function totalBytes(views: Uint8Array[]): number {
  return views.reduce((sum, view) => sum + view.byteLength, 0);
}

/** One vectored read. */
export function startReadv(
  fd: number,
  views: Uint8Array[],
  position: Position,
  settle: Settle,
  runsUserCode = false,
): Stoppable {
  const first = views.length > vectorLimit ? views.slice(0, vectorLimit) : views;
  const bytes = totalBytes(first);
  const stillThere = (): Uint8Array[] => {
    if (totalBytes(first) < bytes) throw new RangeError('a buffer is gone');
    return first;
  };
  const prepare: Prepare = (native) => native.readv(flagsFor(bytes), 0, fd, stillThere(), position, 0);
  const pooled = (end: Settle): void => readvPooled(fd, stillThere, end);
  if (isOwn(position)) return new Reading(fd, prepare, pooled, settle, runsUserCode);
  return new Request(prepare, settle, runsUserCode).submit();
}

/** Makes the SQE for what is left when `done` bytes are written, at `position`, with these flags among its own. */
type PrepareWrite = (native: NativeRing, done: number, position: Position, sqeFlags: number) => number;
/** Lets node write what is left when `done` bytes are written, at the file's own position. */
type WritePooled = (done: number, settle: Settle) => void;

/** How many writes are in flight, or wait for their turn, by descriptor. */
const writing = new Map<number, number>();

export function isWriting(fd: number): boolean {
  return writing.size > 0 && writing.has(fd);
}

function countWrite(fd: number, change: 1 | -1): void {
  const count = (writing.get(fd) ?? 0) + change;
  if (count > 0) writing.set(fd, count);
  else writing.delete(fd);
}

/**
 * Writes all of it: short writes resume. Like libuv's, it ends with an error only if nothing was written; otherwise
 * with the count up to there, and the next write shows the error.
 */
class Writing implements Stoppable, TurnUser {
  readonly #fd: number;
  readonly #prepare: PrepareWrite;
  readonly #pooled: WritePooled;
  readonly #length: number;
  readonly #position: Position;
  readonly #settle: Settle;
  readonly #runsUserCode: boolean;
  readonly #turn: Turn | undefined;
  readonly #sqeFlags: number;
  #request: Request | undefined;
  #done = 0;
  #cancelled = false;
  /**
   * The position where a write at the file's own began, once it has been short. The kernel has not always moved the
   * position behind such a write: the rest goes where it belongs, and the position is set in the end. Of a file that
   * is open for appending, `append`.
   */
  #resumed: number | 'append' | undefined;

  constructor(
    fd: number,
    prepare: PrepareWrite,
    pooled: WritePooled,
    length: number,
    position: Position,
    settle: Settle,
    runsUserCode: boolean,
  ) {
    this.#fd = fd;
    this.#prepare = prepare;
    this.#pooled = pooled;
    this.#length = length;
    this.#position = position;
    this.#settle = settle;
    this.#runsUserCode = runsUserCode;
    this.#sqeFlags = flagsForWriting(fd);
    countWrite(fd, 1);
    if (isOwn(position)) this.#turn = new Turn(fd, true, this);
    else this.#step(undefined);
  }

  cancel(): void {
    this.#cancelled = true;
    if (this.#request !== undefined) this.#request.cancel();
    else if (this.#turn?.withdraw()) this.#finish(ECANCELED);
  }

  begin(turn: Turn): void {
    this.#step(turn);
  }

  finish(): void {
    if (this.#request !== undefined) this.#request.finish();
    else this.#turn?.end();
  }

  /** The file is open for appending: the kernel finds the end under a lock, wherever the position is. */
  get #appends(): boolean {
    return this.#sqeFlags !== 0;
  }

  // The turn as an argument: the first step may come while the constructor runs.
  #step(turn: Turn | undefined): void {
    if (turn?.shared && !this.#appends) {
      this.#pooled(this.#done, (res) => this.#completed(turn, res));
      // As with reads.
      if (exitHasBegun) turn.end();
      return;
    }
    const position =
      typeof this.#resumed === 'number' ? this.#resumed + this.#done : advanced(this.#position, this.#done);
    const request = (): Request =>
      (this.#request = new Request(
        (native) => this.#prepare(native, this.#done, position, this.#sqeFlags),
        (res) => this.#completed(turn, res),
        this.#runsUserCode,
      ));
    submitOr((res) => this.#end(turn, res), request);
    if (exitHasBegun) this.finish();
  }

  #completed(turn: Turn | undefined, res: number): void {
    if (res === EINTR && !this.#cancelled) return this.#step(turn);
    if (res < 0) return this.#end(turn, this.#done > 0 ? this.#done : res);
    this.#done += res;
    if (this.#done >= this.#length) return this.#end(turn, this.#done);
    if (turn?.positioned) {
      // In the meantime somebody has closed the descriptor.
      if (!turn.valid) return this.#end(turn, this.#done);
      if (this.#appends) this.#resumed = 'append';
      else if (!turn.shared) this.#resumed ??= turn.start;
    }
    if (res === 0 || this.#cancelled) this.#end(turn, this.#done);
    else this.#step(turn);
  }

  #end(turn: Turn | undefined, res: number): void {
    if (this.#resumed === 'append') turn!.seekEnd();
    else if (this.#resumed !== undefined) turn!.seek(this.#resumed + this.#done);
    turn?.end();
    this.#finish(res);
  }

  #finish(res: number): void {
    countWrite(this.#fd, -1);
    handOver(this.#settle, res);
  }
}

/** Writes a part of a buffer, all of it. Ends with an error only if nothing was written. */
export function startWrite(
  fd: number,
  memory: Memory,
  offset: number,
  length: number,
  position: Position,
  settle: Settle,
  runsUserCode = false,
): Stoppable {
  const prepare: PrepareWrite = (native, done, at, sqeFlags) => {
    const left = length - done;
    if (!(memory instanceof Uint8Array)) {
      return native.writeFixed(0, 0, fd, indexOf(memory), offset + done, left, at, 0);
    }
    assertThere(memory, offset + length);
    return native.write(sqeFlags | flagsFor(left), 0, fd, memory, offset + done, left, at, 0);
  };
  const pooled: WritePooled = (done, end) =>
    writePooled(fd, bytesIn(memory), offset + done, length - done, end);
  return new Writing(fd, prepare, pooled, length, position, settle, runsUserCode);
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
  const length = totalBytes(views);
  let rest = views;
  let behind = 0;
  const nextPart = (done: number): Uint8Array[] => {
    if (totalBytes(rest) < length - behind) throw new RangeError('a buffer is gone');
    rest = remaining(rest, done - behind);
    behind = done;
    return rest.length > vectorLimit ? rest.slice(0, vectorLimit) : rest;
  };
  const prepare: PrepareWrite = (native, done, at, sqeFlags) => {
    const part = nextPart(done);
    return native.writev(sqeFlags | flagsFor(totalBytes(part)), 0, fd, part, at, 0);
  };
  const pooled: WritePooled = (done, end) => writevPooled(fd, () => nextPart(done), end);
  return new Writing(fd, prepare, pooled, length, position, settle, runsUserCode);
}
