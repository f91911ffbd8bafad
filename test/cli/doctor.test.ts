// ringcore doctor: each diagnosis, brought about on purpose.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { backend } from 'ringcore';
import { environment, outcomeOf, ringcore, root, version, type Outcome } from './command.js';

interface Report {
  usable: boolean;
  works: boolean;
  backend: { name: string | null; reason?: string; code?: string; remedy?: string };
  requestedBackend: string | null;
  ringcore: { version: string; addon: string | null; addonOrigin: string | null };
  runtime: { name: string; version: string; arch: string };
  kernel: { release: string; minimum: string; supported: boolean };
  ring: { operations: Record<string, boolean>; kernelFeatures: { since: string; present: boolean }[] } | null;
  limits: { memlock: { soft: number | null }; nofile: { soft: number | null } };
  seccomp: { mode: string; filters: number };
  sysctl: { ioUringDisabled: number | null; ioUringGroup: number | null };
  user: { uid: number; mayLockMemory: boolean };
  problems: { severity: string; code: string; what: string; remedy: string }[];
}

const missing = (tool: string): string | false =>
  spawnSync(tool, ['--version']).error === undefined ? false : `${tool} is not installed`;
const notRoot = process.getuid!() === 0 ? false : 'only root can become another user';
const noRing = backend.name === 'io_uring' ? false : `io_uring cannot be used here: ${backend.reason}`;

const reportOf = ({ stdout }: Outcome): Report => JSON.parse(stdout) as Report;

t.test('where nothing speaks against io_uring', { skip: noRing }, async (t) => {
  const outcome = await ringcore(['doctor', '--json']);
  const report = reportOf(outcome);
  t.equal(outcome.code, 0, outcome.stderr);
  t.match(report, {
    usable: true,
    works: true,
    backend: { name: 'io_uring' },
    requestedBackend: null,
    ringcore: { version, addonOrigin: 'compiled' },
    runtime: { name: 'node', version: process.versions.node, arch: process.arch },
    kernel: { release: backend.kernel, minimum: '6.1', supported: true },
    ring: { operations: { nop: true, openat: true } },
    user: { uid: process.geteuid!() },
  });
  t.ok(report.ringcore.addon?.startsWith(root));
  t.ok(report.ring?.kernelFeatures.every(({ present }) => typeof present === 'boolean'));

  const text = await ringcore(['doctor']);
  t.equal(text.code, 0);
  t.ok(text.stdout.startsWith(`ringcore ${version}: io_uring is used here\n`));
  t.ok(text.stdout.includes(backend.kernel));
});

t.test('RINGCORE_BACKEND', { skip: noRing }, async (t) => {
  for (const [value, name, reason] of [
    ['node', 'node', /asks for node's own modules/],
    ['libuv', null, /neither io_uring nor node/],
  ] as const) {
    const outcome = await ringcore(['doctor', '--json'], { env: environment({ RINGCORE_BACKEND: value }) });
    t.equal(outcome.code, 1);
    t.match(reportOf(outcome), {
      usable: false,
      works: true,
      backend: { name, code: 'RINGCORE_BACKEND', reason, remedy: /Unset RINGCORE_BACKEND/ },
      requestedBackend: value,
    });
  }
  const unknown = await ringcore(['doctor'], { env: environment({ RINGCORE_BACKEND: 'libuv' }) });
  t.match(unknown.stdout, /: an import of ringcore fails here: RINGCORE_BACKEND=libuv is neither/);
  t.notMatch(unknown.stdout, /are used here/);
  const strict = await ringcore(['doctor'], { env: environment({ RINGCORE_BACKEND: 'io_uring' }) });
  t.equal(strict.code, 0);
});

for (const [call, errno, remedy] of [
  ['io_uring_setup', 'EPERM', /allow io_uring_setup/],
  ['io_uring_setup', 'ENOSYS', /CONFIG_IO_URING/],
  ['io_uring_setup', 'ENOMEM', /RLIMIT_MEMLOCK/],
  ['io_uring_enter', 'EPERM', /allow io_uring_setup/],
] as const) {
  t.test(`${call} fails with ${errno}`, { skip: missing('strace') }, async (t) => {
    const wrapper = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `inject=${call}:error=${errno}`];
    const outcome = await ringcore(['doctor', '--json'], { wrapper });
    t.equal(outcome.code, 1);
    const report = reportOf(outcome);
    t.match(report, {
      usable: false,
      works: false,
      ring: null,
      backend: { name: 'node', code: errno, remedy },
    });
    t.match(report.problems[0], {
      severity: 'error',
      code: errno,
      what: new RegExp(`${call} failed`),
      remedy,
    });

    const text = await ringcore(['doctor'], { wrapper });
    t.equal(text.code, 1);
    t.match(text.stdout, new RegExp(`node's own modules are used here: ${call} failed with ${errno}`));
    t.match(text.stdout, remedy);
  });
}

t.test('strict, and io_uring does not work', { skip: missing('strace') }, async (t) => {
  const outcome = await ringcore(['doctor', '--json'], {
    wrapper: ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'inject=io_uring_setup:error=EPERM'],
    env: environment({ RINGCORE_BACKEND: 'io_uring' }),
  });
  t.match(reportOf(outcome), { usable: false, works: false, backend: { name: null, code: 'EPERM' } });
});

