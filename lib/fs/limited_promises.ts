/**
 * The types of the promise forms: node's, and what they take besides.
 *
 * Only what node's types do not have stands here; in an intersection it is looked at when none of node's overloads fits.
 *
 * @module
 */
import type {
  CopyOptions,
  MakeDirectoryOptions,
  Mode,
  OpenMode,
  PathLike,
  RmDirOptions,
  RmOptions,
} from 'node:fs';
import type { FileHandle as NodeFileHandle } from 'node:fs/promises';
import type { extraPromises } from './extras.js';
import type { FileHandle as RingFileHandle } from './file_handle.js';
import type { AsBytes, AsText, Encoded, Inspecting, Opened, StatsOf, Writing } from './limited_options.js';
import type nodePromises from './node_promises.js';
import type { Limits } from './options.js';

type NodePromises = typeof nodePromises;
type File = PathLike | NodeFileHandle;
type Inspect = <B extends boolean = false>(path: PathLike, options: Inspecting<B>) => Promise<StatsOf<B>>;

/** What `open` gives: node's FileHandle, and what ringcore's has besides. On the node backend that is not there. */
export type FileHandle = NodeFileHandle &
  Pick<
    RingFileHandle,
    | 'appendFile'
    | 'datasync'
    | 'fadvise'
    | 'fallocate'
    | 'getxattr'
    | 'read'
    | 'readFile'
    | 'readv'
    | 'setxattr'
    | 'stat'
    | 'sync'
    | 'truncate'
    | 'write'
    | 'writeFile'
    | 'writev'
  >;

/** With limits among node's options, or behind node's last argument. */
type Limited = {
  appendFile: (file: File, data: string | Uint8Array, options: Writing) => Promise<void>;
  copyFile: (source: PathLike, dest: PathLike, mode?: number, limits?: Limits) => Promise<void>;
  cp: (source: string | URL, dest: string | URL, options: CopyOptions & Limits) => Promise<void>;
  link: (existingPath: PathLike, newPath: PathLike, limits?: Limits) => Promise<void>;
  lstat: Inspect;
  mkdir: {
    (
      path: PathLike,
      options: MakeDirectoryOptions & Limits & { recursive?: false | undefined },
    ): Promise<void>;
    (path: PathLike, options: MakeDirectoryOptions & Limits): Promise<string | undefined>;
  };
  open: (path: PathLike, flags?: OpenMode, mode?: Mode, limits?: Limits) => Promise<FileHandle>;
  readFile: {
    (file: File, options: AsText & Opened): Promise<string>;
    (file: File, options: AsBytes & Opened): Promise<Buffer>;
    (file: File, options: Encoded & Opened): Promise<string | Buffer>;
  };
  rename: (oldPath: PathLike, newPath: PathLike, limits?: Limits) => Promise<void>;
  rm: (path: PathLike, options: RmOptions & Limits) => Promise<void>;
  rmdir: (path: PathLike, options: RmDirOptions & Limits) => Promise<void>;
  stat: Inspect;
  symlink: (target: PathLike, path: PathLike, type?: string | null, limits?: Limits) => Promise<void>;
  truncate: (path: PathLike, length?: number, limits?: Limits) => Promise<void>;
  unlink: (path: PathLike, limits?: Limits) => Promise<void>;
  writeFile: (file: File, data: Parameters<NodePromises['writeFile']>[1], options: Writing) => Promise<void>;
};

/** `ringcore/fs/promises` as one object. */
export type FsPromises = Omit<NodePromises, 'open'> & Limited & typeof extraPromises;
