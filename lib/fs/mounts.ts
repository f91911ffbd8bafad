/**
 * Where opening a file may wait for somebody: a server on the network, or a program (FUSE).
 *
 * The kernel tries an open on the submitting thread first, and goes to a worker only when the name isn't in memory. Of
 * a file system of this machine the rest is memory too. Others ask their server or program at each open: that would hold
 * up the event loop for as long as they like. Such opens go to a worker at once.
 *
 * @module
 */
import { resolve } from 'node:path';
import nodeFs from './node_fs.js';

/** Known to open what is in memory without asking anybody; and layers of such. */
const local = new Set(
  (
    'ext2 ext3 ext4 xfs btrfs f2fs zfs bcachefs tmpfs ramfs rootfs devtmpfs overlay proc sysfs devpts cgroup cgroup2 ' +
    'iso9660 udf vfat exfat ntfs3 squashfs erofs mqueue hugetlbfs tracefs debugfs securityfs bpf pstore configfs'
  ).split(' '),
);

interface Mount {
  /** Where it is, byte by byte as latin1: a path need not be UTF-8. */
  readonly point: string;
  readonly isLocal: boolean;
}

/** The table is read no more often than this. */
const staleMs = 1000;
const clock = Date.now;
let readAt = -Infinity;
let mounts: Mount[] = [];
let allLocal = true;

/** `36 35 98:0 / /mnt/a\040b rw,noatime shared:1 - ext4 /dev/sda rw` */
function parsed(line: string): Mount {
  const [fields = '', source = ''] = line.split(' - ', 2);
  const escaped = fields.split(' ')[4] ?? '';
  const point = escaped.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
  return { point, isLocal: local.has(source.split(' ', 1)[0]!) };
}

function refresh(): void {
  // Cheaper than a monotonic clock; it may be set back.
  const now = clock();
  if (Math.abs(now - readAt) < staleMs) return;
  readAt = now;
  try {
    const table = nodeFs.readFileSync('/proc/self/mountinfo', 'latin1');
    mounts = table.split('\n').filter(Boolean).map(parsed);
  } catch {
    // Nothing is known to be local then.
    mounts = [{ point: '/', isLocal: false }];
  }
  allLocal = mounts.every(({ isLocal }) => isLocal);
}

const latin1 = (path: string | Uint8Array): string => Buffer.from(path as string).toString('latin1');

/** Whether to open this may take long, even if its name is in memory. Symbolic links are not followed here. */
export function opensSlowly(path: string | Uint8Array): boolean {
  refresh();
  if (allLocal) return false;
  const name = resolve(latin1(process.cwd()), latin1(path));
  let found: Mount | undefined;
  for (const mount of mounts) {
    const { point } = mount;
    if (point.length < (found?.point.length ?? 0)) continue;
    if (point === '/' || name === point || name.startsWith(`${point}/`)) found = mount;
  }
  return found?.isLocal === false;
}
