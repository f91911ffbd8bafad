/**
 * What a FileHandle changes of its file besides the contents.
 *
 * @module
 */
import { promisify } from 'node:util';
import { ring } from '../core/backend.js';
import { validateInteger } from '../core/validate.js';
import { checked } from './errors.js';
import nodeFs from './node_fs.js';
import { perform } from './task.js';

const IORING_FSYNC_DATASYNC = 1;

/** fsync or fdatasync: resolves only after its own completion. */
export async function synchronize(fd: number, dataOnly: boolean): Promise<void> {
  const flags = dataOnly ? IORING_FSYNC_DATASYNC : 0;
  checked(await perform((native) => native.fsync(0, 0, fd, flags)), dataOnly ? 'fdatasync' : 'fsync');
}

const nodeTruncate = promisify(nodeFs.ftruncate);
let hasTruncate: boolean | undefined;

/** ftruncate; the kernel has it as an operation since 6.9. */
export async function truncateFile(fd: number, bytes: number): Promise<void> {
  validateInteger(bytes, 'len');
  const length = Math.max(0, bytes);
  hasTruncate ??= ring().probe().supports('ftruncate');
  if (!hasTruncate) return nodeTruncate(fd, length);
  checked(await perform((native) => native.ftruncate(0, 0, fd, length)), 'ftruncate');
}

// No io_uring operation exists for these.
export const changeMode = promisify(nodeFs.fchmod);
export const changeOwner = promisify(nodeFs.fchown);
export const changeTimes = promisify(nodeFs.futimes);
