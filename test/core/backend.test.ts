import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import t from 'tap';
import * as core from 'ringcore/core';
import { runScript } from './support.js';

const strace = ((): string | false => {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'strace is not installed';
  }
})();

const report = `
  const { backend, sleep, interval, nop, openat } = await import('ringcore/core');
  await sleep(1);
  for await (const tick of interval(1)) if (tick === 3) break;
  const attempt = (promise) => promise.then(() => 'done', (error) => error);
  const error = await attempt(nop());
  console.log(JSON.stringify({ backend, code: error.code, message: error.message, cause: error.cause?.code }));
`;

const environment = (value: string | undefined): NodeJS.ProcessEnv => {
  const env = { ...process.env };
  delete env.RINGCORE_BACKEND;
  return value === undefined ? env : { ...env, RINGCORE_BACKEND: value };
};

t.test('io_uring, where nothing speaks against it', (t) => {
  t.match(core.backend, { name: 'io_uring', kernel: /^\d+\.\d+/ });
  t.ok(Object.isFrozen(core.backend));
  t.end();
});

t.test('RINGCORE_BACKEND=node', async (t) => {
  const { stdout, stderr } = await runScript(report, { env: environment('node') });
  const { backend, code } = JSON.parse(stdout || stderr) as { backend: core.Backend; code: string };
  t.match(backend, {
    name: 'node',
    code: 'RINGCORE_BACKEND',
    reason: /RINGCORE_BACKEND=node/,
    remedy: /Unset/,
  });
  t.equal(code, 'ERR_RINGCORE_UNAVAILABLE');
});

t.test('RINGCORE_BACKEND=nonsense', async (t) => {
  const { code, stderr } = await runScript(report, { env: environment('nonsense') });
  t.equal(code, 1);
  t.match(stderr, /TypeError \[ERR_INVALID_ARG_VALUE\]: The argument 'RINGCORE_BACKEND' must be/);
});

t.test('RINGCORE_BACKEND=io_uring', async (t) => {
  const { stdout } = await runScript('import { backend } from "ringcore/core"; console.log(backend.name)', {
    env: environment('io_uring'),
  });
  t.equal(stdout, 'io_uring\n');
});

t.test('Bun and Deno are refused before the addon is loaded', async (t) => {
  for (const [pretend, name] of [
    ["Object.defineProperty(process.versions, 'bun', { value: '1.0.0' });", 'Bun'],
    ['globalThis.Deno = {};', 'Deno'],
    ["Object.defineProperty(process, 'platform', { value: 'darwin' });", 'darwin'],
  ] as const) {
    const { stdout, stderr } = await runScript(`
      ${pretend}
      process.dlopen = () => { throw new Error('loaded'); };
      ${report}
    `);
    t.match(JSON.parse(stdout || stderr), {
      backend: { name: 'node', code: 'ENOTSUP', reason: new RegExp(name) },
    });
  }
});

t.test('an addon that cannot be loaded', async (t) => {
  const { stdout, stderr } = await runScript(`
    process.dlopen = () => { throw new Error('wrong ELF class'); };
    ${report}
  `);
  t.match(JSON.parse(stdout || stderr), {
    backend: { name: 'node', reason: /addon could not be loaded \(wrong ELF class\)/, remedy: /npm rebuild/ },
  });
});

for (const [call, errno, step] of [
  ['io_uring_setup', 'EPERM', 'io_uring_setup'],
  ['io_uring_setup', 'ENOSYS', 'io_uring_setup'],
  ['io_uring_setup', 'ENOMEM', 'io_uring_setup'],
  ['io_uring_setup', 'EOPNOTSUPP', 'io_uring_setup'],
  ['io_uring_setup', 'EMFILE', 'io_uring_setup'],
  ['io_uring_register', 'EACCES', 'IORING_REGISTER_[A-Z_]+'],
  ['io_uring_enter', 'EPERM', 'io_uring_enter'],
] as const) {
  t.test(`${call} fails with ${errno}`, { skip: strace }, async (t) => {
    const wrapper = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `inject=${call}:error=${errno}`];
    const soft = await runScript(report, { wrapper, env: environment(undefined) });
    const { backend, code, message, cause } = JSON.parse(soft.stdout || soft.stderr) as {
      backend: core.Backend;
      code: string;
      message: string;
      cause: string;
    };
    t.equal(backend.name, 'node');
    t.equal(backend.code, errno);
    t.match(backend.reason, new RegExp(`^${step} failed with ${errno} \\(`));
    t.ok(backend.remedy);
    t.strictSame([code, cause], ['ERR_RINGCORE_UNAVAILABLE', errno]);
    t.ok(message.includes(backend.reason!) && message.includes(backend.remedy!));

    const strict = await runScript(report, { wrapper, env: environment('io_uring') });
    t.equal(strict.code, 1);
    t.match(strict.stderr, /Error \[ERR_RINGCORE_UNAVAILABLE\]: io_uring is not available: /);
    t.ok(strict.stderr.includes(backend.remedy!));
  });
}

t.test('require() gives a plain object that can be changed', (t) => {
  const required = createRequire(import.meta.url)('ringcore/core') as Record<string, unknown>;
  t.equal(required.read, core.read);
  t.strictSame(
    Object.keys(required).sort(),
    Object.keys(core)
      .filter((name) => name !== 'module.exports')
      .sort(),
  );
  required.read = 5;
  t.equal(required.read, 5);
  required.read = core.read;
  t.end();
});
