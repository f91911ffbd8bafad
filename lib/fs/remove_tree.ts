/**
 * Removing a tree. The entries of a directory go to the kernel linked: one worker takes them one after the other, where
 * many would wait for the directory's lock. What could not be removed is left to node's own rm, for its retries and its
 * errors.
 *
 * Directories are opened without following symbolic links, and entries are removed relative to them: a link that
 * somebody puts in the place of a directory meanwhile leads nowhere out of the tree.
 *
 * @module
 */
import { AT_FDCWD, AT_REMOVEDIR, O_CLOEXEC } from '../core/constants.js';
import { fsConstants } from '../core/node_constants.js';
import { ENOENT } from './errors.js';
import { longestLink, performInTurn, type PrepareLinked } from './linked.js';
import nodePromises from './node_promises.js';
import type { Path } from './open_file.js';
import { perform, type Task } from './task.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fsConstants;

/** How many directories are emptied at a time. Each has one chain in flight, and a descriptor for each level. */
const lanes = 4;
/** The last chain of a directory ends with its close and its removal. */
const mostInLast = longestLink - 2;

/** node's options for failures that may pass. */
export interface Retries {
  readonly maxRetries: number;
  readonly retryDelay: number;
}

function unlink(directory: number, name: Path): PrepareLinked {
  return (native, link) => native.unlinkat(link, 0, directory, name, 0);
}

function close(directory: number): PrepareLinked {
  return (native, link) => native.close(link, 0, directory);
}

/** One tree that is being removed. */
class Removal {
  readonly #task: Task | undefined;
  #idle = lanes - 1;

  constructor(task: Task | undefined) {
    this.#task = task;
  }

  /** Removes a directory with all that is in it. False if something is left. */
  async directory(parent: number, name: Path): Promise<boolean> {
    if (this.#task?.stopped) return false;
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const directory = await perform((native) => {
      return native.openat(0, 0, parent, name, flags, 0, -1);
    });
    if (directory < 0) return false;
    const last = await this.#empty(directory);
    if (last === undefined || this.#task?.stopped) {
      await performInTurn([close(directory)]);
      return false;
    }
    const remove: PrepareLinked = (native, link) => native.unlinkat(link, 0, parent, name, AT_REMOVEDIR);
    const res = (await performInTurn([...last, close(directory), remove])).at(-1)!;
    return res === 0 || res === ENOENT;
  }

  /** Removes what is in a directory, but for the last few entries: the requests for those. */
  async #empty(directory: number): Promise<PrepareLinked[] | undefined> {
    // A descriptor's path also is shorter than any of the tree's.
    const path = `/proc/self/fd/${directory}`;
    const entries = await nodePromises
      .readdir(path, { withFileTypes: true, encoding: 'buffer' })
      .catch(() => undefined);
    if (entries === undefined) return undefined;
    const directories: Buffer[] = [];
    let requests: PrepareLinked[] = [];
    for (const entry of entries) {
      if (entry.isDirectory()) directories.push(entry.name);
      else requests.push(unlink(directory, entry.name));
    }
    while (requests.length > mostInLast && !this.#task?.stopped) {
      await performInTurn(requests.slice(0, longestLink));
      requests = requests.slice(longestLink);
    }
    await this.#directories(directory, directories);
    return requests;
  }

  async #directories(parent: number, names: Buffer[]): Promise<void> {
    const aside: Promise<unknown>[] = [];
    for (const name of names) {
      const removing = this.directory(parent, name);
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
  const removed = await new Removal(task).directory(AT_FDCWD, path);
  task?.check();
  if (removed) return;
  const { maxRetries, retryDelay } = retries;
  const rest = nodePromises.rm(path as string, { recursive: true, force: true, maxRetries, retryDelay });
  await (task === undefined ? rest : task.until(rest));
  task?.check();
}
