// tee: the standard input, byte for byte, in every file and on the standard output.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { bytesOf } from './copied_bytes.js';
import { missing, noRing, runExample, shell, type RunOptions } from './run_example.js';

const sizes = [0, 1, 4_097, 65_536, 1_000_001, 10 * 2 ** 20];
const noPython = missing('python3', ['--version']);
const noScript = missing('script', ['--version'], /util-linux/);

/** On node's own backend every write is cut to 1000 bytes. */
const shortWrites = `data:text/javascript,${encodeURIComponent(`
  import fs from 'node:fs';
  import { promisify } from 'node:util';
  const { write } = fs;
  write[promisify.custom] = (fd, data, offset, length, position) => new Promise((resolve, reject) =>
    write(fd, data, offset, Math.min(length, 1000), position, (error, bytesWritten) =>
      error ? reject(error) : resolve({ bytesWritten })));
`)}`;

for (const backend of ['io_uring', 'node']) {
  const skip = backend === 'io_uring' && noRing;

  /** Runs `tee a b`: `input` comes in as `options` say, and has to come out three times. */
  const expectCopies = async (
    t: Test,
    directory: string,
    input: Buffer,
    options: RunOptions,
    name: string,
  ): Promise<void> => {
    const files = ['a', 'b'].map((name) => join(directory, name));
    writeFileSync(files[0]!, 'what was there before');
    const { code, stdout, stderr } = await runExample(['tee', ...files], { ...options, backend });
    t.equal(stderr, '', name);
    t.equal(code, 0, name);
    t.ok(stdout.equals(input), `${name}: ${input.length} bytes, not ${stdout.length} others`);
    for (const file of files)
      t.ok(readFileSync(file).equals(input), `${name}: ${input.length} bytes in a file`);
  };

  t.test(`tee on ${backend}, every size, from a file, a pipe, a socket`, { skip }, async (t) => {
    const directory = t.testdir({});
    const source = join(directory, 'source');
    for (const size of sizes) {
      const input = bytesOf(size);
      writeFileSync(source, input);
      await expectCopies(t, directory, input, { through: shell(`"$@" < '${source}'`) }, 'from a file');
      await expectCopies(t, directory, input, { through: shell(`cat '${source}' | "$@"`) }, 'from a pipe');
      await expectCopies(t, directory, input, { input }, 'from a socket');
    }
  });

  t.test(`tee on ${backend} to a pipe that is slow to empty`, { skip }, async (t) => {
    const input = bytesOf(3_000_001);
    const slow = shell('"$@" | { sleep 0.5; dd bs=10007 status=none; }');
    await expectCopies(t, t.testdir({}), input, { input, through: slow }, 'slow');
  });

  t.test(
    `tee on ${backend} to a pipe that is full and non-blocking`,
    { skip: skip || noPython },
    async (t) => {
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
      const input = bytesOf(1_000_001);
      await expectCopies(
        t,
        t.testdir({}),
        input,
        { input, through: ['python3', '-c', python] },
        'non-blocking',
      );
    },
  );

  t.test(`tee on ${backend} shows what is typed at once`, { skip: skip || noScript }, async (t) => {
    const directory = t.testdir({});
    const file = join(directory, 'a');
    // The second line is typed when the first one is in the file. Then Ctrl-D: the end of the input.
    const typing = [
      `until [ -e '${file}' ]; do sleep 0.1; done`,
      "printf 'first\\n'",
      `until [ -s '${file}' ]; do sleep 0.1; done`,
      "printf 'second\\n'",
      `until grep -q second '${file}'; do sleep 0.1; done`,
      "printf '\\004'",
    ].join('; ');
    const through = shell(`{ ${typing}; } | script -qec "$*" /dev/null`);
    const { code, stdout } = await runExample(['tee', file], { backend, through });
    t.equal(code, 0);
    t.equal(readFileSync(file, 'utf8'), 'first\nsecond\n');
    // Once as the terminal's echo, once as tee's output.
    for (const line of ['first', 'second']) t.equal(stdout.toString().split(line).length - 1, 2);
  });

  t.test(`tee on ${backend} appends with -a, and to the standard output's end`, { skip }, async (t) => {
    const directory = t.testdir({ a: 'old\n', out: 'old\n' });
    const [a, out] = [join(directory, 'a'), join(directory, 'out')];
    const through = shell(`{ echo first; "$@"; echo last; } >> '${out}'`);
    const { code } = await runExample(['tee', '-a', a], { backend, input: 'new\n', through });
    t.equal(code, 0);
    t.equal(readFileSync(a, 'utf8'), 'old\nnew\n');
    t.equal(readFileSync(out, 'utf8'), 'old\nfirst\nnew\nlast\n');
  });

  t.test(`tee on ${backend}: an output that fails is reported, the others go on`, { skip }, async (t) => {
    const directory = t.testdir({});
    const good = join(directory, 'good');
    const input = bytesOf(300_001);
    const none = join(directory, 'no', 'such');
    const { code, stdout, stderr } = await runExample(['tee', '/dev/full', none, good], { backend, input });
    t.equal(code, 1);
    t.match(stderr, /^tee: ENOENT.*\ntee: \/dev\/full: ENOSPC.*\n$/);
    t.ok(stdout.equals(input));
    t.ok(readFileSync(good).equals(input));
  });

  t.test(`tee on ${backend} ends quietly when nobody reads any more`, { skip }, async (t) => {
    const { code, stdout, stderr } = await runExample(['tee'], {
      backend,
      through: shell('yes | "$@" | head -c 100000'),
    });
    t.equal(code, 0);
    t.equal(stdout.length, 100_000);
    t.equal(stderr, '');
  });
}

t.test('tee resumes after short writes', async (t) => {
  const input = bytesOf(300_001);
  const directory = t.testdir({});
  const options = { backend: 'node', input, nodeOptions: ['--import', shortWrites] };
  const { code, stdout } = await runExample(['tee', join(directory, 'a')], options);
  t.equal(code, 0);
  t.ok(stdout.equals(input));
  t.ok(readFileSync(join(directory, 'a')).equals(input));
});
