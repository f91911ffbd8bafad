// What the functions of fs take, before their callback.
import type { Kind } from './values.js';

const byPath: Record<string, Kind[]> = {
  access: ['path', 'mode'],
  appendFile: ['path', 'data', 'writeOptions'],
  chmod: ['path', 'mode'],
  copyFile: ['path', 'path', 'number'],
  cp: ['path', 'path', 'treeOptions'],
  link: ['path', 'path'],
  lstat: ['path', 'statOptions'],
  lutimes: ['path', 'time', 'time'],
  mkdir: ['path', 'treeOptions'],
  mkdtemp: ['path', 'encoding'],
  readFile: ['path', 'readOptions'],
  readdir: ['path', 'encoding'],
  readlink: ['path', 'encoding'],
  realpath: ['path', 'encoding'],
  rename: ['path', 'path'],
  rm: ['path', 'treeOptions'],
  rmdir: ['path'],
  stat: ['path', 'statOptions'],
  statfs: ['path'],
  symlink: ['path', 'path', 'type'],
  truncate: ['path', 'number'],
  unlink: ['path'],
  utimes: ['path', 'time', 'time'],
  writeFile: ['path', 'data', 'writeOptions'],
};

export const promises: Record<string, Kind[]> = { ...byPath, open: ['path', 'flags', 'mode'] };

export const callbacks: Record<string, Kind[]> = {
  ...byPath,
  exists: ['path'],
  open: ['path', 'flags', 'mode'],
  close: ['fd'],
  fchmod: ['fd', 'mode'],
  fdatasync: ['fd'],
  fstat: ['fd', 'statOptions'],
  fsync: ['fd'],
  ftruncate: ['fd', 'number'],
  futimes: ['fd', 'time', 'time'],
  read: ['fd', 'buffer', 'offset', 'length', 'position'],
  readv: ['fd', 'buffers', 'position'],
  write: ['fd', 'bytes', 'offset', 'length', 'position'],
  writev: ['fd', 'buffers', 'position'],
};

/** Methods of FileHandle. */
export const handles: Record<string, Kind[]> = {
  appendFile: ['data', 'writeOptions'],
  chmod: ['mode'],
  datasync: [],
  read: ['buffer', 'offset', 'length', 'position'],
  readFile: ['readOptions'],
  readv: ['buffers', 'position'],
  stat: ['statOptions'],
  sync: [],
  truncate: ['number'],
  utimes: ['time', 'time'],
  write: ['bytes', 'offset', 'length', 'position'],
  writeFile: ['data', 'writeOptions'],
  writev: ['buffers', 'position'],
};
