// The bench itself: its programs build and do one verified exchange each, and one quick case tells sane figures.
import { execFile, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));

const compiler = process.env['CXX'] || 'g++';
const lacksCompiler = spawnSync(compiler, ['--version']).error !== undefined;
const skip =
  process.platform !== 'linux'
    ? 'the bench is for Linux'
    : lacksCompiler
      ? `there is no ${compiler} to build its programs`
      : false;

const program = (name: string) => join(root, 'build/bench-native', name);
const timeout = 10_000;

function temporaryDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'ringcore-test-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return directory;
}

interface Result {
  exchanges: number;
  errors: number;
  firstError?: string;
}

/** What echo_load printed; its exit code is not 0 when a reply was wrong. */
async function load(port: number, ...args: string[]): Promise<Result> {
  const all = ['--port', String(port), '--wait', 'sleep', '--count', '1', '--duration-ms', '5000', ...args];
  const failed = (error: unknown) => error as { stdout: string };
  const { stdout } = await run(program('echo_load'), all, { timeout }).catch(failed);
  return JSON.parse(stdout) as Result;
}

async function serve(t: Test, answer: (chunk: Buffer) => Buffer | string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).on('data', (chunk) => socket.write(answer(chunk)));
  });
  t.teardown(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

t.test('programs', { skip }, async (t) => {
  await run(process.execPath, ['bench/build.mjs'], { cwd: root, timeout: 60_000 });

  for (const name of ['echo_epoll', 'echo_uring']) {
    t.test(`${name} echoes`, async (t) => {
      const server = spawn(program(name), ['--seconds', '10'], { stdio: ['ignore', 'pipe', 'pipe'] });
      t.teardown(() => server.kill());
      let stderr = '';
      server.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      const said = once(server.stdout.setEncoding('utf8'), 'data') as Promise<[string]>;
      const first = await Promise.race([said, once(server, 'close').then(() => undefined)]);
      if (first === undefined) {
        if (stderr.includes('io_uring_setup')) t.pass('started', { skip: stderr.trim() });
        else t.fail(stderr);
        return;
      }
      const { port } = JSON.parse(first[0]) as { port: number };
      for (const args of [[], ['--bytes', '200000'], ['--mode', 'accept'], ['--connections', '3']]) {
        const result = await load(port, ...args);
        t.equal(result.errors, 0, args.join(' '));
        t.ok(result.exchanges >= 1, args.join(' '));
      }
    });
  }

  t.test('echo_load: a wrong reply counts as an error, not as an exchange', async (t) => {
    const port = await serve(t, (chunk) => {
      chunk[63] = (chunk[63] ?? 0) ^ 1;
      return chunk;
    });
    t.match(await load(port), { exchanges: 0, errors: 1, firstError: 'a wrong reply' });
  });

  t.test('echo_load: http', async (t) => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
    t.match(await load(await serve(t, () => answer), '--mode', 'http', '--body', 'hello'), {
      exchanges: 1,
      errors: 0,
    });
    t.match(await load(await serve(t, () => answer), '--mode', 'http', '--body', 'world'), { errors: 1 });
  });

  t.test('stream_load: each byte must have been counted', async (t) => {
    const stream = async (lost: number) => {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        let bytes = 0;
        socket.on('data', (chunk) => (bytes += chunk.length));
        socket.on('end', () => {
          const count = Buffer.alloc(8);
          count.writeBigUInt64LE(BigInt(bytes - lost));
          socket.end(count);
        });
      });
      t.teardown(() => server.close());
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      return run(program('stream_load'), ['--port', String(port), '--duration-ms', '20'], { timeout });
    };
    const { exchanges } = JSON.parse((await stream(0)).stdout) as Result;
    t.ok(exchanges >= 1);
    await t.rejects(stream(1), /has counted/);
  });

  t.test('stream_load: the server of the bench checks what it gets', async (t) => {
    const worker = fork(join(root, 'build/bench/workers/server.js'), [
      JSON.stringify({ implementation: 'node', mode: 'sink' }),
    ]);
    t.teardown(() => worker.kill());
    const [{ port }] = (await once(worker, 'message')) as [{ port: number }];
    const stream = (bytes: number) => {
      const args = ['--port', String(port), '--bytes', String(bytes), '--duration-ms', '20'];
      return run(program('stream_load'), args, { timeout });
    };
    await stream(64 * 1024);
    await t.rejects(stream(60 * 1024), 'which are other blocks than it expects');
  });

  t.test('read_files verifies what it reads', async (t) => {
    const directory = temporaryDirectory(t);
    const file = Buffer.alloc(64);
    file.writeUInt32LE(0xffffffff, 60);
    writeFileSync(join(directory, 'right'), file);
    writeFileSync(join(directory, 'right.list'), `${join(directory, 'right')}\n`);
    writeFileSync(join(directory, 'wrong.list'), `${join(directory, 'right')}\n`.repeat(2));
    const read = (list: string, depth: number) => {
      const args = ['--list', join(directory, list), '--bytes', '64', '--depth', String(depth)];
      return run(program('read_files'), [...args, '--duration-ms', '5'], { timeout });
    };
    for (const depth of [1, 4]) {
      try {
        const { stdout } = await read('right.list', depth);
        t.match(JSON.parse(stdout), { errors: 0 });
        await t.rejects(read('wrong.list', depth), 'the second file bears the first one’s number');
      } catch (error) {
        const { stderr } = error as { stderr?: string };
        if (!stderr?.includes('io_uring_setup')) throw error;
        t.pass(`depth ${depth}`, { skip: stderr.trim() });
      }
    }
  });

  t.test('a quick case', async (t) => {
    const output = join(temporaryDirectory(t), 'result.json');
    const main = join(root, 'build/bench/main.js');
    const args = [
      '--quick',
      '--ms',
      '250',
      '--unpinned',
      '--same',
      '--no-calls',
      '--no-native',
      '--json',
      output,
    ];
    const { stdout } = await run(process.execPath, [main, ...args, 'echo-64b-4'], {
      cwd: root,
      timeout: 15_000,
    });
    t.match(stdout, /echo-64b-4/);
    const { cases } = JSON.parse(readFileSync(output, 'utf8')) as {
      cases: {
        name: string;
        drivers: {
          value: number;
          cpuUsPerOperation: number;
          p50Us: number;
          p99Us: number;
          comparison?: unknown;
        }[];
      }[];
    };
    t.equal(cases.length, 1);
    t.equal(cases[0]?.drivers.length, 2);
    for (const { value, cpuUsPerOperation, p50Us, p99Us } of cases[0]?.drivers ?? []) {
      t.ok(value > 100 && value < 1e7, `${value} a second`);
      t.ok(cpuUsPerOperation > 0.1 && cpuUsPerOperation < 10_000, `${cpuUsPerOperation} us each`);
      t.ok(p50Us > 0 && p99Us >= p50Us, `p50 ${p50Us} us, p99 ${p99Us} us`);
    }
    t.ok(cases[0]?.drivers[1]?.comparison, 'the second is compared to the first');
  });
});

