// npm run test:kernel -- [PATH...]: the tests on Debian's 6.1 kernel, the oldest that ringcore runs on, in a virtual
// machine. The guest sees this machine's files, read-only, and a copy of the project on a disk of its own (ext4): node, the
// build and the tests are those of here. Needs qemu-system-x86_64, mkfs.ext4 and apt.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import process from 'node:process';

/** RINGCORE_TEST_KERNEL: another one of Debian's, linux-image-6.12-amd64. */
const kernelPackage = process.env.RINGCORE_TEST_KERNEL ?? 'linux-image-amd64';
const suites = ['test/core', 'test/fs', 'test/net', 'test/contract', 'test/hazards'];
const tests = process.argv.length > 2 ? process.argv.slice(2) : suites;
const limitMs = 3 * 60 * 60 * 1000;
/** How many times longer the tests are to wait for what takes its time: test/slowness.ts. */
const slowness = 5;
const fileLimitMs = 15 * 60 * 1000;
const project = resolve('.');
const folder = resolve('build/kernel', kernelPackage);

function give_up(why) {
  console.error(why);
  process.exit(1);
}

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (done.status !== 0) give_up(`${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr}`);
  return done.stdout;
}

/** The kernel's package and busybox's, unpacked: nothing is installed. */
function unpackPackages() {
  const unpacked = join(folder, 'root');
  if (existsSync(join(unpacked, 'boot'))) return unpacked;
  mkdirSync(unpacked, { recursive: true });
  const [, image] =
    /Depends: (linux-image-\S+)/.exec(run('apt-cache', ['depends', kernelPackage])) ??
    give_up(`apt knows no ${kernelPackage}: apt-get update`);
  run('apt-get', ['download', image, 'busybox-static'], { cwd: folder });
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.deb'))) {
    run('dpkg', ['-x', join(folder, name), unpacked]);
  }
  return unpacked;
}

/** What the guest loads, and where it lies, with what it depends on. */
const modules = ['virtio_pci', '9pnet_virtio', '9p', 'virtio_blk', 'crc32c_generic', 'ext4'];
const moduleFiles = [
  ...['drivers/virtio', 'net/9p', 'fs/9p', 'fs/netfs', 'fs/fscache'],
  ...['drivers/block/virtio_blk.ko', 'fs/ext4', 'fs/jbd2', 'fs/mbcache.ko'],
  ...['lib/crc16.ko', 'lib/libcrc32c.ko', 'crypto/crc32c_generic.ko'],
];

/** What the guest runs first: it makes this machine's file system its root, and starts the tests. */
const init = `#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
${modules.map((name) => `modprobe ${name}`).join('\n')}
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=524288 host /host || poweroff -f
mount -t ext4 /dev/vda /project || poweroff -f
mount -t tmpfs tmp /host/tmp
mount -t tmpfs tmp /host/run
mount -t tmpfs tmp /host/dev/shm 2>/dev/null
mount --move /proc /host/proc
mount --move /sys /host/sys
mount --move /dev /host/dev
mkdir -p /host/dev/shm
mount -t tmpfs tmp /host/dev/shm
mkdir -p /host${project}
mount --move /project /host${project} 2>/dev/null || mount --bind /project /host${project}
ip link set lo up
hostname guest
ulimit -n 65536
echo 65536 > /host/proc/sys/vm/max_map_count
exec chroot /host /bin/sh -c 'cd ${project} && uname -r && HOME=/tmp PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin CI=true RINGCORE_TEST_SLOWNESS=${slowness} RINGCORE_TEST_LIMIT_MS=${fileLimitMs} ${process.execPath} scripts/test.mjs --built ${tests.join(' ')}; echo "guest is done: $?"; sync; echo o > /proc/sysrq-trigger; while :; do :; done'
`;

function makeInitramfs(unpacked) {
  const [release] = readdirSync(join(unpacked, 'lib/modules'));
  const busybox = join(unpacked, 'bin/busybox');
  const root = join(folder, 'initramfs');
  rmSync(root, { recursive: true, force: true });
  for (const name of ['bin', 'proc', 'sys', 'dev', 'host', 'project', `lib/modules/${release}`]) {
    mkdirSync(join(root, name), { recursive: true });
  }
  run('cp', [busybox, join(root, 'bin/busybox')]);
  const from = join(unpacked, 'lib/modules', release, 'kernel');
  const to = join(root, 'lib/modules', release, 'kernel');
  for (const part of moduleFiles) {
    if (!existsSync(join(from, part))) continue;
    mkdirSync(join(to, part, '..'), { recursive: true });
    run('cp', ['-r', join(from, part), join(to, part, '..')]);
  }
  run(busybox, ['depmod', '-b', root, release]);
  writeFileSync(join(root, 'init'), init, { mode: 0o755 });
  const image = join(folder, 'initramfs.cpio');
  run('sh', ['-c', `find . | ${busybox} cpio -o -H newc > ${image}`], { cwd: root });
  return { image, kernel: join(unpacked, 'boot', `vmlinuz-${release}`) };
}

/** A disk with the project on it: hard links first, since mkfs.ext4 takes all of a folder, this one included. */
function makeDisk() {
  const copy = join(folder, 'project');
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(join(copy, 'build'), { recursive: true });
  const parts = readdirSync('.').filter((name) => name !== 'build' && name !== '.git');
  run('cp', ['-al', ...parts, copy]);
  run('cp', ['-al', 'build/Release', 'build/test', join(copy, 'build')]);
  const disk = join(folder, 'disk.ext4');
  rmSync(disk, { force: true });
  run('mkfs.ext4', ['-q', '-d', copy, disk, '6G'], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
  rmSync(copy, { recursive: true, force: true });
  return disk;
}

if (spawnSync('qemu-system-x86_64', ['--version']).error)
  give_up('needs qemu-system-x86_64: apt-get install qemu-system-x86');
const { image, kernel } = makeInitramfs(unpackPackages());
const disk = makeDisk();
// Emulated: KVM inside a virtual machine, as CI's is, hangs as often as not. RINGCORE_KVM=1 tries it.
const accelerated = process.env.RINGCORE_KVM === '1';
const qemu = spawn(
  'nice',
  [
    ...['-n', '10', 'qemu-system-x86_64'],
    ...(accelerated
      ? ['-enable-kvm', '-cpu', 'host,-arch-capabilities']
      : ['-accel', 'tcg,thread=multi', '-cpu', 'max']),
    ...'-m 4096 -smp 2 -nographic -no-reboot -nodefaults -serial stdio -monitor none'.split(' '),
    ...['-kernel', kernel, '-initrd', image, '-append', 'console=ttyS0 quiet panic=-1 mitigations=off'],
    ...['-fsdev', 'local,id=host,path=/,security_model=none,readonly=on,multidevs=remap'],
    ...['-device', 'virtio-9p-pci,fsdev=host,mount_tag=host'],
    ...['-drive', `file=${disk},format=raw,if=virtio,cache=unsafe`],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const watch = setTimeout(() => qemu.kill('SIGKILL'), limitMs);
let end = '';
qemu.stdout.setEncoding('utf8').on('data', (text) => {
  process.stdout.write(text);
  end = (end + text).slice(-200);
});
await once(qemu, 'close');
clearTimeout(watch);
process.exitCode = /guest is done: 0/.test(end) ? 0 : 1;
