// The demo passes on the ring and without one, and says which; it fails when something is not as it should be.
import t, { type Test } from 'tap';
import { missing, noRing, runExample, type Outcome, type RunOptions } from './run_example.js';

const checks = ['writeFile', 'readFile', 'linked copy', 'HTTP file server', 'abort of', 'timeout of'];

async function runDemo(options: RunOptions = {}): Promise<Outcome & { output: string; seconds: number }> {
  const begin = performance.now();
  const outcome = await runExample(['demo'], options);
  return { ...outcome, output: outcome.stdout.toString(), seconds: (performance.now() - begin) / 1000 };
}

function expectPassed(t: Test, run: Awaited<ReturnType<typeof runDemo>>): void {
  t.equal(run.code, 0, run.output);
  t.equal(run.stderr, '');
  t.match(run.output, /\ndemo passed in [\d.]+ s\n$/);
  t.ok(run.seconds < 10, `${run.seconds} s`);
  t.notMatch(run.output, /^FAILED/m);
  // What is left out has a reason, and is no more than what needs a ring.
  const skipped = run.output.match(/^skipped .*$/gm) ?? [];
  for (const line of skipped) t.match(line, /^skipped .+: .+/);
  for (const check of checks) t.match(run.output, new RegExp(`^(ok|skipped) +${check}`, 'm'));
}

t.test('on io_uring', { skip: noRing }, async (t) => {
  const run = await runDemo();
  expectPassed(t, run);
  t.match(run.output, /backend: io_uring, on Linux \d+\.\d+/);
  t.match(run.output, /kernel: \d+ io_uring operations/);
  t.match(run.output, /linked copy: .* the same SHA-256; \d+ operations, \d+ io_uring_enters/);
  t.match(run.output, /100 operations, 1 io_uring_enter, every block as in the file/);
  t.match(run.output, /4 downloads at once, .* each with the file's SHA-256/);
  t.match(run.output, /timeout of a pending read: TimeoutError .* ECANCELED in the kernel/);
  t.match(run.output, /\d+ operations in \d+ io_uring_enters .* none left in flight/);
});

t.test('on io_uring, strictly', { skip: noRing }, async (t) => {
  expectPassed(t, await runDemo({ backend: 'io_uring' }));
});

t.test('with RINGCORE_BACKEND=node', async (t) => {
  const run = await runDemo({ backend: 'node' });
  expectPassed(t, run);
  t.match(run.output, /backend: node, on/);
  t.match(run.output, /why: RINGCORE_BACKEND=node/);
  t.match(run.output, /remedy: .+/);
  t.match(run.output, /linked copy: .* by node's own copyFile: links need the ring/);
  t.match(run.output, /^skipped ring statistics: there is no ring$/m);
});

const noStrace = missing('strace', ['-f', '-o', '/dev/null', 'true']);

/** Every io_uring_setup fails, as where a container or a kernel does not have it. */
function failingSetup(errno: string): string[] {
  const inject = `inject=io_uring_setup:error=${errno}`;
  return ['strace', '-f', '-o', '/dev/null', '-e', 'trace=io_uring_setup', '-e', inject];
}

for (const errno of ['EPERM', 'ENOSYS', 'ENOMEM', 'EOPNOTSUPP']) {
  t.test(`io_uring_setup fails with ${errno}`, { skip: noStrace }, async (t) => {
    const run = await runDemo({ through: failingSetup(errno) });
    expectPassed(t, run);
    t.match(run.output, /backend: node, on/);
    t.match(run.output, new RegExp(`why: io_uring_setup failed with ${errno}`));
    t.match(run.output, /remedy: .+/);
  });

  t.test(`io_uring_setup fails with ${errno}, strictly`, { skip: noStrace }, async (t) => {
    const run = await runDemo({ through: failingSetup(errno), backend: 'io_uring' });
    t.not(run.code, 0);
    t.notMatch(run.output, /demo passed/);
    t.match(run.stderr, /ERR_RINGCORE_UNAVAILABLE/);
    t.match(run.stderr, new RegExp(`io_uring is not available: io_uring_setup failed with ${errno}`));
    t.match(run.stderr, /remedy: /);
  });
}

t.test('a check that fails makes it fail, with a clear line', async (t) => {
  const wrongFetch = 'data:text/javascript,globalThis.fetch = async () => new Response("something else")';
  const run = await runDemo({ nodeOptions: ['--import', wrongFetch] });
  t.equal(run.code, 1);
  t.match(run.output, /^FAILED +HTTP file server, fetched: other bytes than in the file$/m);
  t.match(run.output, /\ndemo FAILED: 1 failures\n$/);
  t.notMatch(run.output, /demo passed/);
});
