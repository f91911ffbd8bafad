/**
 * The measured files. Their content says which file, and which part of it, a reader has got: the first 4 bytes of every
 * 4 KiB block are `file + block` (little endian), the last 4 bytes of the file are its number inverted (but not of one that is too small for both).
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Data } from './types.js';

export const blockBytes = 4096;
export const smallFiles = 256;
export const bigBytes = 100 * 1024 * 1024;

export const smallPath = (directory: string, file: number): string => join(directory, `small-${file}`);
export const bigPath = (directory: string): string => join(directory, 'big');
/** So many that reading them takes longer than a timer's tick, though each is read only once after the cache was dropped. */
export const coldFiles = 2048;
export const coldPath = (directory: string, file: number): string => join(directory, `cold-${file}`);
export const coldListPath = (directory: string): string => join(directory, 'cold-list');
export const tinyFiles = 100;
export const tinyBytes = 1024;
export const tinyPath = (directory: string, file: number): string => join(directory, `tiny-${file}`);
export const hugeBytes = 2 ** 30;
export const sizedPath = (directory: string, bytes: number): string => join(directory, `sized-${bytes}`);
export const listPath = (directory: string): string => join(directory, 'list');

export function content(file: number, bytes: number): Buffer {
  const data = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i++) data[i] = (i * 7 + file) & 0xff;
  // No room for numbers in the smallest.
  if (bytes < 8) return data;
  for (let block = 0; block * blockBytes < bytes; block++) {
    data.writeUInt32LE(file + block, block * blockBytes);
  }
  data.writeUInt32LE(~file >>> 0, bytes - 4);
  return data;
}

/** What a reader checks of every block or file; the whole content now and then. */
export function isBlock(data: Buffer, at: number, number: number): boolean {
  return at + 4 <= data.length && data.readUInt32LE(at) === number;
}

const pieceBytes = 1024 * 1024;

/** `content(0, bytes)`, on disk before anything is measured: no write-back shall get in the way. */
function writeSynced(path: string, bytes: number): void {
  const fd = openSync(path, 'w');
  // Piece by piece, which all look alike but for their numbers: a buffer of a GiB would stay with the bench for good.
  const piece = content(0, Math.min(bytes, pieceBytes));
  for (let at = 0; at < bytes; at += piece.length) {
    const length = Math.min(piece.length, bytes - at);
    for (let offset = 0; offset < length && bytes >= 8; offset += blockBytes) {
      piece.writeUInt32LE((at + offset) / blockBytes, offset);
    }
    writeSync(fd, piece, 0, length);
  }
  if (bytes >= 8) writeSync(fd, Buffer.from([255, 255, 255, 255]), 0, 4, bytes - 4);
  fsyncSync(fd);
  closeSync(fd);
}

function writeFiles(paths: string[], bytes: number): void {
  paths.forEach((path, file) => writeFileSync(path, content(file, bytes)));
}

const pathsOf = (count: number, directory: string, path: typeof smallPath): string[] =>
  Array.from({ length: count }, (_, file) => path(directory, file));

function writableDirectory(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Creates everything in fresh directories; `remove` takes it away. Fresh files are in the page cache: warm. */
export function createData(parent = tmpdir()): Data & { remove: () => void } {
  const directory = mkdtempSync(join(parent, 'ringcore-bench-'));
  const memoryDirectory = writableDirectory('/dev/shm') ? mkdtempSync('/dev/shm/ringcore-bench-') : undefined;
  const remove = () => {
    rmSync(directory, { recursive: true, force: true });
    if (memoryDirectory !== undefined) rmSync(memoryDirectory, { recursive: true, force: true });
  };
  try {
    const paths = pathsOf(smallFiles, directory, smallPath);
    writeFiles(paths, blockBytes);
    writeFileSync(listPath(directory), `${paths.join('\n')}\n`);
    writeSynced(bigPath(directory), bigBytes);
  } catch (error) {
    remove();
    throw error;
  }
  const makeSized = (bytes: number) => {
    if (!existsSync(sizedPath(directory, bytes))) writeSynced(sizedPath(directory, bytes), bytes);
  };
  const makers = {
    cold() {
      const paths = pathsOf(coldFiles, directory, coldPath);
      writeFiles(paths, blockBytes);
      writeFileSync(coldListPath(directory), `${paths.join('\n')}\n`);
    },
    tiny: () => writeFiles(pathsOf(tinyFiles, directory, tinyPath), tinyBytes),
    huge: () => makeSized(hugeBytes),
  };
  const made = new Set<keyof typeof makers>();
  const make: Data['make'] = (kind) => {
    if (made.has(kind)) return;
    made.add(kind);
    makers[kind]();
  };
  return { directory, memoryDirectory, make, makeSized, remove };
}
