/**
 * Opening a file by name.
 *
 * The kernel tries an open on the submitting thread first, without waiting: with O_NONBLOCK, as far as the file can
 * see. To a FIFO that makes a difference: opened for reading it does not wait for a writer, and for writing it fails
 * with ENXIO. Both are mended here, so that a FIFO behaves as in a blocking open(2).
 *
 * @module
 */
import { OWNED } from '../core/binding.js';
import { AT_FDCWD, IOSQE_ASYNC, O_CLOEXEC, O_PATH, POLLHUP, POLLIN } from '../core/constants.js';
import { fsConstants } from '../core/node_constants.js';
import { systemError } from '../core/errors.js';
import { closeUnseen } from './close.js';
import { describeFile } from './describe.js';
import { EINTR, ENXIO } from './errors.js';
import { Request, type Settle } from './request.js';
import { settled, type Task } from './task.js';

const { O_CREAT, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY, O_RDWR, O_DIRECTORY, S_IFIFO } = fsConstants;
/** Not among node's constants; the same on every architecture. */
const O_ACCMODE = 3;

/** A validated path. */
export type Path = string | Uint8Array;

/** What can be told to stop while the file is being opened. */
export interface Opening {
  cancel(): void;
  /** The process ends: settles before it returns, if the open ends in time. */
  finish(): void;
}

function openRequest(
  path: Path,
  oflags: number,
  mode: number,
  sqeFlags: number,
  settle: Settle,
  runsUserCode: boolean,
): Request {
  return new Request(
    // As node does: a thread that ends closes what it has opened.
    (native) => native.openat(sqeFlags | OWNED, 0, AT_FDCWD, path, oflags | O_CLOEXEC, mode, -1),
    settle,
    runsUserCode,
  ).submit();
}

/** Whether an open that does not wait differs from one that does, if it's a FIFO. */
export function waitsForPeer(oflags: number): boolean {
  // With O_CREAT or O_TRUNC the kernel makes no attempt on the submitting thread.
  if ((oflags & (O_NONBLOCK | O_CREAT | O_TRUNC | O_DIRECTORY | O_PATH)) !== 0) return false;
  return (oflags & O_ACCMODE) !== O_RDWR;
}

export function isFifo(fd: number): boolean {
  return describeFile(fd).type === S_IFIFO;
}

/** Opens a file: `settle` gets the descriptor or -errno. */
export function startOpen(
  path: Path,
  oflags: number,
  mode: number,
  settle: Settle,
  runsUserCode = false,
): Opening {
  if (!waitsForPeer(oflags)) return openRequest(path, oflags, mode, 0, settle, runsUserCode);
  let current: Opening;
  let cancelled = false;
  const first = openRequest(
    path,
    oflags,
    mode,
    0,
    (res) => {
      if (cancelled) settle(res);
      else if (res === ENXIO && (oflags & O_ACCMODE) === O_WRONLY) {
        current = openRequest(path, oflags, mode, IOSQE_ASYNC, settle, runsUserCode);
      } else if (res >= 0 && (oflags & O_ACCMODE) === O_RDONLY && isFifo(res)) {
        current = new FifoOpening(path, oflags, res, settle, runsUserCode);
      } else settle(res);
    },
    runsUserCode,
  );
  current = first;
  return {
    cancel() {
      cancelled = true;
      current.cancel();
    },
    finish: () => current.finish(),
  };
}

/**
 * A FIFO has been opened for reading without waiting for a writer. Now a second open waits for one, in a kernel
 * worker, while the first descriptor stays: it may have let a writer in that is gone before the second open begins.
 * That shows as data or a hang-up on the first descriptor, which then is the one to use.
 */
class FifoOpening implements Opening {
  readonly #fd: number;
  readonly #settle: Settle;
  readonly #open: Request;
  readonly #poll: Request;
  #result: number | undefined;

  constructor(path: Path, oflags: number, fd: number, settle: Settle, runsUserCode: boolean) {
    this.#fd = fd;
    this.#settle = settle;
    this.#open = openRequest(path, oflags, 0, IOSQE_ASYNC, (res) => this.#opened(res), runsUserCode);
    this.#poll = new Request(
      (native) => native.poll(0, 0, fd, POLLIN | POLLHUP),
      (res) => this.#polled(res),
      runsUserCode,
    ).submit();
  }

  cancel(): void {
    this.#open.cancel();
  }

  /** Nobody may ever come. */
  finish(): void {}

  #opened(res: number): void {
    if (this.#result === undefined) {
      this.#result = res;
      // The first descriptor is closed when the poll has let go of it.
      this.#poll.cancel();
    } else if (res >= 0) closeUnseen(res);
  }

  #polled(res: number): void {
    if (this.#result !== undefined) {
      closeUnseen(this.#fd);
      this.#settle(this.#result);
    } else if (res < 0) {
      // The poll is no help: the second open decides alone.
      this.#result = EINTR;
      this.#open.cancel();
      closeUnseen(this.#fd);
      this.#settle(res);
    } else {
      this.#result = this.#fd;
      this.#open.cancel();
      this.#settle(this.#fd);
    }
  }
}

/** Opens a file; one that comes after the task was stopped is closed. */
export async function openDescriptor(path: Path, oflags: number, mode: number, task?: Task): Promise<number> {
  const res = await settled((settle) => startOpen(path, oflags, mode, settle), task);
  if (task?.stopped && res >= 0) closeUnseen(res);
  task?.check();
  if (res < 0) throw systemError(res, 'open', { path });
  return res;
}
