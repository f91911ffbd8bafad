/**
 * When the descriptor of a FileHandle is closed: after the last operation that uses it, or, with a warning, when the
 * garbage collector finds that nobody closes it.
 *
 * @module
 */
import { ring } from '../core/backend.js';
import { systemError } from '../core/errors.js';
import { closeUnseen, startClose } from './close.js';
import { handleClosed } from './errors.js';
import { expose, keepPrivate } from './private_descriptors.js';
import { endTurns } from './turns.js';

let deprecationShown = false;

// Without this the descriptor would stay open for good. Node does the same, and says the same.
const unclosed = new FinalizationRegistry<number>((fd) => {
  closeUnseen(fd);
  process.emitWarning(`Closing file descriptor ${fd} on garbage collection`);
  if (deprecationShown) return;
  deprecationShown = true;
  process.emitWarning(
    'Closing a FileHandle object on garbage collection is deprecated. Please close FileHandle objects explicitly ' +
      'using FileHandle.prototype.close(). In the future, an error will be thrown if a file descriptor is closed ' +
      'during garbage collection.',
    'DeprecationWarning',
    'DEP0137',
  );
});

/** An open descriptor and those who use it. */
export class HandleLifetime {
  /** -1 when it is closed, or being closed. */
  fd: number;
  /** Found out by a read; see `KnownFile`. */
  buffered = false;
  /** Whoever opened it, until `close`, and each operation and stream. */
  #users = 1;
  #closing: Promise<void> | undefined;
  #settle: ((res: number) => void) | undefined;

  constructor(fd: number, owner: object) {
    this.fd = fd;
    keepPrivate(fd);
    unclosed.register(owner, fd, this);
  }

  /** Somebody uses it, or it is being closed, or is closed. */
  get busy(): boolean {
    return this.#users !== 1 || this.#closing !== undefined || this.fd === -1;
  }

  /** The descriptor belongs to somebody else from now on. */
  give(): void {
    const { fd } = this;
    this.fd = -1;
    this.#users = 0;
    unclosed.unregister(this);
    endTurns(fd);
    expose(fd);
    ring().native.disown(fd);
  }

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Throws EBADF if it is closed. Each `acquire` needs a `release`. */
  acquire(syscall: string): number {
    if (this.fd === -1) throw handleClosed(syscall);
    this.#users++;
    return this.fd;
  }

  release(): void {
    if (--this.#users > 0) return;
    const fd = this.fd;
    this.fd = -1;
    unclosed.unregister(this);
    startClose(fd, (res) => this.#settle?.(res));
  }

  /** The owner needs it no more. Resolves when the descriptor is closed: behind the last operation. */
  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    if (this.fd === -1) return Promise.resolve();
    this.#closing = new Promise((resolve, reject) => {
      this.#settle = (res) => {
        this.#closing = undefined;
        if (res < 0) reject(systemError(res, 'close'));
        else resolve();
      };
    });
    this.release();
    return this.#closing;
  }
}