t.test('kernels with known faults', { skip: noRing }, async (t) => {
  for (const [release, version, ids] of [
    ['6.1.174', '#1 SMP', ['CVE-2026-46274']],
    ['6.6.4', '#1 SMP', ['CVE-2024-0582', 'CVE-2026-46274']],
    ['6.6.5', '#1 SMP', ['CVE-2026-46274']],
    ['6.6.141', '#1 SMP', []],
    ['6.3.1-200.fc38', '#1 SMP', ['CVE-2023-2598', 'CVE-2026-46274']],
    ['6.5.0-14-generic', '#14-Ubuntu SMP', ['CVE-2024-0582', 'CVE-2026-46274']],
    ['6.17.8', '#1 SMP', ['CVE-2026-46274', 'CVE-2026-23473 (withdrawn)']],
    ['6.18.19', '#1 SMP', ['CVE-2026-46274', 'CVE-2026-23473 (withdrawn)']],
    ['6.18.20', '#1 SMP', ['CVE-2026-46274']],
    ['6.18.33', '#1 SMP', []],
    ['6.18.0-1-amd64', '#1 SMP PREEMPT_DYNAMIC Debian 6.18.21-1 (2026-04-05)', ['CVE-2026-46274']],
    ['6.19.9-arch1-1', '#1 SMP', ['CVE-2026-46274', 'CVE-2026-23473 (withdrawn)']],
    ['6.1.0-56-amd64', '#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)', []],
    ['7.1.3', '#1 SMP', []],
  ] as const) {
    const pretend = `import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module';
      os.release = () => ${JSON.stringify(release)}; os.version = () => ${JSON.stringify(version)};
      syncBuiltinESMExports();`;
    const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
    const outcome = await ringcore(['doctor', '--json'], {
      env: environment({ NODE_OPTIONS: `--import=${preload}` }),
    });
    t.equal(outcome.code, 0, 'they are warnings');
    const found = reportOf(outcome).problems.filter(({ code }) => code === 'KERNEL_FAULT');
    t.strictSame(
      found.map(({ what }) => what.split(':')[0]),
      ids,
      release,
    );
    for (const { severity, remedy } of found) t.match([severity, remedy], ['warning', /Update the kernel/]);
  }
});

t.test('few descriptors', { skip: noRing || missing('prlimit') }, async (t) => {
  const outcome = await ringcore(['doctor', '--json'], { wrapper: ['prlimit', '--nofile=200:200'] });
  t.equal(outcome.code, 0, 'that is a warning');
  const report = reportOf(outcome);
  t.equal(report.limits.nofile.soft, 200);
  t.match(report.problems, [{ severity: 'warning', code: 'RLIMIT_NOFILE', remedy: /ulimit -n/ }]);
});

t.test(
  'little locked memory, for a user that the limit applies to',
  {
    skip: noRing || notRoot || missing('prlimit') || missing('setpriv'),
  },
  async (t) => {
    // nobody has no access to the directories of this checkout, perhaps.
    const copy = mkdtempSync(join(tmpdir(), 'ringcore-'));
    t.teardown(() => rmSync(copy, { recursive: true }));
    chmodSync(copy, 0o755);
    for (const name of [
      'package.json',
      'dist',
      'build/Release/ringcore.node',
      'node_modules/node-gyp-build',
    ]) {
      cpSync(join(root, name), join(copy, name), { recursive: true });
    }
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const command = (limit: string): string[] => {
      return ['prlimit', `--memlock=${limit}`, ...nobody, process.execPath, join(copy, 'dist/cli/main.js')];
    };
    const low = reportOf(await outcomeOf([...command('524288:524288'), 'doctor', '--json']));
    t.match(low.user, { uid: 65534, mayLockMemory: false });
    t.match(low, {
      usable: true,
      problems: [{ severity: 'warning', code: 'RLIMIT_MEMLOCK', what: /524288 bytes/ }],
    });
    const none = reportOf(await outcomeOf([...command('0:0'), 'doctor', '--json']));
    t.match(none, { usable: false, backend: { code: 'ENOMEM', remedy: /ulimit -l/ } });
    const high = reportOf(await outcomeOf([...command('8388608:8388608'), 'doctor', '--json']));
    t.strictSame(high.problems, []);
  },
);

t.test('elsewhere: another system, another runtime, no addon', async (t) => {
  for (const [pretend, code, reason] of [
    ["Object.defineProperty(process, 'platform', { value: 'darwin' });", 'ENOTSUP', /this is darwin/],
    ["Object.defineProperty(process.versions, 'bun', { value: '1.2.3' });", 'ENOTSUP', /Bun lacks/],
    [
      "process.dlopen = () => { throw new Error('wrong ELF class'); };",
      'ERR_DLOPEN_FAILED',
      /wrong ELF class/,
    ],
  ] as const) {
    const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
    const outcome = await ringcore(['doctor', '--json'], {
      wrapper: [],
      env: environment({ NODE_OPTIONS: `--import=${preload}` }),
    });
    t.equal(outcome.code, 1, pretend);
    t.match(reportOf(outcome), { usable: false, backend: { name: 'node', code, reason, remedy: /./ } });
  }
});

t.test('the usage', async (t) => {
  t.equal((await ringcore(['--version'])).stdout, `${version}\n`);
  const help = await ringcore(['--help']);
  t.equal(help.code, 0);
  t.match(help.stdout, /ringcore run .*\n.*ringcore doctor/s);
  for (const [args, message] of [
    [[], 'which command'],
    [['cure'], 'there is no command cure'],
    [['doctor', '--yaml'], "Unknown option '--yaml'"],
    [['run'], 'run what'],
    [['run', '--backend', 'libuv', 'app.js'], '--backend is'],
  ] as const) {
    const outcome = await ringcore([...args]);
    t.equal(outcome.code, 2, args.join(' '));
    t.equal(outcome.stdout, '');
    t.ok(outcome.stderr.startsWith('ringcore: ') && outcome.stderr.includes(message), outcome.stderr);
    t.ok(outcome.stderr.includes(help.stdout));
  }
});
