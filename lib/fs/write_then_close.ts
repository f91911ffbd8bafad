/**
 * A write, linked to the close of the file: what most calls of writeFile come down to.
 *
 * @module
 */
import { ring as threadRing } from '../core/backend.js';
import type { CompletionHandler, Waiter } from '../core/completion.js';
import { IOSQE_IO_LINK } from '../core/constants.js';
import { closeDescriptor, closeQuietly, closeResult } from './close.js';
import { checked, ECANCELED, EFAULT, EINTR } from './errors.js';
import type { Task } from './task.js';
import { chunkBytes, flagsForWriting } from './transfer.js';
import { hasPosition } from './turns.js';
import { writeBytes } from './write_to.js';

/** Both in one go. A short or failed write breaks the link: then the close does not happen, its result is ECANCELED. */
class WriteThenClose implements Waiter {
  readonly #fd: number;
  readonly #bytes: Uint8Array;
  readonly #done: number;
  readonly #end: number;
  readonly #position: number;
  readonly #settle: (written: number, closed: number) => void;
  readonly #ring = threadRing();
  #slot = -1;
  #written = 0;

  constructor(
    fd: number,
    bytes: Uint8Array,
    done: number,
    end: number,
    position: number,
    settle: (written: number, closed: number) => void,
  ) {
    this.#fd = fd;
    this.#bytes = bytes;
    this.#done = done;
    this.#end = end;
    this.#position = position;
    this.#settle = settle;
  }

  submit(): this {
    this.#ring.admit(this);
    return this;
  }

  admit(): boolean {
    const { native } = this.#ring;
    const [bytes, done, end] = [this.#bytes, this.#done, this.#end];
    if (bytes.byteLength < end) {
      // The buffer has been detached while this waited for its turn.
      this.#settle(EFAULT, ECANCELED);
      return true;
    }
    if (native.beginChain(2) !== 0) return false;
    const sqeFlags = IOSQE_IO_LINK | flagsForWriting(this.#fd);
    this.#slot = native.write(sqeFlags, 0, this.#fd, bytes, done, end - done, this.#position, 0);
    const written: CompletionHandler = {
      complete: (res) => {
        this.#slot = -1;
        // Nothing has been written: it is left to do.
        this.#written = res === EINTR ? 0 : res;
      },
    };
    // Each holds the bytes, by `this`; the close comes last, whatever becomes of the write.
    const closed: CompletionHandler = { complete: (res) => this.#settle(this.#written, closeResult(res)) };
    this.#ring.start(written, this.#slot);
    this.#ring.start(closed, native.close(0, 0, this.#fd));
    return true;
  }

  refuse(): void {
    this.#settle(ECANCELED, ECANCELED);
  }

  cancel(): void {
    if (this.#slot >= 0) {
      if (!this.#ring.closed) this.#ring.native.cancel(this.#slot);
    } else if (this.#ring.withdraw(this)) this.refuse();
  }
}

/** Writes all of `bytes` to a file that has just been opened, and closes it: in any case, when this has settled. */
export async function writeAndClose(fd: number, bytes: Uint8Array, task?: Task): Promise<void> {
  let open = true;
  try {
    const end = bytes.byteLength;
    // In small pieces but for the last, so that the event loop is not held up.
    const done = end - Math.min(end, chunkBytes);
    // The kernel does not always move a file's own position behind a short write.
    const begin = hasPosition(fd) ? 0 : -1;
    if (done > 0) await writeBytes(fd, bytes, task, 0, done, begin);
    task?.check();
    const position = begin < 0 ? -1 : done;
    const [written, closed] = await new Promise<[number, number]>((resolve) => {
      const settle = (...results: [number, number]): void => resolve(results);
      const request = new WriteThenClose(fd, bytes, done, end, position, settle).submit();
      task?.track(request);
    });
    open = closed === ECANCELED;
    task?.check();
    checked(written, 'write');
    if (open) await writeBytes(fd, bytes, task, done + written, end, begin);
    else checked(closed, 'close');
  } catch (error) {
    if (open) await closeQuietly(fd);
    throw error;
  }
  if (open) await closeDescriptor(fd);
}
