/**
 * The measured files. Their content says which file, and which part of it, a reader has got: the first 4 bytes of every
 * 4 KiB block are `file + block` (little endian), the last 4 bytes of the file are its number inverted.
 */
import {
  accessSync,
  closeSync,
  constants,
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
export const listPath = (directory: string): string => join(directory, 'list');

export function content(file: number, bytes: number): Buffer {
  const data = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i++) data[i] = (i * 7 + file) & 0xff;
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

function writeSynced(path: string, data: Buffer): void {
  const fd = openSync(path, 'w');
  // Piece by piece: a buffer of 100 MB would stay with the bench for good.
  for (let at = 0; at < data.length; at += writeSync(fd, data, at)) continue;
  fsyncSync(fd);
  closeSync(fd);
}

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
    const paths = Array.from({ length: smallFiles }, (_, file) => smallPath(directory, file));
    paths.forEach((path, file) => writeFileSync(path, content(file, blockBytes)));
    writeFileSync(listPath(directory), `${paths.join('\n')}\n`);
    // On disk before anything is measured: no write-back shall get in the way.
    writeSynced(bigPath(directory), content(0, bigBytes));
  } catch (error) {
    remove();
    throw error;
  }
  return { directory, memoryDirectory, remove };
}
