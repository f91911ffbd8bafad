/**
 * Copying one file by name: what libuv does in a thread, step by step, with requests.
 *
 * @module
 */
import type { BigIntStats } from 'node:fs';
import { ring } from '../core/backend.js';
import { AT_FDCWD } from '../core/constants.js';
import { systemError } from '../core/errors.js';
import { atExit, exitHasBegun } from '../core/exiting.js';
import { fsConstants } from '../core/node_constants.js';
import { performed } from './call.js';
import { closeResult, startClose } from './close.js';
import { copyRange } from './copy_range.js';
import { EAGAIN, ECANCELED, EEXIST, EINTR, EINVAL, EIO, EPERM } from './errors.js';
import { copiesByItself } from './file_systems.js';
import { changeMode, truncateFile } from './handle_changes.js';
import { copyNamed, copyOpenFiles, isSameOpenFile } from './copy_at_exit.js';
import { Linked, type PrepareLinked } from './linked.js';
import { ScratchSlabs } from './memory.js';
import { inTurn } from './next_turn.js';
import nodeFs from './node_fs.js';
import nodePromises from './node_promises.js';
import { startOpen, type Path } from './open_file.js';
import { Places } from './places.js';
import { fstatCall } from './stat.js';
import { perform, settled, whileWanted, type Task } from './task.js';
import { startWrite } from './transfer.js';

const { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY, COPYFILE_EXCL } = fsConstants;
const permissionBits = 0o7777;

/** Files up to this size are read at once, on the event loop's thread. */
const smallBytes = 64 * 1024;
const smallBuffers = new ScratchSlabs(4 * smallBytes, 8);

/** Each has two files open: however many copies are asked for at once, descriptors do not run out. */
const places = new Places(32);

const ignore = (): void => {};

/** With bigints, since doubles do not hold every inode number. */
async function statusOf(fd: number): Promise<BigIntStats> {
  return (await performed(fstatCall(fd, { bigint: true }))) as BigIntStats;
}

async function isSameFile(one: number, other: number): Promise<boolean> {
  const [a, b] = [await statusOf(one), await statusOf(other)];
  return a.ino === b.ino && a.dev === b.dev;
}

function close(fd: number): Promise<number> {
  return new Promise((resolve) => startClose(fd, resolve));
}

/** Thrown where node's own copyFile does better, or does what no request can. */
const nodesOwn = new Error("node's own");

/** What is in flight. */
interface Step {
  cancel(): void;
  finish(): void;
}

/** One copy: what it has open, and what it has done to the destination. */
class FileCopy {
  readonly #source: Path;
  readonly #dest: Path;
  readonly #exclusive: boolean;
  readonly #task: Task | undefined;
  #input = -1;
  #output = -1;
  #mode = 0;
  #created = false;
  /** The destination is no more what it was: it must not stay there if the copy fails. */
  #changed = false;
  /** What opens or closes a file just now. What that has come to is noted before anybody else runs. */
  #step: Step | undefined;
  /** Done, or left to node, which ends what it has begun. */
  #ended = false;
  #failed = false;

  constructor(source: Path, dest: Path, exclusive: boolean, task: Task | undefined) {
    this.#source = source;
    this.#dest = dest;
    this.#exclusive = exclusive;
    this.#task = task;
  }

