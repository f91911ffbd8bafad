/**
 * The end of a copy when the process ends: what is open is copied there and then, whatever its name has become.
 *
 * @module
 */
import { fsConstants } from '../core/node_constants.js';
import nodeFs from './node_fs.js';

const permissionBits = 0o7777;
const pieceBytes = 1024 * 1024;

/** As many bytes as the input has now; of what says that it has none, none. */
function copyBytes(input: number, output: number, size: number): void {
  const memory = Buffer.allocUnsafe(Math.min(size, pieceBytes));
  for (let at = 0; at < size;) {
    const read = nodeFs.readSync(input, memory, 0, Math.min(memory.length, size - at), at);
    if (read === 0) return;
    for (let done = 0; done < read;) done += nodeFs.writeSync(output, memory, done, read - done, at + done);
    at += read;
  }
}

/** Whether the two are one. */
export function isSameOpenFile(input: number, output: number): boolean {
  const [a, b] = [nodeFs.fstatSync(input, { bigint: true }), nodeFs.fstatSync(output, { bigint: true })];
  return a.ino === b.ino && a.dev === b.dev;
}

/** From the beginning, with the permissions. What has been started on these files has ended. */
export function copyOpenFiles(input: number, output: number): void {
  const { size, mode } = nodeFs.fstatSync(input);
  nodeFs.ftruncateSync(output, 0);
  copyBytes(input, output, size);
  nodeFs.fchmodSync(output, mode & permissionBits);
}

/** As libuv's; the source is the open one, if there is one, for its name may be gone. */
export function copyNamed(
  input: number,
  source: string | Uint8Array,
  dest: string | Uint8Array,
  exclusive: boolean,
): void {
  const flags = exclusive ? fsConstants.COPYFILE_EXCL : 0;
  const opened = `/proc/self/fd/${input}`;
  const from = input >= 0 && nodeFs.existsSync(opened) ? opened : source;
  nodeFs.copyFileSync(from as string, dest as string, flags);
}
