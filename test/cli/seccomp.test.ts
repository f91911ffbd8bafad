// docs/seccomp.json, in a container of runc: io_uring works with it, and does not without its first rule.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { backend } from 'ringcore';
import { main, root } from './command.js';

interface Profile {
  defaultAction: string;
  syscalls: { names: string[]; action: string }[];
}

const profile = JSON.parse(readFileSync(join(root, 'docs/seccomp.json'), 'utf8')) as Profile;
const ringCalls = ['io_uring_setup', 'io_uring_enter', 'io_uring_register'];

/** Runs a command in a container that sees this machine's files and is under a seccomp profile. */
function contained(
  seccomp: Profile,
  args: string[],
): { status: number | null; stdout: string; stderr: string } {
  const bundle = mkdtempSync(join(tmpdir(), 'ringcore-'));
  t.teardown(() => rmSync(bundle, { recursive: true }));
  const capabilities = ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETGID', 'CAP_SETUID', 'CAP_SYS_CHROOT'];
  const config = {
    ociVersion: '1.0.2',
    process: {
      user: { uid: 0, gid: 0 },
      args,
      env: ['PATH=/usr/bin:/bin'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: true,
    },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/', source: '/', type: 'bind', options: ['rbind', 'ro'] },
      { destination: '/proc', source: 'proc', type: 'proc' },
    ],
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }], seccomp },
  };
  mkdirSync(join(bundle, 'rootfs'));
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  const name = `ringcore-test-${process.pid}-${Date.now()}`;
  const { status, stdout, stderr, error } = spawnSync('runc', ['run', '--bundle', bundle, name], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr: error === undefined ? stderr : error.message };
}

const skip = ((): string | false => {
  if (backend.name !== 'io_uring') return `io_uring cannot be used here: ${backend.reason}`;
  if (spawnSync('runc', ['--version']).error !== undefined) return 'runc is not installed';
  const { status } = contained({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] }, ['/bin/true']);
  return status === 0 ? false : 'runc cannot start a container here';
})();

/** The doctor's report, and another program's output, under a profile. */
function doctor(seccomp: Profile): { code: number | null; report: { problems: object[]; seccomp: object } } {
  const { status, stdout, stderr } = contained(seccomp, [process.execPath, main, 'doctor', '--json']);
  if (stdout === '') throw new Error(stderr);
  return { code: status, report: JSON.parse(stdout) as ReturnType<typeof doctor>['report'] };
}

t.test('the profile allows the three calls of io_uring, and only by its first rule', (t) => {
  t.equal(profile.defaultAction, 'SCMP_ACT_ERRNO');
  const [first, ...others] = profile.syscalls;
  t.match(first, { names: ringCalls, action: 'SCMP_ACT_ALLOW' });
  t.notOk(others.some(({ names }) => names.some((name) => name.startsWith('io_uring'))));
  t.end();
});

t.test('it keeps what lets a process out of its container', (t) => {
  const allowed = new Set(profile.syscalls.slice(0, 2).flatMap(({ names }) => names));
  for (const name of ['mount', 'unshare', 'setns', 'bpf', 'keyctl', 'kexec_load', 'init_module', 'clone']) {
    t.notOk(allowed.has(name), name);
  }
  t.end();
});

t.test('io_uring in a container with the profile', { skip }, async (t) => {
  const { code, report } = doctor(profile);
  t.equal(code, 0);
  t.match(report, { usable: true, seccomp: { mode: 'filter' }, problems: [] });
});

t.test('node as a whole in a container with the profile', { skip }, async (t) => {
  const script = `
    const { execFileSync } = require('node:child_process');
    const { Worker } = require('node:worker_threads');
    const dns = require('node:dns');
    execFileSync('/bin/true');
    new Worker('', { eval: true }).on('exit', () => {
      dns.lookup('localhost', (error) => console.log(error ?? 'fine'));
    });`;
  const { stdout, stderr } = contained(profile, [process.execPath, '-e', script]);
  t.equal(stdout, 'fine\n', stderr);
});

t.test('a container whose profile forbids a call of io_uring', { skip }, async (t) => {
  for (const forbidden of ['io_uring_setup', 'io_uring_enter']) {
    const [first, ...others] = profile.syscalls as [Profile['syscalls'][0], ...Profile['syscalls']];
    const names = first.names.filter((name) => name !== forbidden);
    const { code, report } = doctor({ ...profile, syscalls: [{ ...first, names }, ...others] });
    t.equal(code, 1);
    t.match(report, {
      usable: false,
      backend: {
        code: 'EPERM',
        reason: new RegExp(`^${forbidden} failed`),
        remedy: /seccomp profile of the container/,
      },
      seccomp: { mode: 'filter' },
    });
  }
});
