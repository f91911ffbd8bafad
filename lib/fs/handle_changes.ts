/**
 * What is changed of an open file besides the contents.
 *
 * @module
 */
import { promisify } from '../core/node_util.js';
import { ring } from '../core/backend.js';
import { validateInteger } from '../core/validate.js';
import { performed, type Call } from './call.js';
import nodeFs from './node_fs.js';
import type { Task } from './task.js';

const IORING_FSYNC_DATASYNC = 1;

/** fsync or fdatasync. */
export function syncCall(fd: number, dataOnly: boolean): Call {
  const flags = dataOnly ? IORING_FSYNC_DATASYNC : 0;
  return {
    syscall: dataOnly ? 'fdatasync' : 'fsync',
    prepare: (native) => native.fsync(0, 0, fd, flags),
  };
}

/** fsync or fdatasync: resolves only after its own completion. */
export function synchronize(fd: number, dataOnly: boolean, task?: Task): Promise<void> {
  return performed(syncCall(fd, dataOnly), task);
}

const nodeTruncate = promisify(nodeFs.ftruncate);
let hasTruncate: boolean | undefined;

/** ftruncate; the kernel has it as an operation since 6.9. Without it this settles when node's has, whatever the task. */
export async function truncateFile(fd: number, bytes: unknown, task?: Task): Promise<void> {
  validateInteger(bytes, 'len');
  const length = Math.max(0, bytes);
  hasTruncate ??= ring().probe().supports('ftruncate');
  if (!hasTruncate) return nodeTruncate(fd, length);
  const prepare: Call['prepare'] = (native) => native.ftruncate(0, 0, fd, length);
  return performed({ syscall: 'ftruncate', prepare }, task);
}

// No io_uring operation exists for these.
export const changeMode = promisify(nodeFs.fchmod);
export const changeOwner = promisify(nodeFs.fchown);
export const changeTimes = promisify(nodeFs.futimes);
