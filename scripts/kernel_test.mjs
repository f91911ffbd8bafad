// npm run test:kernel -- [PATH...]: the tests on Debian's 6.1 kernel, the oldest that ringcore runs on, in a virtual
// machine. Its disk (ext4) holds this machine's node and what the tests start, and the project as it is built here. Needs
// qemu-system-x86_64, mkfs.ext4 and apt.
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import process from 'node:process';

/** RINGCORE_TEST_KERNEL: another one of Debian's, linux-image-6.12-amd64. */
const kernelPackage = process.env.RINGCORE_TEST_KERNEL ?? 'linux-image-amd64';
const suites = ['test/core', 'test/contract', 'test/hazards', 'test/fs', 'test/net'];
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
const modules = ['virtio_pci', 'virtio_blk', 'crc32c_generic', 'ext4', 'fuse'];
const moduleFiles = [
  ...['drivers/virtio', 'drivers/block/virtio_blk.ko', 'fs/ext4', 'fs/jbd2', 'fs/mbcache.ko', 'fs/fuse'],
  ...['lib/crc16.ko', 'lib/libcrc32c.ko', 'crypto/crc32c_generic.ko'],
];

/** What tests start; those that this machine lacks are skipped there too. */
const tools = [
  ...[
    'sh',
    'bash',
    'cat',
    'chmod',
    'cp',
    'dd',
    'echo',
    'env',
    'head',
    'ln',
    'ls',
    'mkdir',
    'mkfifo',
    'mv',
    'nice',
  ],
  ...[
    'printf',
    'rm',
    'sleep',
    'stat',
    'sync',
    'tail',
    'timeout',
    'touch',
    'true',
    'uname',
    'wc',
    'grep',
    'sed',
  ],
  ...[
    'mount',
    'umount',
    'prlimit',
    'setpriv',
    'unshare',
    'script',
    'strace',
    'python3',
    'openssl',
    'ps',
    'bindfs',
    'kill',
  ],
];

/** What the guest runs first: it makes the disk its root, and starts the tests. */
const init = `#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
${modules.map((name) => `modprobe ${name}`).join('\n')}
mount -t ext4 /dev/vda /root || poweroff -f
mount --move /proc /root/proc
mount --move /sys /root/sys
mount --move /dev /root/dev
mkdir -p /root/dev/shm /root/dev/pts
mount -t tmpfs tmp /root/dev/shm
mount -t devpts pts /root/dev/pts
ln -s /proc/self/fd /root/dev/fd
for n in 0:stdin 1:stdout 2:stderr; do ln -s /proc/self/fd/\${n%:*} /root/dev/\${n#*:}; done
ip link set lo up
hostname guest
ulimit -n 65536
exec switch_root /root /bin/sh -c 'cd ${project} && uname -r -v && HOME=/tmp PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin CI=true RINGCORE_TEST_SLOWNESS=${slowness} RINGCORE_TEST_LIMIT_MS=${fileLimitMs} ${process.execPath} scripts/test.mjs --built ${tests.join(' ')}; echo "guest is done: $?"; sync; echo o > /proc/sysrq-trigger; while :; do sleep 1; done'
`;

function makeInitramfs(unpacked) {
  const [release] = readdirSync(join(unpacked, 'lib/modules'));
  const busybox = join(unpacked, 'bin/busybox');
  const root = join(folder, 'initramfs');
  rmSync(root, { recursive: true, force: true });
  for (const name of ['bin', 'proc', 'sys', 'dev', 'root', `lib/modules/${release}`]) {
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

/** With the libraries that it is linked to, at the places that they have here. */
function copyProgram(path, root) {
  const libraries = spawnSync('ldd', [path], { encoding: 'utf8' }).stdout.match(/\/\S+/g) ?? [];
  run('cp', ['-L', '--parents', path, ...libraries.filter((library) => existsSync(library)), root]);
}

/** Where the guest looks, too. */
const findTool = (name) =>
  ['/usr/local/bin', '/usr/bin', '/usr/sbin']
    .map((place) => join(place, name))
    .find((file) => existsSync(file));

function copyPython(root) {
  const python = findTool('python3');
  if (python === undefined) return;
  const library = run(python, ['-c', 'import sysconfig; print(sysconfig.get_paths()["stdlib"])']).trim();
  run('cp', ['-r', '--parents', library, root]);
  const extensions = join(library, 'lib-dynload');
  for (const name of existsSync(extensions) ? readdirSync(extensions) : [])
    copyProgram(join(extensions, name), root);
}

/** The guest's disk: this machine's programs, and the project at the place that it has here. */
function makeDisk() {
  const root = join(folder, 'disk');
  rmSync(root, { recursive: true, force: true });
  for (const name of ['proc', 'sys', 'dev', 'run', 'root', 'etc', 'usr/bin', 'usr/lib']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    const target = join('usr', name);
    mkdirSync(join(root, target), { recursive: true });
    symlinkSync(target, join(root, name));
  }
  for (const tool of tools) {
    const path = findTool(tool);
    if (path !== undefined) copyProgram(path, root);
  }
  copyProgram(process.execPath, root);
  copyProgram(realpathSync(process.execPath), root);
  copyPython(root);
  for (const name of [
    'passwd',
    'group',
    'hostname',
    'hosts',
    'localtime',
    'nsswitch.conf',
    'ssl',
    'services',
  ]) {
    if (existsSync(join('/etc', name))) run('cp', ['-rL', '--parents', join('/etc', name), root]);
  }
  for (const name of ['tmp', 'var/tmp']) mkdirSync(join(root, name), { recursive: true, mode: 0o1777 });
  const copy = join(root, project);
  mkdirSync(join(copy, 'build'), { recursive: true });
  const parts = readdirSync('.').filter((name) => name !== 'build' && name !== '.git');
  run('cp', ['-al', ...parts, copy]);
  run('cp', ['-al', 'build/Release', 'build/test', join(copy, 'build')]);
  run('chmod', ['1777', join(root, 'tmp')]);
  const disk = join(folder, 'disk.ext4');
  rmSync(disk, { force: true });
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  run('mkfs.ext4', ['-q', '-d', root, disk, '8G'], { env });
  rmSync(root, { recursive: true, force: true });
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