// What a run has told is kept as a file; the report and the check are made of it.
t.test(
  'from a run that was kept',
  { skip: process.platform !== 'linux' && 'the bench is for Linux' },
  async (t) => {
    const main = join(root, 'build/bench/main.js');
    const directory = temporaryDirectory(t);
    const file = join(directory, 'run.json');
    const runOf = (name: string, ratio: number, scaling?: object) => ({
      ...{ name, what: 'a case', unit: 'op/s', better: 'higher', scaling, unavailable: [] },
      drivers: ['node 20', 'ringcore 20'].map((driver, index) => ({
        ...{ driver, value: index === 0 ? 100 : 100 * ratio, spread: 0.1, details: {}, samples: [] },
        percentilesUs: { 50: 10, 99: 20 },
        ...(index === 1 ? { comparison: { ratio, target: '2x', met: ratio >= 2 } } : {}),
      })),
    });
    const keepIn = (path: string, ...cases: object[]) =>
      writeFileSync(path, JSON.stringify({ machine: { cpu: 'fast' }, rounds: 5, durationMs: 500, cases }));
    const keep = (...cases: object[]) => keepIn(file, ...cases);
    const make = (...args: string[]) => run(process.execPath, [main, '--from', file, ...args], { timeout });

    keep(
      runOf('won', 3),
      runOf('lost', 0.5),
      runOf('echo-64b-1', 2),
      ...[1, 10].map((x) => runOf(`scale-depth-${x}`, 2, { curve: 'depth', x })),
    );
    await make('--report', '--to', directory);
    const text = readFileSync(join(directory, 'performance.md'), 'utf8');
    t.match(text, /\| won .*3\.00x \| 2x \| yes/);
    const section = (title: string) => text.split('\n## ').find((part) => part.startsWith(title)) ?? '';
    t.match(section('Where node wins'), /\*\*lost\*\*: 0\.50x of node 20/);
    t.notMatch(section('Where node wins'), /\*\*won/);
    t.match(section('Targets that are missed'), /\*\*lost\*\*: 0\.50x of 2x/);
    t.notMatch(section('Cases'), /scale-/);
    for (const plot of ['ratios', 'latency', 'scaling-depth']) {
      t.match(text, `performance/${plot}.svg`);
      t.match(readFileSync(join(directory, 'performance', `${plot}.svg`), 'utf8'), /^<svg [^>]*xmlns=/);
    }

    const later = join(directory, 'later.json');
    const counted = runOf('won', 3);
    for (const one of counted.drivers) Object.assign(one, { systemCalls: { perOperation: 7 } });
    keep(counted, runOf('lost', 0.5));
    keepIn(later, runOf('won', 4));
    await make('--from', later, '--report', '--to', directory);
    const both = readFileSync(join(directory, 'performance.md'), 'utf8');
    t.match(both, /\| won .*4\.00x \| 2x \| yes/, 'a later file’s ratio');
    t.match(both, /\| won .* 7\.00 \/ 7\.00 /, 'system calls that it has not counted');
    t.match(both, /\*\*lost\*\*: 0\.50x/, 'what it has not measured');

    const floors = JSON.parse(readFileSync(join(root, 'bench/floors.json'), 'utf8')) as Record<
      string,
      Record<string, number>
    >;
    const [name, floor] = Object.entries(floors).find(([, byMajor]) => byMajor['20'] !== undefined) ?? [
      '',
      {},
    ];
    keep(runOf(name, floor['20']! * 0.9));
    t.match((await make('--check')).stdout, /nothing is slower/);
    keep(runOf(name, floor['20']! * 0.7));
    const failed = (error: unknown) => error as { code: number; stdout: string };
    t.match(await make('--check').catch(failed), {
      code: 1,
      stdout: new RegExp(`slower.*\\n${name}, node 20`),
    });
  },
);
