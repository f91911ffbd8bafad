// What the functions of fs take, before their callback; in brackets, another form of the same function.
// test/fuzz/exports.test.ts sees that none is left out.
import type { Kind } from './values.js';

const byPath: Record<string, Kind[]> = {
  access: ['path', 'mode'],
  appendFile: ['path', 'data', 'writeOptions'],
  chmod: ['path', 'mode'],
  chown: ['path', 'id', 'id'],
  copyFile: ['path', 'path', 'number'],
  cp: ['path', 'path', 'treeOptions'],
  glob: ['pattern'],
  lchmod: ['path', 'mode'],
  lchown: ['path', 'id', 'id'],
  link: ['path', 'path'],
  lstat: ['path', 'statOptions'],
  lutimes: ['path', 'time', 'time'],
  mkdir: ['path', 'treeOptions'],
  mkdtemp: ['path', 'textEncoding'],
  open: ['path', 'flags', 'mode'],
  opendir: ['path', 'treeOptions'],
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

const byDescriptor: Record<string, Kind[]> = {
  close: ['fd'],
  fchmod: ['fd', 'mode'],
  fchown: ['fd', 'id', 'id'],
  fdatasync: ['fd'],
  fstat: ['fd', 'statOptions'],
  fsync: ['fd'],
  ftruncate: ['fd', 'number'],
  futimes: ['fd', 'time', 'time'],
  read: ['fd', 'buffer', 'offset', 'length', 'position'],
  readv: ['fd', 'buffers', 'position'],
  write: ['fd', 'bytes', 'offset', 'length', 'position'],
  'write (text)': ['fd', 'text', 'position', 'textEncoding'],
  writev: ['fd', 'buffers', 'position'],
};

/** Only ringcore's: by path or descriptor, and FileHandle's without it. */
const attributes: Record<string, Kind[]> = {
  getxattr: ['attribute', 'options'],
  setxattr: ['attribute', 'data', 'options'],
};
const advice: Record<string, Kind[]> = {
  fallocate: ['range'],
  fadvise: ['advice', 'range'],
};
const beyondNode: Record<string, Kind[]> = {
  ...Object.fromEntries(Object.entries(attributes).map(([name, kinds]) => [name, ['path', ...kinds]])),
  ...Object.fromEntries(Object.entries(advice).map(([name, kinds]) => [name, ['fd', ...kinds]])),
};

export const promises: Record<string, Kind[]> = {
  ...byPath,
  ...beyondNode,
  mkdtempDisposable: ['path', 'textEncoding'],
  readFiles: ['paths', 'readOptions'],
};

export const callbacks: Record<string, Kind[]> = {
  ...byPath,
  ...byDescriptor,
  ...beyondNode,
  exists: ['path'],
};

const named = (functions: Record<string, Kind[]>): Record<string, Kind[]> =>
  Object.fromEntries(
    Object.entries(functions).map(([name, kinds]) => [name.replace(/^\w+/, '$&Sync'), kinds]),
  );

/** Those that give their result at once. */
export const synchronous: Record<string, Kind[]> = {
  ...named(byPath),
  ...named(byDescriptor),
  existsSync: ['path'],
  mkdtempDisposableSync: ['path', 'textEncoding'],
  openAsBlobSync: ['path', 'options'],
  unwatchFile: ['path', 'listener'],
  _toUnixTimestamp: ['time'],
};

/** Methods of FileHandle. */
export const handles: Record<string, Kind[]> = {
  ...attributes,
  ...advice,
  appendFile: ['data', 'writeOptions'],
  chmod: ['mode'],
  chown: ['id', 'id'],
  close: [],
  datasync: [],
  getAsyncId: [],
  read: ['buffer', 'offset', 'length', 'position'],
  readFile: ['readOptions'],
  readv: ['buffers', 'position'],
  stat: ['statOptions'],
  sync: [],
  truncate: ['number'],
  utimes: ['time', 'time'],
  write: ['bytes', 'offset', 'length', 'position'],
  'write (text)': ['text', 'position', 'textEncoding'],
  writeFile: ['data', 'writeOptions'],
  writev: ['buffers', 'position'],
};
