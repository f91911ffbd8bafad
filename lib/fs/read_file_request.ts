/**
 * readFile as one native operation: open, size, read, close, and one completion at the end.
 *
 * @module
 */
import { ring as threadRing } from '../core/backend.js';
import { OWNED } from '../core/binding.js';
import { TERMINAL, UNSIZED, type CompletionHandler, type Waiter } from '../core/completion.js';
import { POLLHUP, POLLIN } from '../core/constants.js';
import { systemError } from '../core/errors.js';
import { nodeMajor } from '../core/node_version.js';
import type { Ring } from '../core/ring.js';
import { closeDescriptor, closeQuietly, closeUnseen } from './close.js';
import { ECANCELED, EFBIG, fileTooLarge } from './errors.js';
import { largestScratchBytes, memoryForContent, scratchSlabs, type Loan } from './memory.js';
import nodeFs from './node_fs.js';
import { isFifo, openDescriptor, waitsForPeer, type Path } from './open_file.js';
import { keepPrivate } from './private_descriptors.js';
import { readUnsized } from './read_to_end.js';
import { perform, type Task } from './task.js';
import { settleLater } from './callback.js';

/** What readFile gives: a string if there is an encoding. */
export type Content = Buffer | string;

/** The system calls that the native side's stages stand for. */
const stages = ['open', 'fstat', 'read', 'close'] as const;
/** Whether the error of a read has the path, too. */
const namesPath = nodeMajor >= 26;

/** The native readFile in flight. It holds the memory that the kernel writes to, until the completion. */
export class ReadFileRequest implements CompletionHandler, Waiter {
  readonly runsUserCode: boolean;
  readonly #ring = ringForFiles();
  readonly #path: Path;
  readonly #oflags: number;
  readonly #encoding: BufferEncoding | undefined;
  readonly #resolve: (content: Content) => void;
  readonly #reject: (error: unknown) => void;
  readonly #task: Task | undefined;
  #slot = -1;
  #memory: Buffer | undefined;
  #loan: Loan | undefined;

  constructor(
    path: Path,
    oflags: number,
    encoding: BufferEncoding | undefined,
    resolve: (content: Content) => void,
    reject: (error: unknown) => void,
    task?: Task,
    runsUserCode = false,
  ) {
    this.#path = path;
    this.#oflags = oflags;
    this.#encoding = encoding;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#task = task;
    this.runsUserCode = runsUserCode;
    task?.track(this);
  }

  submit(): void {
    this.#ring.admit(this);
  }

  admit(): boolean {
    const slot = this.#ring.native.readFile(OWNED, 0, this.#path, this.#oflags);
    if (!this.#ring.start(this, slot)) return false;
    this.#slot = slot;
    return true;
  }

  refuse(error: Error): void {
    this.#reject(error);
  }

  cancel(): void {
    if (this.#slot >= 0) {
      if (!this.#ring.closed) this.#ring.native.cancel(this.#slot);
    } else if (this.#ring.withdraw(this)) this.complete(ECANCELED, TERMINAL, 0);
  }

  /** The native side knows the file's size now. */
  allocate(bytes: number): Uint8Array {
    const scratch = this.#encoding !== undefined && bytes <= largestScratchBytes;
    if (scratch) this.#memory = (this.#loan = scratchSlabs.lend(bytes)).view;
    // As node's: an ArrayBuffer of its own, since programs use `(await readFile(path)).buffer`.
    else this.#memory = memoryForContent(bytes);
    return this.#memory;
  }

  complete(res: number, flags: number, stage: number): void {
    this.#slot = -1;
    const memory = this.#memory;
    const loan = this.#loan;
    this.#memory = this.#loan = undefined;
    let content: Content | undefined;
    let error: unknown;
    try {
      if ((flags & UNSIZED) !== 0) return this.#goOn(res);
      if (res === EFBIG && stage === 1) return this.#refuseSize();
      if (res < 0) error = this.#errorOf(res, stage);
      else content = this.#contentOf(memory!, res);
    } catch (thrown) {
      // No such string: longer than V8's longest.
      error = thrown;
    } finally {
      if (loan !== undefined) scratchSlabs.giveBack(loan);
    }
    if (content !== undefined) this.#resolve(content);
    else this.#reject(error);
  }

  #contentOf(memory: Buffer, bytes: number): Content {
    if (this.#encoding !== undefined) return memory.toString(this.#encoding, 0, bytes);
    // Shorter than it was when its size was asked for.
    return bytes === memory.length ? memory : memory.subarray(0, bytes);
  }

  #errorOf(res: number, stage: number): Error {
    return systemError(res, stages[stage] ?? 'read', namesPath || stage === 0 ? { path: this.#path } : {});
  }

  /** Not a file of known size: `fd` is open (or -1: open it again), and is read to its end from here. */
  #goOn(fd: number): void {
    if (this.#task?.stopped) {
      if (fd >= 0) closeUnseen(fd);
      return this.#reject(systemError(ECANCELED, 'read'));
    }
    const content = readOpened(fd, this.#path, this.#oflags, this.#encoding, this.#task);
    // Callbacks run outside of the promise: an exception in one is no rejection.
    if (this.runsUserCode) settleLater(content, this.#resolve, this.#reject);
    else content.then(this.#resolve, this.#reject);
  }

  #refuseSize(): void {
    nodeFs.stat(Buffer.from(this.#path), (error, stats) => this.#reject(error ?? fileTooLarge(stats.size)));
  }
}

/** This thread's ring, which asks the requests above for memory. */
function ringForFiles(): Ring {
  const ring = threadRing();
  ring.onAllocate ??= (slot, bytes) => {
    const request = ring.handlers[slot];
    return request instanceof ReadFileRequest ? request.allocate(bytes) : undefined;
  };
  return ring;
}

async function readOpened(
  opened: number,
  path: Path,
  oflags: number,
  encoding: BufferEncoding | undefined,
  task?: Task,
): Promise<Content> {
  const fd = opened >= 0 ? opened : await openDescriptor(path, oflags, 0o666, task);
  let content: Content;
  try {
    keepPrivate(fd);
    if (opened >= 0 && waitsForPeer(oflags) && isFifo(fd)) {
      // Opened without waiting for a writer: what comes first, its data or its leaving, ends the wait.
      await perform((native) => native.poll(0, 0, fd, POLLIN | POLLHUP), task);
      task?.check();
    }
    const bytes = await readUnsized(fd, task, namesPath ? path : undefined);
    content = encoding === undefined ? bytes : bytes.toString(encoding);
  } catch (error) {
    await closeQuietly(fd);
    throw error;
  }
  await closeDescriptor(fd);
  return content;
}
