/**
 * Copying trees. The walk goes through a tree as node's does, one entry after the other, so that a filter is asked in
 * node's order; files and links are copied meanwhile, several at a time.
 *
 * What node refuses to copy (a directory over a file, a tree into itself, a socket, …), it refuses here itself: it is
 * given the pair of names, and its error is the one. What is in the way of a link also is left to node.
 *
 * @module
 */
import type { BigIntStats, CopyOptions, Dirent } from 'node:fs';
import { dirname, isAbsolute, join, parse, resolve, sep } from 'node:path';
import { copyByName } from './copy.js';
import nodePromises from './node_promises.js';
import { pathPromises } from './paths.js';
import { statPromises } from './stat.js';
import { whileWanted, type Task } from './task.js';

// The ring's where there are such, whatever a program has made of the exports.
type Stat = Pick<typeof nodePromises, 'stat' | 'lstat'>;
const fs = { ...nodePromises, ...(statPromises as Stat), ...pathPromises };

const copiesAtOnce = 8;
/** Set-user-ID and its like: writing takes them away. */
const specialBits = 0o7000;

/** Options of cp, checked and complete. */
export interface Copying extends CopyOptions {
  dereference: boolean;
  errorOnExist: boolean;
  force: boolean;
  mode: number;
  preserveTimestamps: boolean;
  recursive: boolean;
  verbatimSymlinks: boolean;
}

/** What two names stand for; null: there is nothing. */
interface Pair {
  readonly source: BigIntStats;
  readonly dest: BigIntStats | null;
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

/** By their names alone. */
function isWithin(path: string, directory: string): boolean {
  const parts = (name: string): string[] => resolve(name).split(sep).filter(Boolean);
  const inner = parts(path);
  return parts(directory).every((part, index) => inner[index] === part);
}

function nullIfAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

/** Whether a directory above `to` is this one, under whatever name. */
async function isAbove(directory: BigIntStats, from: string, to: string): Promise<boolean> {
  const end = resolve(dirname(from));
  for (let path = resolve(dirname(to)); path !== end && path !== parse(path).root; path = dirname(path)) {
    const stats = await fs.stat(path, { bigint: true }).catch(nullIfAbsent);
    if (stats === null) return false;
    if (isSame(stats, directory)) return true;
  }
  return false;
}

/** A directory of the copy: it gets its permissions when the last of its entries is there. */
class Directory {
  readonly #finish: () => Promise<void>;
  #open = 1;

  constructor(finish: () => Promise<void>) {
    this.#finish = finish;
  }

  enter(): void {
    this.#open++;
  }

  async leave(): Promise<void> {
    if (--this.#open === 0) await this.#finish();
  }
}

/** One call of cp. */
class TreeCopy {
  readonly #options: Copying;
  readonly #task: Task | undefined;
  #failure: { error: unknown } | undefined;
  #copies = 0;
  #whenRoom: (() => void) | undefined;

  constructor(options: Copying, task: Task | undefined) {
    this.#options = options;
    this.#task = task;
  }

  /** Settles when everything that was begun has ended; with the first failure. */
  async run(from: string, to: string): Promise<void> {
    let end!: () => void;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const root = new Directory(async () => end());
    try {
      await this.#begin(from, to, root);
    } catch (error) {
      this.#failure ??= { error };
    }
    await root.leave();
    await ended;
    this.#proceed();
  }

  async #begin(from: string, to: string, root: Directory): Promise<void> {
    if (!(await this.#isWanted(from, to))) return;
    const pair = await this.#look(from, to);
    const { source } = pair;
    if (this.#isNodes(from, to, pair) || (source.isDirectory() && (await isAbove(source, from, to)))) {
      return this.#leaveToNode(from, to);
    }
    const parent = dirname(to);
    if ((await fs.stat(parent).catch(nullIfAbsent)) === null) await fs.mkdir(parent, { recursive: true });
    await this.#copy(from, to, pair, root);
  }

  /** Throws what has ended the copy, if something has. */
  #proceed(): void {
    this.#task?.check();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #isWanted(from: string, to: string): Promise<boolean> {
    const { filter } = this.#options;
    return filter === undefined || Boolean(await filter(from, to));
  }

  async #look(from: string, to: string): Promise<Pair> {
    const stat = this.#options.dereference ? fs.stat : fs.lstat;
    const [source, dest] = await Promise.all([
      stat(from, { bigint: true }),
      stat(to, { bigint: true }).catch(nullIfAbsent),
    ]);
    return { source, dest };
  }

