/**
 * The types of the callback forms: node's, and what they take besides. As limited_promises.ts.
 *
 * @module
 */
import type {
  CopyOptions,
  MakeDirectoryOptions,
  Mode,
  NoParamCallback,
  OpenMode,
  PathLike,
  PathOrFileDescriptor,
  ReadOptions,
  ReadOptionsWithBuffer,
  ReadPosition,
  RmDirOptions,
  RmOptions,
  symlink,
  WriteOptions,
} from 'node:fs';
import type { extraCallbacks } from './extras.js';
import type { AsBytes, AsText, Encoded, Inspecting, Opened, StatsOf, Writing } from './limited_options.js';
import type { FsPromises } from './limited_promises.js';
import type nodeFs from './node_fs.js';
import type { Limits } from './options.js';

type View = NodeJS.ArrayBufferView;
type Views = readonly View[];
type Done = NoParamCallback;
type Result<A extends unknown[]> = (error: NodeJS.ErrnoException | null, ...results: A) => void;

type Inspect<F> = <B extends boolean = false>(
  file: F,
  options: Inspecting<B>,
  callback: Result<[stats: StatsOf<B>]>,
) => void;

/** With limits among node's options, or before the callback, where nothing that comes before may be left out. */
type Limited = {
  appendFile: (
    file: PathOrFileDescriptor,
    data: string | Uint8Array,
    options: Writing,
    callback: Done,
  ) => void;
  copyFile: (src: PathLike, dest: PathLike, mode: number | undefined, limits: Limits, callback: Done) => void;
  cp: (source: string | URL, dest: string | URL, options: CopyOptions & Limits, callback: Done) => void;
  fdatasync: (fd: number, limits: Limits, callback: Done) => void;
  fstat: Inspect<number>;
  fsync: (fd: number, limits: Limits, callback: Done) => void;
  ftruncate: (fd: number, length: number | undefined, limits: Limits, callback: Done) => void;
  link: (existingPath: PathLike, newPath: PathLike, limits: Limits, callback: Done) => void;
  lstat: Inspect<PathLike>;
  mkdir: (path: PathLike, options: MakeDirectoryOptions & Limits, callback: Result<[path?: string]>) => void;
  open: (
    path: PathLike,
    flags: OpenMode | undefined,
    mode: Mode | null | undefined,
    limits: Limits,
    callback: Result<[fd: number]>,
  ) => void;
  read: {
    <B extends View>(
      fd: number,
      buffer: B,
      offset: number,
      length: number,
      position: ReadPosition | null,
      limits: Limits,
      callback: Result<[bytesRead: number, buffer: B]>,
    ): void;
    <B extends View = Buffer>(
      fd: number,
      options: ReadOptionsWithBuffer<B> & Limits,
      callback: Result<[bytesRead: number, buffer: B]>,
    ): void;
    <B extends View>(
      fd: number,
      buffer: B,
      options: ReadOptions & Limits,
      callback: Result<[bytesRead: number, buffer: B]>,
    ): void;
  };
  readFile: {
    (file: PathOrFileDescriptor, options: AsText & Opened, callback: Result<[data: string]>): void;
    (file: PathOrFileDescriptor, options: AsBytes & Opened, callback: Result<[data: Buffer]>): void;
    (file: PathOrFileDescriptor, options: Encoded & Opened, callback: Result<[data: string | Buffer]>): void;
  };
  readv: <B extends Views>(
    fd: number,
    buffers: B,
    position: number | null | undefined,
    limits: Limits,
    callback: Result<[bytesRead: number, buffers: B]>,
  ) => void;
  rename: (oldPath: PathLike, newPath: PathLike, limits: Limits, callback: Done) => void;
  rm: (path: PathLike, options: RmOptions & Limits, callback: Done) => void;
  rmdir: (path: PathLike, options: RmDirOptions & Limits, callback: Done) => void;
  stat: Inspect<PathLike>;
  symlink: (
    target: PathLike,
    path: PathLike,
    type: symlink.Type | null | undefined,
    limits: Limits,
    callback: Done,
  ) => void;
  truncate: (path: PathLike, length: number | undefined, limits: Limits, callback: Done) => void;
  unlink: (path: PathLike, limits: Limits, callback: Done) => void;
  write: {
    <B extends View>(
      fd: number,
      buffer: B,
      offset: number | null | undefined,
      length: number | null | undefined,
      position: number | null | undefined,
      limits: Limits,
      callback: Result<[written: number, buffer: B]>,
    ): void;
    <B extends View>(
      fd: number,
      buffer: B,
      options: WriteOptions & Limits,
      callback: Result<[written: number, buffer: B]>,
    ): void;
    (
      fd: number,
      text: string,
      position: number | null | undefined,
      encoding: BufferEncoding | null | undefined,
      limits: Limits,
      callback: Result<[written: number, text: string]>,
    ): void;
  };
  writeFile: (file: PathOrFileDescriptor, data: string | View, options: Writing, callback: Done) => void;
  writev: <B extends Views>(
    fd: number,
    buffers: B,
    position: number | null | undefined,
    limits: Limits,
    callback: Result<[written: number, buffers: B]>,
  ) => void;
};

/** `ringcore/fs` as one object. */
export type Fs = Omit<typeof nodeFs, 'promises'> & Limited & typeof extraCallbacks & { promises: FsPromises };