  /** Resolves to the source's mode. */
  async run(): Promise<number> {
    try {
      this.#task?.check();
      await this.#copy();
      this.#ended = true;
      await this.#close();
    } catch (error) {
      this.#failed = error !== nodesOwn;
      await this.#close().catch(ignore);
      if (this.#failed) {
        if (this.#changed) await perform((native) => native.unlinkat(0, 0, AT_FDCWD, this.#dest, 0));
        throw this.#named(error);
      }
      const flags = this.#mustCreate ? COPYFILE_EXCL : 0;
      const copying = copyByNode(this.#source, this.#dest, flags, this.#task);
      this.#ended = true;
      await copying;
    }
    return this.#mode;
  }

  get #mustCreate(): boolean {
    return this.#exclusive && !this.#created;
  }

  /** The process ends: does what is left, all else that was started on files having ended. Nobody hears of an error. */
  finish(): void {
    this.#step?.finish();
    // Where the step has not ended nobody knows what is open.
    if (this.#ended || this.#step !== undefined) return;
    try {
      if (this.#failed || this.#task?.stopped) return this.#remove();
      if (this.#output < 0) return copyNamed(this.#input, this.#source, this.#dest, this.#mustCreate);
      if (this.#input < 0) this.#input = nodeFs.openSync(this.#source as string, O_RDONLY);
      if (isSameOpenFile(this.#input, this.#output)) return;
      this.#changed ||= nodeFs.fstatSync(this.#output).isFile();
      copyOpenFiles(this.#input, this.#output);
    } catch {
      this.#remove();
    }
  }

  #remove(): void {
    try {
      if (this.#changed) nodeFs.unlinkSync(this.#dest as string);
    } catch {
      // It has gone already.
    }
  }

  async #copy(): Promise<void> {
    this.#checked(await this.#open(this.#source, O_RDONLY, 0, (fd) => (this.#input = fd)));
    const status = await statusOf(this.#input);
    const [size, dev] = [Number(status.size), Number(status.dev)];
    this.#mode = Number(status.mode);
    if (size > smallBytes && (await copiesByItself(dev, this.#source))) throw nodesOwn;
    if (size > 0 && size <= smallBytes) await this.#copySmall(size);
    else if ((await this.#openOutput()) && size > 0) await this.#copyFrom(0, size);
  }

  /** While a worker makes the destination, this thread reads the source. */
  async #copySmall(size: number): Promise<void> {
    const loan = smallBuffers.lend(size);
    try {
      const reading = perform((native) => native.read(0, 0, this.#input, loan.view, 0, size, 0, 0));
      const opened = await this.#openOutput().finally(() => reading);
      if (!opened) return;
      const read = await reading;
      // Shorter than it was: once more, with all that may happen.
      if (read >= 0 && read < size) return await this.#copyFrom(0, size);
      this.#checked(read);
      const [written, closed] = await this.#writeAndClose(loan.view);
      if (this.#checked(written) === size) this.#checked(closed);
      else await this.#writeRest(loan.view, written);
    } finally {
      smallBuffers.giveBack(loan);
    }
  }

  /** A short or failed write breaks the link: then the output is still open. The input has been read. */
  async #writeAndClose(view: Uint8Array): Promise<[number, number]> {
    const [input, output] = [this.#input, this.#output];
    this.#input = -1;
    const closing = close(input);
    const requests: PrepareLinked[] = [
      (native, link) => native.write(link, 0, output, view, 0, view.byteLength, 0, 0),
      (native, link) => native.close(link, 0, output),
    ];
    const [written, closed] = await this.#stepped<[number, number]>((settle) => {
      const linked = new Linked(requests, ([written, res]) => {
        const closed = closeResult(res!);
        if (closed !== ECANCELED) this.#output = -1;
        this.#ended = written === view.byteLength && closed >= 0;
        settle([written!, closed]);
      });
      return linked.submit();
    });
    await closing;
    return [written === EINTR && !this.#task?.stopped ? 0 : written, closed];
  }

  async #writeRest(view: Uint8Array, from: number): Promise<void> {
    while (from < view.byteLength) {
      const at = from;
      const count = await settled(
        (settle) => startWrite(this.#output, view, at, view.byteLength - at, at, settle),
        this.#task,
      );
      from += this.#checked(count || EIO);
    }
  }

  async #copyFrom(position: number, end: number): Promise<void> {
    const res = await copyRange(this.#input, this.#output, position, end, this.#task);
    if (res === EINVAL && !this.#task?.stopped) throw nodesOwn;
    this.#checked(res);
  }

  /** Makes the destination, or empties it. False if it is the source itself: then there is nothing to do. */
  async #openOutput(): Promise<boolean> {
    const mode = this.#mode & permissionBits;
    const opened = await this.#open(this.#dest, O_WRONLY | O_CREAT | O_EXCL, mode, (fd) => {
      this.#output = fd;
      this.#created = this.#changed = true;
    });
    if (opened === EEXIST && !this.#exclusive) {
      this.#checked(await this.#open(this.#dest, O_WRONLY | O_CREAT, mode, (fd) => (this.#output = fd)));
    } else this.#checked(opened);
    if (!this.#created) {
      if (await isSameFile(this.#input, this.#output)) return false;
      // libuv would remove a device, too.
      this.#changed = (await statusOf(this.#output)).isFile();
      await truncateFile(this.#output, 0);
    }
    // Of a new file's permissions the umask may have taken some away, or a default ACL.
    const made = this.#created ? Number((await statusOf(this.#output)).mode) & permissionBits : undefined;
    if (made !== mode) await this.#setMode(mode);
    this.#task?.check();
    return true;
  }

  async #setMode(mode: number): Promise<void> {
    try {
      await changeMode(this.#output, mode);
    } catch (error) {
      // On some file systems nobody may; libuv knows which.
      throw (error as NodeJS.ErrnoException).errno === EPERM ? nodesOwn : error;
    }
  }

  /** Resolves to the descriptor, of which `note` has been told, or -errno. */
  #open(path: Path, oflags: number, mode: number, note: (fd: number) => void): Promise<number> {
    return this.#stepped((settle) =>
      startOpen(path, oflags, mode, (res) => {
        if (res >= 0) note(res);
        settle(res);
      }),
    );
  }

  #stepped<T>(start: (settle: (result: T) => void) => Step): Promise<T> {
    return new Promise((resolve) => {
      let settled = false;
      const step = start((result) => {
        settled = true;
        this.#step = undefined;
        resolve(result);
      });
      if (!settled) this.#step = step;
      this.#task?.track(step);
    });
  }

  /** Closes what is open. What the close of a written file says counts. */
  async #close(): Promise<void> {
    const open = [this.#input, this.#output].filter((fd) => fd >= 0);
    this.#input = this.#output = -1;
    const failed = (await Promise.all(open.map(close))).find((res) => res < 0);
    this.#checked(failed ?? 0);
  }

  #checked(res: number): number {
    this.#task?.check();
    if (res < 0) throw systemError(res, 'copyfile', { path: this.#source, dest: this.#dest });
    return res;
  }

  /** Whichever step it was: the error is the copy's. */
  #named(error: unknown): unknown {
    const { errno, syscall } = error as NodeJS.ErrnoException;
    if (errno === undefined || syscall === 'copyfile') return error;
    return systemError(errno, 'copyfile', { path: this.#source, dest: this.#dest });
  }
}

/** Copies that have not ended. */
const underWay = new Set<FileCopy>();
let expectsExit = false;

/** libuv's threads end the copies that they have begun before the process ends. Here they have many steps. */
function expectExit(): void {
  if (expectsExit) return;
  expectsExit = true;
  atExit(() => {
    if (underWay.size === 0) return;
    ring().native.finishFiles();
    for (const copy of underWay) copy.finish();
  });
}

/** Whether the ring does it. The other flags are about cloning, for which there is no operation. */
function isPlain(flags: number): boolean {
  return flags === 0 || flags === COPYFILE_EXCL;
}

async function copyByNode(source: Path, dest: Path, flags: number, task: Task | undefined): Promise<void> {
  await whileWanted(nodePromises.copyFile(source as string, dest as string, flags), task);
}

function checkedMode(res: number, source: Path, dest: Path): number {
  if (res < 0) throw systemError(res, 'copyfile', { path: source, dest });
  return res;
}

/**
 * Copies contents and permissions of one file; resolves to the source's mode. When it fails, or the task is stopped,
 * both files are closed, and the destination is removed if anything has been done to it.
 */
export async function copyByName(source: Path, dest: Path, flags: number, task?: Task): Promise<number> {
  if (isPlain(flags)) {
    task?.check();
    const atOnce = inTurn((native) => (task?.stopped ? EAGAIN : native.copyFileAtOnce(source, dest)));
    if (typeof atOnce === 'number' && atOnce !== EAGAIN) return checkedMode(atOnce, source, dest);
    const copy = new FileCopy(source, dest, flags === COPYFILE_EXCL, task);
    expectExit();
    underWay.add(copy);
    if (exitHasBegun) copy.finish();
    try {
      const res = await atOnce;
      task?.check();
      if (res !== EAGAIN) return checkedMode(res, source, dest);
      return await places.hold(() => copy.run());
    } finally {
      underWay.delete(copy);
    }
  }
  await copyByNode(source, dest, flags, task);
  return (await nodePromises.stat(source as string)).mode;
}
