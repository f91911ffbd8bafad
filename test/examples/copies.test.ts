// cat, raw_ring and linked_cat: what comes out is what went in, whatever the output is.
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { bytesOf, names } from './copied_bytes.js';
import { missing, noRing, runExample, shell } from './run_example.js';

/** Lines of text: a terminal changes other bytes. */
const lines = Array.from({ length: 6_000 }, (_, index) => `${index}: a line of text\n`).join('');

const noScript = missing('script', ['--version'], /util-linux/);
const noPython = missing('python3', ['--version']);

for (const name of names) {
  t.test(`${name} goes on where the writer before it stopped`, { skip: noRing }, async (t) => {
    const directory = t.testdir({});
    const [input, output] = [join(directory, 'input'), join(directory, 'output')];
    writeFileSync(input, bytesOf(100_001));
    // One open file for three writers, without O_APPEND: its position is all that they have in common.
    const script = `{ echo first; "$@"; echo last; } > '${output}'`;
    const { code } = await runExample([name, input], { through: shell(script) });
    t.equal(code, 0);
    const expected = Buffer.concat([Buffer.from('first\n'), bytesOf(100_001), Buffer.from('last\n')]);
    t.ok(readFileSync(output).equals(expected));
  });

  t.test(`${name} to a socket`, { skip: noRing }, async (t) => {
    const directory = t.testdir({});
    writeFileSync(join(directory, 'input'), bytesOf(3_000_001));
    // Node's spawn connects a child's standard output to a socket, not a pipe.
    const { code, stdout } = await runExample([name, join(directory, 'input')]);
    t.equal(code, 0);
    t.ok(stdout.equals(bytesOf(3_000_001)));
  });

  t.test(`${name} to a pipe that is slow to empty`, { skip: noRing }, async (t) => {
    const directory = t.testdir({});
    writeFileSync(join(directory, 'input'), bytesOf(3_000_001));
    const { code, stdout } = await runExample([name, join(directory, 'input')], {
      through: shell('"$@" | { sleep 0.5; dd bs=10007 status=none; }'),
    });
    t.equal(code, 0);
    t.ok(stdout.equals(bytesOf(3_000_001)));
  });

  t.test(`${name} to a pipe that is full and non-blocking`, { skip: noRing || noPython }, async (t) => {
    const directory = t.testdir({});
    writeFileSync(join(directory, 'input'), bytesOf(1_000_001));
    const python = [
      'import os, subprocess, sys, time',
      'r, w = os.pipe()',
      'os.set_blocking(w, False)',
      'child = subprocess.Popen(sys.argv[1:], stdout=w)',
      'os.close(w)',
      'time.sleep(0.5)',
      'while data := os.read(r, 10007): sys.stdout.buffer.write(data)',
      'sys.stdout.flush()',
      'sys.exit(child.wait())',
    ].join('\n');
    const { code, stdout } = await runExample([name, join(directory, 'input')], {
      through: ['python3', '-c', python],
    });
    t.equal(code, 0);
    t.ok(stdout.equals(bytesOf(1_000_001)));
  });

  t.test(`${name} to a terminal that is non-blocking`, { skip: noRing || noPython }, async (t) => {
    const directory = t.testdir({});
    writeFileSync(join(directory, 'input'), bytesOf(1_000_001));
    const python = [
      'import os, pty, subprocess, sys, time, tty',
      'terminal, s = pty.openpty()',
      'tty.setraw(s)',
      'os.set_blocking(s, False)',
      'child = subprocess.Popen(sys.argv[1:], stdout=s)',
      'os.close(s)',
      'time.sleep(0.5)',
      'try:',
      '  while data := os.read(terminal, 10007): sys.stdout.buffer.write(data)',
      'except OSError: pass', // EIO: the other side has been closed
      'sys.stdout.flush()',
      'sys.exit(child.wait())',
    ].join('\n');
    const { code, stdout } = await runExample([name, join(directory, 'input')], {
      through: ['python3', '-c', python],
    });
    t.equal(code, 0);
    t.ok(stdout.equals(bytesOf(1_000_001)));
  });

  t.test(`${name} to a terminal`, { skip: noRing || noScript }, async (t) => {
    const directory = t.testdir({ input: lines });
    const { code, stdout } = await runExample([name, join(directory, 'input')], {
      through: shell('script -qec "$*" /dev/null < /dev/null'),
    });
    t.equal(code, 0);
    const shown = stdout.toString().replaceAll('\r\n', '\n');
    // raw_ring's statistics go to the same terminal, behind the file.
    t.equal(shown.slice(0, lines.length), lines);
    if (name !== 'raw_ring') t.equal(shown.length, lines.length);
  });

  t.test(`${name} ends quietly when nobody reads any more`, { skip: noRing }, async (t) => {
    const { code, stdout, stderr } = await runExample([name, '/dev/zero'], {
      through: shell('"$@" | head -c 100000'),
    });
    t.equal(code, 0);
    t.equal(stdout.length, 100_000);
    t.equal(stderr, '');
  });

  t.test(`${name} reads files that say they are empty`, { skip: noRing }, async (t) => {
    const { code, stdout } = await runExample([name, '/proc/version']);
    t.equal(code, 0);
    t.ok(stdout.equals(readFileSync('/proc/version')));
  });

  t.test(`${name} says why a file cannot be read`, { skip: noRing }, async (t) => {
    const { code, stdout, stderr } = await runExample([name, join(t.testdir({}), 'nothing')]);
    t.equal(code, 1);
    t.equal(stdout.length, 0);
    t.match(stderr, new RegExp(`^${name}: .*ENOENT`));
  });

  t.test(`${name} without io_uring says what is missing`, async (t) => {
    const directory = t.testdir({ input: 'text' });
    const { code, stdout, stderr } = await runExample([name, join(directory, 'input')], { backend: 'node' });
    t.equal(code, 1);
    t.equal(stdout.length, 0);
    t.match(stderr, new RegExp(`^${name}: io_uring is not available: RINGCORE_BACKEND=node`));
  });
}

