import { lstatSync, readFileSync, readlinkSync, statSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import {
  chain,
  close,
  constants,
  getxattr,
  linkat,
  mkdirat,
  openat,
  openat2,
  renameat,
  setxattr,
  statx,
  symlinkat,
  unlinkat,
} from 'ringcore/core';
import { closeQuietly, descriptorsAtRest, descriptorsBackAt, exception, rejection } from './support.js';

const { O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_WRONLY, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS } = constants;

t.test('openat', async (t) => {
  const directory = t.testdir({ file: 'x' });
  const path = join(directory, 'file');
  for (const name of [path, Buffer.from(path), pathToFileURL(path)]) await close(await openat(name));
  const fd = await openat(join(directory, 'new'), { oflags: O_CREAT | O_EXCL | O_WRONLY, mode: '640' });
  t.equal(statSync(join(directory, 'new')).mode & 0o777, 0o640 & ~process.umask());
  t.match(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'), /flags:\s*02\d{6}/, 'O_CLOEXEC');
  await close(fd);
  const dirfd = await openat(directory, { oflags: O_DIRECTORY });
  t.teardown(() => closeQuietly(dirfd));
  await close(await openat('file', { dirfd }));
  t.match(await rejection(openat('none', { dirfd })), { code: 'ENOENT', path: 'none' });
  t.match(await rejection(openat(path, { oflags: O_DIRECTORY })), { code: 'ENOTDIR', path });
  t.match(await rejection(openat('file', { dirfd: 999_999 })), { code: 'EBADF' });
});

t.test('openat, cancelled: a descriptor that comes late is closed', async (t) => {
  const path = join(t.testdir({ file: 'x' }), 'file');
  const before = await descriptorsAtRest();
  const operations = Array.from({ length: 100 }, () => {
    const controller = new AbortController();
    // In a kernel worker, so that it can be overtaken.
    const operation = openat(path, { signal: controller.signal, flags: { async: true } }).submit();
    setImmediate(() => controller.abort());
    return operation;
  });
  const results = await Promise.allSettled(operations);
  await Promise.all(operations.map((operation) => operation.released));
  for (const result of results) if (result.status === 'fulfilled') await close(result.value);
  const cancelled = await rejection(openat(path, { signal: AbortSignal.abort() }));
  t.equal(cancelled.name, 'AbortError');
  t.strictSame(await descriptorsBackAt(before), before);
});

t.test('openat2', async (t) => {
  const directory = t.testdir({ file: 'x', link: t.fixture('symlink', 'file') });
  const dirfd = await openat(directory, { oflags: O_DIRECTORY });
  t.teardown(() => closeQuietly(dirfd));
  await close(await openat2('file', { dirfd, resolve: RESOLVE_BENEATH }));
  // Shown to fail: giving O_CLOEXEC to the kernel, too: EINVAL, and it lost the path's memory (CVE-2025-68814).
  for (const open of [openat, openat2])
    await close(await open('file', { dirfd, oflags: O_CLOEXEC, direct: true }));
  t.match(await rejection(openat2('/etc/passwd', { dirfd, resolve: RESOLVE_BENEATH })), { code: 'EXDEV' });
  t.match(await rejection(openat2('link', { dirfd, resolve: RESOLVE_NO_SYMLINKS })), { code: 'ELOOP' });
  t.match(await rejection(openat2('file', { dirfd, mode: 0o600 })), { code: 'EINVAL', syscall: 'openat2' });
});

t.test('statx', async (t) => {
  const directory = t.testdir({ file: 'twelve bytes', link: t.fixture('symlink', 'file') });
  const path = join(directory, 'file');
  const ours = await statx(path);
  const node = statSync(path);
  for (const field of [
    'dev',
    'ino',
    'mode',
    'nlink',
    'uid',
    'gid',
    'rdev',
    'size',
    'blksize',
    'blocks',
  ] as const) {
    t.equal(ours[field], node[field], field);
  }
  for (const field of ['atimeMs', 'mtimeMs', 'ctimeMs', 'birthtimeMs'] as const) {
    t.ok(Math.abs(ours[field] - node[field]) < 0.001, field);
  }
  const big = await statx(path, { bigint: true });
  t.equal(big.mtimeNs, statSync(path, { bigint: true }).mtimeNs);
  t.equal(big.size, 12n);
  const device = await statx('/dev/null');
  t.equal(device.rdev, statSync('/dev/null').rdev);
  const fd = await openat(path);
  t.equal((await statx(fd)).ino, node.ino);
  await close(fd);
  const link = await statx(join(directory, 'link'), { statxFlags: constants.AT_SYMLINK_NOFOLLOW });
  t.equal(link.ino, lstatSync(join(directory, 'link')).ino);
  t.match(await rejection(statx(join(directory, 'none'))), { code: 'ENOENT', syscall: 'statx' });
  t.match(await rejection(statx(999_999)), { code: 'EBADF' });
  const [a, b] = await chain([statx(path), statx(directory)]);
  t.ok(a.size === 12 && b.ino === statSync(directory).ino);
});

t.test('names: mkdirat, symlinkat, linkat, renameat, unlinkat', async (t) => {
  const directory = t.testdir({ file: 'content' });
  const at = (name: string): string => join(directory, name);
  await mkdirat(at('sub'), { mode: 0o700 });
  t.equal(statSync(at('sub')).mode & 0o777, 0o700 & ~process.umask());
  t.match(await rejection(mkdirat(at('sub'))), { code: 'EEXIST', syscall: 'mkdir', path: at('sub') });

  await symlinkat('file', at('symlink'));
  t.equal(readlinkSync(at('symlink')), 'file');
  const again = await rejection(symlinkat('file', at('symlink')));
  t.match(again, { code: 'EEXIST', syscall: 'symlink', path: 'file', dest: at('symlink') });

  await linkat(at('file'), at('sub/link'));
  t.equal(statSync(at('file')).nlink, 2);
  t.match(await rejection(linkat(at('none'), at('x'))), { code: 'ENOENT', syscall: 'link', dest: at('x') });

  await renameat(at('sub/link'), at('renamed'));
  t.equal(readFileSync(at('renamed'), 'latin1'), 'content');
  const kept = renameat(at('renamed'), at('file'), { renameFlags: constants.RENAME_NOREPLACE });
  t.match(await rejection(kept), { code: 'EEXIST', syscall: 'rename' });

  t.match(await rejection(unlinkat(at('sub'))), { code: 'EISDIR', syscall: 'unlink', path: at('sub') });
  await unlinkat(at('sub'), { directory: true });
  await unlinkat(at('renamed'));
  t.match(await rejection(unlinkat(at('renamed'))), { code: 'ENOENT', syscall: 'unlink' });
  const notEmpty = await rejection(unlinkat(directory, { directory: true }));
  t.match(notEmpty, { code: 'ENOTEMPTY', syscall: 'rmdir' });

  await chain([
    mkdirat(at('a')),
    mkdirat(at('a/b')),
    symlinkat('b', at('a/c')),
    renameat(at('file'), at('a/b/f')),
  ]);
  t.equal(readFileSync(at('a/c/f'), 'latin1'), 'content');
  await chain([unlinkat(at('a/b/f')), unlinkat(at('a/b'), { directory: true })]);
  t.notOk(existsSync(at('a/b')));
});

t.test('extended attributes', async (t) => {
  const path = join(t.testdir({ file: 'x' }), 'file');
  try {
    await setxattr(path, 'user.ringcore', 'value');
  } catch (error) {
    t.match(error, { code: 'ENOTSUP' });
    return;
  }
  t.equal(String(await getxattr(path, 'user.ringcore')), 'value');
  const fd = await openat(path);
  t.teardown(() => closeQuietly(fd));
  await setxattr(fd, 'user.bytes', Uint8Array.of(0, 1, 2), { xattrFlags: constants.XATTR_CREATE });
  t.strictSame([...(await getxattr(fd, 'user.bytes'))], [0, 1, 2]);
  t.match(await rejection(getxattr(path, 'user.none')), { code: 'ENODATA', syscall: 'getxattr', path });
  t.match(await rejection(getxattr(fd, 'user.none')), { code: 'ENODATA', syscall: 'fgetxattr' });
  t.match(await rejection(getxattr(path, 'user.bytes', { maxBytes: 1 })), { code: 'ERANGE' });
  const exists = setxattr(path, 'user.bytes', '', { xattrFlags: constants.XATTR_CREATE });
  t.match(await rejection(exists), { code: 'EEXIST', syscall: 'setxattr' });
  t.match(
    exception(() => getxattr(path, 'a\0b')),
    { code: 'ERR_INVALID_ARG_VALUE' },
  );
  const [, value] = await chain([setxattr(fd, 'user.a', 'chained'), getxattr(fd, 'user.a')]);
  t.equal(String(value), 'chained');
});

t.test(
  'after setuid a file of root cannot be opened',
  { skip: process.getuid!() !== 0 && 'needs root' },
  async (t) => {
    const { runScript } = await import('./support.js');
    const path = join(t.testdir(), 'secret');
    writeFileSync(path, 'secret', { mode: 0o600 });
    for (const change of ['setuid', 'seteuid']) {
      const { stdout, stderr } = await runScript(`
      import { openat, ring, Ring } from 'ringcore/core';
      const attempt = (options) => openat(${JSON.stringify(path)}, options).then(() => 'opened', (e) => e.code);
      const sqpoll = Ring.open({ sqpoll: { idleMs: 1 } });
      console.log(await attempt(), await attempt({ ring: sqpoll }));
      process.setgroups([]); process.setgid(65534); process.${change}(65534);
      console.log(await attempt(), await attempt({ flags: { async: true } }), await attempt({ ring: sqpoll }));
    `);
      t.strictSame(
        stdout.split('\n').slice(0, 2),
        ['opened opened', 'EACCES EACCES ERR_INVALID_STATE'],
        stderr,
      );
    }
  },
);
