/**
 * What a path leads to: as much of it as the functions that only want to know whether it is there need.
 *
 * @module
 */
import { AT_FDCWD, STATX_TYPE } from '../core/constants.js';
import { fsConstants } from '../core/node_constants.js';
import { statxBytes } from '../core/statx.js';
import type { Path } from './open_file.js';
import { perform, type Task } from './task.js';

const { S_IFDIR, S_IFMT } = fsConstants;
/** Where struct statx has stx_mode, 16 bits. */
const modeOffset = 28;

/** The type of the file (S_IFMT), symbolic links followed, or -errno. */
export async function typeOf(path: Path, task?: Task): Promise<number> {
  const out = new Uint8Array(statxBytes);
  const res = await perform((native) => native.statx(0, 0, AT_FDCWD, path, 0, STATX_TYPE, out), task);
  return res < 0 ? res : new DataView(out.buffer).getUint16(modeOffset, true) & S_IFMT;
}

export function isDirectory(type: number): boolean {
  return type === S_IFDIR;
}
