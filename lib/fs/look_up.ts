/**
 * What a path leads to: as much of it as the functions that only want to know whether it is there need.
 *
 * @module
 */
import { ring } from '../core/backend.js';
import { AT_FDCWD, STATX_TYPE } from '../core/constants.js';
import { fsConstants } from '../core/node_constants.js';
import { statxBytes } from '../core/statx.js';
import { EAGAIN } from './errors.js';
import type { Path } from './open_file.js';
import { statx } from './stats.js';
import { perform, type Task } from './task.js';

const { S_IFDIR, S_IFMT } = fsConstants;
/** Where struct statx has stx_mode, 16 bits. */
const modeOffset = 28;

/** The type of the file (S_IFMT), symbolic links followed, or -errno. */
export async function typeOf(path: Path, task?: Task): Promise<number> {
  let out = statx;
  let res = ring().native.statAtOnce(path, true, out);
  if (res === EAGAIN) {
    out = new Uint8Array(statxBytes);
    res = await perform((native) => native.statx(0, 0, AT_FDCWD, path, 0, STATX_TYPE, out), task);
  }
  return res < 0 ? res : new DataView(out.buffer, out.byteOffset).getUint16(modeOffset, true) & S_IFMT;
}

export function isDirectory(type: number): boolean {
  return type === S_IFDIR;
}
