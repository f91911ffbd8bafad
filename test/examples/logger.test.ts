// logger: every line, whole and in order, at the end of the file.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { commandOf, noRing, root, runExample, shell } from './run_example.js';

/** Lines of many lengths, `bytes` in all; the last one may have no newline. */
function linesOf(bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  let at = 0;
  for (let number = 1; at < bytes; number++) {
    at += content.write(`${number}: ${'#'.repeat((number * 7919) % 331)}\n`, at);
  }
  return content;
}

/** On node's own backend every writev writes a third of what it is given, and ends in the middle of a line. */
const shortWrites = `data:text/javascript,${encodeURIComponent(`
  import { open } from 'node:fs/promises';
  const handle = await open('/dev/null');
  const { prototype } = handle.constructor;
  const { writev } = prototype;
  prototype.writev = function (buffers) {
    const all = Buffer.concat(buffers);
    return writev.call(this, [all.subarray(0, Math.ceil(all.length / 3))]);
  };
  await handle.close();
`)}`;

for (const backend of ['io_uring', 'node']) {
  const skip = backend === 'io_uring' && noRing;

  t.test(`logger on ${backend}, every size, from a file, a pipe, a socket`, { skip }, async (t) => {
    const directory = t.testdir({});
    const [source, log] = [join(directory, 'source'), join(directory, 'log')];
    for (const size of [0, 1, 4_097, 1_000_001, 10 * 2 ** 20]) {
      const input = linesOf(size);
      writeFileSync(source, input);
      const complete = size === 0 || input.at(-1) === 10;
      const expected = Buffer.concat([Buffer.from('old\n'), input, Buffer.from(complete ? '' : '\n')]);
      const ways = { file: shell(`"$@" < '${source}'`), pipe: shell(`cat '${source}' | "$@"`), socket: [] };
      for (const [way, through] of Object.entries(ways)) {
        writeFileSync(log, 'old\n');
        const { code, stderr } = await runExample(['logger', log], {
          backend,
          through,
          ...(way === 'socket' ? { input } : {}),
        });
        t.equal(code, 0);
        t.ok(readFileSync(log).equals(expected), `${size} bytes from a ${way}`);
        const [, lines, writes] = /^logger: (\d+) lines in (\d+) writes\n$/.exec(stderr) ?? [];
        t.equal(Number(lines), expected.toString().split('\n').length - 2);
        // Batched, as far as there is something to batch.
        if (size > 1_000_000) t.ok(Number(writes) < Number(lines) / 50, stderr);
      }
    }
  });

  t.test(`logger on ${backend}: one line that is longer than all buffers`, { skip }, async (t) => {
    const log = join(t.testdir({}), 'log');
    const input = Buffer.alloc(3_000_000, 'no newline anywhere; ');
    const { code } = await runExample(['logger', '--sync', log], { backend, input });
    t.equal(code, 0);
    t.equal(readFileSync(log, 'utf8'), `${input.toString()}\n`);
  });

  t.test(`two loggers on ${backend} append to one file`, { skip }, async (t) => {
    const log = join(t.testdir({}), 'log');
    const input = linesOf(4_000_001);
    const tags = ['one', 'two', 'three'];
    const outcomes = await Promise.all(
      tags.map((tag) => runExample(['logger', '--tag', tag, log], { backend, input })),
    );
    for (const { code } of outcomes) t.equal(code, 0);
    const lines = readFileSync(log, 'utf8').split('\n');
    t.equal(lines.pop(), '', 'the file ends with a newline');
    const expected = input.toString().split('\n');
    for (const tag of tags) {
      const own = lines
        .filter((line) => line.startsWith(`${tag}: `))
        .map((line) => line.slice(tag.length + 2));
      t.same(own.length, expected.length);
      t.equal(own.join('\n'), expected.join('\n'), `the lines of ${tag} are whole and in order`);
    }
    t.equal(lines.length, tags.length * expected.length, 'and there are no others');
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    t.test(`logger on ${backend} writes what it has on ${signal}`, { skip, timeout: 60_000 }, async (t) => {
      const log = join(t.testdir({ log: '' }), 'log');
      const [command = '', ...args] = commandOf(['logger', log]);
      const child = spawn(command, args, {
        cwd: root,
        env: { ...process.env, RINGCORE_BACKEND: backend },
        stdio: ['pipe', 'ignore', 'pipe'],
      });
      t.teardown(() => child.kill('SIGKILL'));
      const stderr = text(child.stderr);
      const changes = watch(log);
      child.stdin.write('one\ntwo\nthe third, not fin');
      while (readFileSync(log).length === 0) await once(changes, 'change');
      changes.close();
      child.kill(signal);
      t.same(await once(child, 'exit'), [0, null]);
      t.equal(readFileSync(log, 'utf8'), 'one\ntwo\nthe third, not fin\n');
      t.match(await stderr, /^logger: 3 lines in \d writes\n$/);
    });
  }

  t.test(`logger on ${backend} says that the disk is full`, { skip }, async (t) => {
    const { code, stderr } = await runExample(['logger', '/dev/full'], {
      backend,
      input: linesOf(5_000_000),
    });
    t.equal(code, 1);
    t.match(stderr, /^logger: ENOSPC/);
    t.notMatch(stderr, /lines in/);
  });

  t.test(`logger on ${backend} says so soon, not when the input ends`, { skip }, async (t) => {
    const [command = '', ...args] = commandOf(['logger', '/dev/full']);
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, RINGCORE_BACKEND: backend },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    child.stdin.on('error', () => {}); // EPIPE: it has ended
    const typing = setInterval(() => child.stdin.write('one more line\n'), 50);
    const [exit, stderr] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
    clearInterval(typing);
    t.same(exit, [1, null]);
    t.match(stderr, /^logger: ENOSPC/);
  });

  t.test(`logger on ${backend} goes up to a limit of the file's size`, { skip }, async (t) => {
    const log = join(t.testdir({}), 'log');
    const input = linesOf(200_000);
    // In blocks of 512 bytes. The write that comes to the limit is short; the next one fails.
    const { code, stderr } = await runExample(['logger', log], {
      backend,
      input,
      through: shell('ulimit -f 33; "$@"'),
    });
    t.equal(code, 1);
    t.match(stderr, /EFBIG/);
    t.ok(readFileSync(log).equals(input.subarray(0, 33 * 512)));
  });
}

t.test('logger resumes after short writes, in the middle of a line', async (t) => {
  const log = join(t.testdir({}), 'log');
  const input = linesOf(300_000);
  const options = { backend: 'node', input, nodeOptions: ['--import', shortWrites] };
  const { code, stderr } = await runExample(['logger', log], options);
  t.equal(code, 0, stderr);
  t.equal(readFileSync(log, 'utf8'), `${input.toString().replace(/\n$/, '')}\n`);
});

t.test('logger wants one file', async (t) => {
  for (const args of [[], ['a', 'b']]) {
    const { code, stderr } = await runExample(['logger', ...args]);
    t.equal(code, 1);
    t.match(stderr, /usage/);
  }
});