t.test('raw_ring tells what went through the ring', { skip: noRing }, async (t) => {
  const directory = t.testdir({ input: 'text' });
  const { stderr } = await runExample(['raw_ring', join(directory, 'input')]);
  t.match(stderr, /5 SQEs \(2 read, 1 write, 1 openat, 1 close\), 5 CQEs/);
  t.match(stderr, /\d+ calls of io_uring_enter/);
  t.match(stderr, /4 bytes read, 4 bytes written/);
});

for (const name of ['cat', 'linked_cat']) {
  t.test(`${name} does not copy a file to its own end`, { skip: noRing }, async (t) => {
    const file = join(t.testdir({ file: 'text' }), 'file');
    const output = openSync(file, 'a');
    const { code, stderr } = await runExample([name, file], { output });
    closeSync(output);
    t.equal(code, 1);
    t.match(stderr, /the input file is the output file/);
    t.equal(readFileSync(file, 'utf8'), 'text');
  });
}

t.test('linked_cat reads a pipe, whose reads are short', { skip: noRing }, async (t) => {
  const { code, stdout } = await runExample(['linked_cat', '/dev/stdin'], {
    through: shell('{ echo one; sleep 0.3; echo two; sleep 0.3; head -c 100000 /dev/zero; } | "$@"'),
  });
  t.equal(code, 0);
  t.ok(stdout.equals(Buffer.concat([Buffer.from('one\ntwo\n'), Buffer.alloc(100_000)])));
});

t.test('cat - is the standard input', { skip: noRing }, async (t) => {
  const directory = t.testdir({ a: 'first\n', b: 'last\n' });
  const [a, b] = [join(directory, 'a'), join(directory, 'b')];

  const input = bytesOf(1_000_001);
  const between = await runExample(['cat', a, '-', b], { input });
  t.equal(between.code, 0);
  t.ok(between.stdout.equals(Buffer.concat([Buffer.from('first\n'), input, Buffer.from('last\n')])));

  const alone = await runExample(['cat'], { input: 'no arguments: the same' });
  t.equal(alone.stdout.toString(), 'no arguments: the same');

  const empty = await runExample(['cat', '-'], { through: shell('"$@" < /dev/null') });
  t.same([empty.code, empty.stdout.length], [0, 0]);

  const pipe = await runExample(['cat', '-'], {
    through: shell('{ echo one; sleep 0.3; echo two; } | "$@"'),
  });
  t.equal(pipe.stdout.toString(), 'one\ntwo\n');
});

t.test('cat - goes on where the reader before it stopped', { skip: noRing }, async (t) => {
  const file = join(t.testdir({ file: 'one\ntwo\nthree\n' }), 'file');
  const { stdout } = await runExample(['cat', '-'], {
    through: shell(`{ dd bs=1 count=4 status=none > /dev/null; "$@"; } < '${file}'`),
  });
  t.equal(stdout.toString(), 'two\nthree\n');
});

t.test('cat reads a terminal', { skip: noRing || noScript }, async (t) => {
  const { code, stdout } = await runExample(['cat'], {
    // Two lines typed, then Ctrl-D: the end of the input.
    through: shell(
      `{ sleep 0.5; printf 'typed\\n'; sleep 0.3; printf '\\004'; } | script -qec "$*" /dev/null`,
    ),
  });
  t.equal(code, 0);
  // Once as the terminal's echo, once as cat's output.
  t.equal(stdout.toString().match(/typed/g)?.length, 2);
});

t.test('cat goes on after a file that cannot be read', { skip: noRing }, async (t) => {
  const directory = t.testdir({ a: 'first\n', b: 'last\n' });
  const { code, stdout, stderr } = await runExample([
    'cat',
    join(directory, 'a'),
    join(directory, 'nothing'),
    directory,
    join(directory, 'b'),
  ]);
  t.equal(code, 1);
  t.equal(stdout.toString(), 'first\nlast\n');
  t.match(stderr, /^cat: ENOENT.*\ncat: EISDIR.*\n$/);
});