  /** Whether node is to do this pair, or to refuse it. */
  #isNodes(from: string, to: string, { source, dest }: Pair): boolean {
    const { errorOnExist, force, recursive } = this.#options;
    const isFile = source.isFile() || source.isCharacterDevice() || source.isBlockDevice();
    if (source.isDirectory()) {
      if (!recursive || isWithin(to, from)) return true;
    } else if (!isFile && !source.isSymbolicLink()) return true;
    if (dest === null) return false;
    if (isSame(source, dest) || source.isDirectory() !== dest.isDirectory()) return true;
    return source.isSymbolicLink() || (errorOnExist && !force);
  }

  /** The filter has been asked about this pair already. */
  async #leaveToNode(from: string, to: string): Promise<void> {
    const { filter } = this.#options;
    const rest = filter && ((a: string, b: string) => (a === from && b === to) || filter(a, b));
    await whileWanted(nodePromises.cp(from, to, { ...this.#options, filter: rest }), this.#task);
  }

  async #copy(from: string, to: string, { source, dest }: Pair, within: Directory): Promise<void> {
    if (source.isDirectory()) return this.#copyDirectory(from, to, Number(source.mode), dest, within);
    if (source.isSymbolicLink()) return this.#start(within, () => this.#copyLink(from, to));
    if (dest === null) return this.#start(within, () => this.#copyFile(from, to));
    if (!this.#options.force) return;
    return this.#start(within, async () => {
      await fs.unlink(to);
      await this.#copyFile(from, to);
    });
  }

  /** Begins to copy a file or a link, when there is room for one more. */
  async #start(within: Directory, run: () => Promise<void>): Promise<void> {
    if (this.#copies >= copiesAtOnce) await new Promise<void>((resolve) => (this.#whenRoom = resolve));
    this.#proceed();
    this.#copies++;
    within.enter();
    const ended = (): Promise<void> => {
      this.#copies--;
      this.#whenRoom?.();
      return within.leave();
    };
    void this.#noting(run).then(ended);
  }

  /** What fails in the background is thrown by the walk. */
  async #noting(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  async #copyDirectory(
    from: string,
    to: string,
    mode: number,
    dest: BigIntStats | null,
    above: Directory,
  ): Promise<void> {
    if (dest === null) await fs.mkdir(to);
    above.enter();
    const within = new Directory(async () => {
      if (dest === null && this.#failure === undefined && !this.#task?.stopped) {
        await this.#noting(() => nodePromises.chmod(to, mode));
      }
      await above.leave();
    });
    try {
      for (const entry of await this.#list(from, to)) {
        this.#proceed();
        const [source, target] = [join(from, entry.name), join(to, entry.name)];
        if (await this.#isWanted(source, target)) await this.#copyEntry(entry, source, target, dest, within);
      }
    } finally {
      await within.leave();
    }
  }

  async #list(from: string, to: string): Promise<Dirent[]> {
    try {
      const entries: Dirent[] = [];
      // In the directory's own order, where readdir sorts.
      for await (const entry of await nodePromises.opendir(from, { bufferSize: 512 })) entries.push(entry);
      return entries;
    } catch {
      await this.#leaveToNode(from, to);
      return [];
    }
  }

  async #copyEntry(
    entry: Dirent,
    from: string,
    to: string,
    directory: BigIntStats | null,
    within: Directory,
  ): Promise<void> {
    // In a directory that has just been made there is nothing yet.
    if (directory === null && !this.#options.dereference) {
      if (entry.isFile()) return this.#start(within, () => this.#copyFile(from, to));
      if (entry.isSymbolicLink()) return this.#start(within, () => this.#copyLink(from, to));
    }
    const pair = await this.#look(from, to);
    if (this.#isNodes(from, to, pair)) return this.#leaveToNode(from, to);
    return this.#copy(from, to, pair, within);
  }

  /** The destination is not there. */
  async #copyFile(from: string, to: string): Promise<void> {
    const mode = await copyByName(from, to, this.#options.mode, this.#task);
    if (this.#options.preserveTimestamps) {
      // Not sooner: reading has changed the time of access.
      const { atime, mtime } = await fs.stat(from);
      await nodePromises.utimes(to, atime, mtime);
    }
    if ((mode & specialBits) !== 0) await nodePromises.chmod(to, mode);
  }

  async #copyLink(from: string, to: string): Promise<void> {
    const target = await nodePromises.readlink(from);
    const verbatim = this.#options.verbatimSymlinks || isAbsolute(target);
    await fs.symlink(verbatim ? target : resolve(dirname(from), target), to);
  }
}

/** Copies a file, a link, or a directory with all that is in it. */
export function copyTree(from: string, to: string, options: Copying, task?: Task): Promise<void> {
  return new TreeCopy(options, task).run(from, to);
}
