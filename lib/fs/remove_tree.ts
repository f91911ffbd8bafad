/**
 * Removing a tree. The entries of a directory are removed many at a time: one system call submits them, and the kernel's
 * workers take them. What could not be removed is left to node's own rm, for its retries and its errors.
 *
 * Directories are opened without following symbolic links, and entries are removed relative to them: a link that
 * somebody puts in the place of a directory meanwhile leads nowhere out of the tree. Node's rm, which goes by paths, is no
 * such protection: who can write in the tree can see to it that something is left for it.
 *
 * @module
 */
import { OWNED } from '../core/binding.js';
import { AT_FDCWD, AT_REMOVEDIR, O_CLOEXEC } from '../core/constants.js';
import { fsConstants } from '../core/node_constants.js';
import { closeQuietly } from './close.js';
import { EEXIST, ENOENT, ENOTEMPTY, EPERM } from './errors.js';
import nodePromises from './node_promises.js';
import type { Path } from './open_file.js';
import { perform, whileWanted, type Task } from './task.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fsConstants;

/** How many directories are emptied at a time. Each has a descriptor open for each level. */
const lanes = 4;
/** How many entries of a directory are being removed at a time. */
const inFlight = 64;
/** How often a tree is walked in which entries appear meanwhile. */
const walks = 3;

/** node's options for failures that may pass. */
interface Retries {
  readonly maxRetries: number;
  readonly retryDelay: number;
}

/** Whether a directory may be removed when it's empty. For any other reason it stays, and what is in it as well. */
function wantsEmptying(res: number): boolean {
  return res === ENOTEMPTY || res === EEXIST || res === EPERM;
}

function isGone(res: number): boolean {
  return res === 0 || res === ENOENT;
}

function remove(parent: number, name: Path, flags: number): Promise<number> {
  return perform((native) => native.unlinkat(0, 0, parent, name, flags));
}

/** One walk through a tree. */
class Removal {
  /** How many entries it has removed. */
  removed = 0;
  readonly #task: Task | undefined;
  #idle = lanes - 1;

  constructor(task: Task | undefined) {
    this.#task = task;
  }

  /** Removes a directory with all that is in it. 0 or ENOENT: it is gone; else why not, if that is known. */
  async directory(parent: number, name: Path): Promise<number> {
    const res = await remove(parent, name, AT_REMOVEDIR);
    if (!wantsEmptying(res) || this.#task?.stopped) return res;
    const directory = await this.#open(parent, name);
    if (directory < 0) return directory;
    try {
      await this.#empty(directory);
    } finally {
      await closeQuietly(directory);
    }
    return this.#task?.stopped ? res : remove(parent, name, AT_REMOVEDIR);
  }

  #open(parent: number, name: Path): Promise<number> {
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    return perform((native) => native.openat(OWNED, 0, parent, name, flags, 0, -1));
  }

  async #empty(directory: number): Promise<void> {
    // A descriptor's path also is shorter than any of the tree's.
    const path = `/proc/self/fd/${directory}`;
    const entries = await nodePromises
      .readdir(path, { withFileTypes: true, encoding: 'buffer' })
      .catch(() => []);
    const directories = entries.filter((entry) => entry.isDirectory());
    const others = entries.filter((entry) => !entry.isDirectory()).values();
    const removeOthers = async (): Promise<void> => {
      for (const { name } of others) {
        if (this.#task?.stopped) return;
        if (isGone(await remove(directory, name, 0))) this.removed++;
      }
    };
    // Each takes the next entry when it's done with one.
    await Promise.all(Array.from({ length: Math.min(inFlight, entries.length) }, removeOthers));
    await this.#directories(
      directory,
      directories.map(({ name }) => name),
    );
  }

  async #directories(parent: number, names: Buffer[]): Promise<void> {
    const aside: Promise<unknown>[] = [];
    for (const name of names) {
      if (this.#task?.stopped) break;
      const removing = this.directory(parent, name).then((res) => isGone(res) && this.removed++);
      if (this.#idle > 0) {
        this.#idle--;
        aside.push(removing.finally(() => this.#idle++));
      } else await removing;
    }
    await Promise.all(aside);
  }
}

/** Removes a directory with all that is in it. */
export async function removeTree(path: Path, retries: Retries, task?: Task): Promise<void> {
  for (let walk = 0; walk < walks; walk++) {
    const removal = new Removal(task);
    const res = await removal.directory(AT_FDCWD, path);
    task?.check();
    if (isGone(res)) return;
    if (res !== ENOTEMPTY || removal.removed === 0) break;
  }
  const { maxRetries, retryDelay } = retries;
  const rest = nodePromises.rm(path as string, { recursive: true, force: true, maxRetries, retryDelay });
  await whileWanted(rest, task);
}
