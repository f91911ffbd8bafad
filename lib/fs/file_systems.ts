/**
 * What sets file systems apart where files are copied.
 *
 * @module
 */
import { promisify } from '../core/node_util.js';
import nodeFs from './node_fs.js';

const statfs = promisify(nodeFs.statfs);

/** statfs types of file systems that copy by sharing blocks, or on the server; overlayfs may stand on such a one. */
const copying = new Set([
  0x9123683e, // btrfs
  0x58465342, // xfs
  0xca451a4e, // bcachefs
  0x2fc12fc1, // zfs
  0x7461636f, // ocfs2
  0x6969, // nfs
  0xff534d42, // cifs
  0xfe534d42, // smb2
  0x00c36400, // ceph
  0x65735546, // fuse
  0x794c7630, // overlayfs
]);

/** By device number. One that is unmounted, and another mounted with its number: then a copy is slower, or not. */
const known = new Map<number, boolean>();

/** Whether copy_file_range(2), which node uses, does better on this file's file system than reading and writing. */
export async function copiesByItself(device: number, path: string | Uint8Array): Promise<boolean> {
  let answer = known.get(device);
  if (answer === undefined) {
    const { type } = await statfs(path as string).catch(() => ({ type: 0 }));
    // Signed on some platforms.
    answer = copying.has(type >>> 0);
    known.set(device, answer);
  }
  return answer;
}
