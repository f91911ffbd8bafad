// ringcore run: the program as if node had been called with --import ringcore/register.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { backend } from 'ringcore';
import { environment, main, ringcore } from './command.js';

const noRing = backend.name === 'io_uring' ? false : `io_uring cannot be used here: ${backend.reason}`;

const files = t.testdir({
  'app.cjs': `
    console.log(JSON.stringify({
      args: process.argv.slice(2),
      file: process.argv[1],
      isMain: require.main === module,
      backend: process.env.RINGCORE_BACKEND,
      heap: process.execArgv.filter((flag) => flag.startsWith('--max-old')),
    }));`,
  'module.mjs': `
    import { stat } from 'node:fs';
    import { fs } from 'ringcore';
    import { Worker, isMainThread } from 'node:worker_threads';
    console.log(isMainThread, stat === fs.stat);
    if (isMainThread) new Worker(new URL(import.meta.url));`,
  'exit.js': 'process.exitCode = 42;',
  'crash.js': "process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);",
  'signals.js': `
    process.on('SIGTERM', () => { console.log('SIGTERM'); process.exit(7); });
    process.on('SIGHUP', () => console.log('SIGHUP'));
    setInterval(() => {}, 1000);
    console.log('ready');`,
  'cat.js': 'process.stdin.pipe(process.stdout);',
});
const file = (name: string): string => `${files}/${name}`;

interface Told {
  args: string[];
  file: string;
  isMain: boolean;
  backend?: string;
  heap: string[];
}

t.test('arguments, flags and the backend', async (t) => {
  const told = async (...args: string[]): Promise<Told> => {
    const { stdout, stderr } = await ringcore(['run', ...args]);
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as Told;
  };
  const app = file('app.cjs');
  t.match(await told(app), { args: [], file: app, isMain: true, heap: [] });
  const args = ['--backend', 'x', '-h', '--', 'a b', ''];
  t.strictSame((await told(app, ...args)).args, args, "what follows the program is the program's");
  t.match(await told('--backend', 'io_uring', '--max-old-space-size=99', app, '--json'), {
    args: ['--json'],
    backend: 'io_uring',
    heap: ['--max-old-space-size=99'],
  });
  t.match(await told('--backend=node', '-r', 'node:fs', app), { args: [], backend: 'node' });
});

t.test("the program has the ring's functions, and its workers have", { skip: noRing }, async (t) => {
  // Beside node_modules, so that 'ringcore' is found.
  t.equal((await ringcore(['run', file('module.mjs')])).stdout, 'true true\nfalse true\n');
  t.equal((await ringcore(['run', '--backend', 'node', file('module.mjs')])).code, 0);
});

t.test('the exit code', async (t) => {
  t.equal((await ringcore(['run', file('exit.js')])).code, 42);
  t.equal((await ringcore(['run', file('crash.js')])).signal, 'SIGKILL');
  const missing = await ringcore(['run', file('nowhere.js')]);
  t.equal(missing.code, 1);
  t.match(missing.stderr, /Cannot find module/);
});

t.test('signals reach the program', async (t) => {
  const child = spawn(process.execPath, [main, 'run', file('signals.js')], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const lines: string[] = [];
  child.stdout.setEncoding('utf8');
  for await (const chunk of child.stdout as AsyncIterable<string>) {
    for (const line of chunk.trim().split('\n')) {
      lines.push(line);
      if (line === 'ready') child.kill('SIGHUP');
      if (line === 'SIGHUP') child.kill('SIGTERM');
    }
  }
  t.strictSame(lines, ['ready', 'SIGHUP', 'SIGTERM']);
  t.strictSame(await ended, [7, null]);
});

t.test('a signal that ends the program ends the command', async (t) => {
  const child = spawn(
    process.execPath,
    [main, 'run', '-e', "console.log('ready'); setInterval(() => {}, 1000)"],
    {
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = once(child, 'exit');
  child.stdout.once('data', () => child.kill('SIGTERM'));
  t.strictSame(await ended, [null, 'SIGTERM']);
});

t.test('standard input and output', async (t) => {
  const child = spawn(process.execPath, [main, 'run', file('cat.js')], {
    env: environment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end('through the program\n');
  t.equal(await text(child.stdout), 'through the program\n');
});
