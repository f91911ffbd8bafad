// Where one row of the table runs: a fresh directory with the same few files in it for each side, and the arguments
// that are made anew for each call.
import nodeFs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { treeOf } from './facts.js';

export interface Side {
  fs: typeof nodeFs;
  promises: typeof nodeFs.promises;
}

/** One side's directory, and what was opened there for a call. */
export class World {
  readonly dir: string;
  readonly side: Side;
  /** How the directory looks before a call. */
  readonly #furnished: string;
  #descriptors: number[] = [];
  #handles: FileHandle[] = [];

  constructor(dir: string, side: Side) {
    this.dir = dir;
    this.side = side;
    this.#furnish();
    this.#furnished = JSON.stringify(treeOf(dir));
  }

  static readonly contents = '0123456789';

  /** Makes what a call has changed anew. */
  tidy(tree: object): void {
    if (JSON.stringify(tree) !== this.#furnished) this.#furnish();
  }

  #furnish(): void {
    const { dir } = this;
    nodeFs.rmSync(dir, { recursive: true, force: true });
    nodeFs.mkdirSync(join(dir, 'dir', 'sub'), { recursive: true });
    nodeFs.mkdirSync(join(dir, 'bare'));
    nodeFs.writeFileSync(join(dir, 'file'), World.contents);
    nodeFs.writeFileSync(join(dir, 'other'), 'other');
    nodeFs.writeFileSync(join(dir, 'empty'), '');
    nodeFs.writeFileSync(join(dir, 'dir', 'inner'), 'inner');
    nodeFs.symlinkSync('file', join(dir, 'link'));
    nodeFs.symlinkSync('dir', join(dir, 'dirlink'));
    nodeFs.symlinkSync('nowhere', join(dir, 'dangling'));
    nodeFs.symlinkSync('loop', join(dir, 'loop'));
  }

  descriptor(name: string, flags: string): number {
    const fd = nodeFs.openSync(join(this.dir, name), flags);
    this.#descriptors.push(fd);
    return fd;
  }

  async handle(name: string, flags: string): Promise<FileHandle> {
    const handle = await this.side.promises.open(join(this.dir, name), flags);
    this.#handles.push(handle);
    return handle;
  }

  /** What is left to be read of everything that was opened: where its position is now. Closes all of it. */
  async leave(): Promise<unknown[]> {
    const facts: unknown[] = [];
    for (const fd of this.#descriptors)
      facts.push(
        restOf(fd),
        attempt(() => nodeFs.closeSync(fd)),
      );
    for (const handle of this.#handles) {
      facts.push(handle.fd === -1 ? 'closed' : restOf(handle.fd));
      await handle.close();
    }
    this.#descriptors = [];
    this.#handles = [];
    return facts;
  }
}

function attempt(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

const restOf = (fd: number): unknown => attempt(() => nodeFs.readFileSync(fd, 'latin1'));

/** An argument that is another one in each world. */
export class Made {
  readonly label: string;
  readonly make: (world: World) => unknown;

  constructor(label: string, make: (world: World) => unknown) {
    this.label = label;
    this.make = make;
  }
}

/** The path of a name in the world's directory; with what is behind it, a trailing slash for one. */
export const at = (name: string): Made => new Made(`at ${name}`, ({ dir }) => `${dir}/${name}`);
export const bufferAt = (name: string): Made =>
  new Made(`Buffer ${name}`, ({ dir }) => Buffer.from(`${dir}/${name}`));
export const bytesAt = (name: string): Made =>
  new Made(`Uint8Array ${name}`, ({ dir }) => new Uint8Array(Buffer.from(`${dir}/${name}`)));
export const urlAt = (name: string): Made =>
  new Made(`URL ${name}`, ({ dir }) => pathToFileURL(`${dir}/${name}`));
/** A descriptor, opened by node and closed by node. */
export const fd = (name: string, flags = 'r+'): Made =>
  new Made(`fd ${name} ${flags}`, (world) => world.descriptor(name, flags));
/** A FileHandle of the side's own. */
export const handle = (name: string, flags = 'r+'): Made =>
  new Made(`handle ${name} ${flags}`, (world) => world.handle(name, flags));
export const closedHandle = new Made('closed handle', async (world) => {
  const opened = await world.handle('file', 'r');
  await opened.close();
  return opened;
});
/** Anything else of which every call needs its own. */
export const fresh = (label: string, make: () => unknown): Made => new Made(label, make);
export const bytes = (text: string): Made => fresh(`bytes ${text}`, () => Buffer.from(text, 'latin1'));
export const room = (length: number): Made => fresh(`room ${length}`, () => Buffer.alloc(length, '.'));
