// RINGCORE_TRACE: the file that a process leaves.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runScript, type Outcome } from './support.js';
import { traceFaults, type TraceEvent } from './trace_faults.js';

interface Traced extends Outcome {
  directory: string;
  file: string;
  events: TraceEvent[];
}

const eventsOf = (file: string): TraceEvent[] => JSON.parse(readFileSync(file, 'utf8')) as TraceEvent[];

/** Runs a script with RINGCORE_TRACE; its file, if it is complete JSON. */
async function trace(t: Test, script: string, complete = true): Promise<Traced> {
  const directory = t.testdir();
  const file = join(directory, 'trace.json');
  const outcome = await runScript(script, { env: { ...process.env, RINGCORE_TRACE: file } });
  return { ...outcome, directory, file, events: complete ? eventsOf(file) : [] };
}

const work = `
  import { readFile, stat, net } from 'ringcore';
  import { chain, close, openat, read, sleep } from 'ringcore/core';
  await Promise.all(Array.from({ length: 100 }, () => readFile('/etc/passwd')));
  await readFile('/nowhere/at/all/there/is/no/such/file').catch(() => {});
  const buffer = Buffer.alloc(64);
  const fd = await openat('/proc/self/status', { timeout: 60_000 });
  await chain([read(fd, buffer), close(fd)], { hard: true });
  const controller = new AbortController();
  const long = sleep(60_000, { signal: controller.signal });
  controller.abort();
  await long.catch(() => {});
  await stat('/proc');
  const server = net.createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.on('listening', resolve));
  const socket = net.connect(server.address().port, '127.0.0.1');
  await new Promise((resolve) => { socket.on('data', resolve); socket.write('hello'); });
  socket.destroy();
  server.close();
  await new Promise((resolve) => server.on('close', resolve));
`;

t.test('every operation, enter and batch is in the trace', async (t) => {
  const { code, stderr, events } = await trace(t, work);
  t.equal(code, 0, stderr);
  t.same(traceFaults(events), []);
  const names = new Set(events.map(({ name }) => name));
  for (const name of ['enter', 'reap', 'batch', 'prepare', 'poll', 'check', 'in flight', 'stats']) {
    t.ok(names.has(name), name);
  }
  const operation = (name: string, ph: string): TraceEvent | undefined =>
    events.find((event) => event.name === name && event.ph === ph);
  t.match(operation('openat', 'b')?.args, { path: '/proc/self/status' });
  const fd = operation('openat', 'e')?.args.result;
  t.match(operation('read', 'b')?.args, { fd });
  t.match(operation('read', 'e')?.args, { result: 64 });
  t.ok(operation('linkTimeout', 'n'), 'the link timeout of an operation');
  t.ok(operation('cancelOperation', 'n'), 'the cancellation of an operation');
  t.ok(operation('result', 'n'), 'the results of a multishot');
  const failed = events.filter(({ name, ph, args }) => name === 'readFile' && ph === 'e' && 'error' in args);
  t.match(failed.at(-1)?.args, { result: -2, error: 'ENOENT' });
  const path = events.findLast(({ name, ph }) => name === 'readFile' && ph === 'b')?.args.path;
  t.equal(path, `…${'/nowhere/at/all/there/is/no/such/file'.slice(-28)}`, 'the end of a long path');
});

t.test('the checks find any event that is lost', async (t) => {
  const { events } = await trace(t, work);
  const first = (test: (event: TraceEvent) => boolean): number => events.findIndex(test);
  const lost = {
    submission: first(({ ph }) => ph === 'b'),
    completion: first(({ ph }) => ph === 'e'),
    enter: first(({ name }) => name === 'enter'),
    reap: first(({ name }) => name === 'reap'),
    batch: first(({ name }) => name === 'batch'),
    answer: first(({ name }) => name.endsWith(' at once')),
    cancellation: first(({ ph, name }) => ph === 'n' && name === 'cancelOperation'),
  };
  for (const [name, index] of Object.entries(lost)) {
    t.ok(index >= 0, `there is a ${name}`);
    t.not(traceFaults(events.toSpliced(index, 1)).length, 0, `a lost ${name}`);
  }
  const batch = events[lost.batch]!;
  const longer = events.with(lost.batch, { ...batch, dur: batch.dur! + 1e9 });
  t.not(traceFaults(longer).length, 0, 'a span that ends outside of another');
});

t.test('more records than there is room for, within one tick', async (t) => {
  const { events } = await trace(
    t,
    `import { nop } from 'ringcore/core'; await Promise.all(Array.from({ length: 20_000 }, () => nop()));`,
  );
  t.same(traceFaults(events), []);
  t.equal(events.filter(({ ph, name }) => ph === 'b' && name === 'nop').length, 20_000);
  t.notOk(events.some(({ name }) => name === 'records lost'));
});

t.test('without RINGCORE_TRACE there is no file, and nothing that would write one', async (t) => {
  for (const value of [undefined, '']) {
    const { stdout } = await runScript(
      `import { readdirSync, readlinkSync } from 'node:fs';
       import { sleep } from 'ringcore/core';
       await sleep(1);
       const files = readdirSync('/proc/self/fd').filter((fd) => {
         try { return readlinkSync('/proc/self/fd/' + fd).endsWith('trace.json'); } catch { return false; }
       });
       console.log(files.length, process.env.RINGCORE_TRACE_PID, process.getActiveResourcesInfo());`,
      { env: { ...process.env, RINGCORE_TRACE: value } },
    );
    t.equal(stdout.trim(), '0 undefined []');
  }
});

t.test('each ring has a row of its own', async (t) => {
  const { events } = await trace(
    t,
    `import { nop, Ring, sleep } from 'ringcore/core';
     const rings = [Ring.open(), Ring.open()];
     for (let i = 0; i < 20; i++) await Promise.all([sleep(1), ...rings.map((ring) => nop({ ring }))]);
     rings[0].close();
     await sleep(1);`,
  );
  t.same(traceFaults(events), []);
  const rows = events.filter(({ name }) => name === 'thread_name').map(({ args }) => args.name);
  t.strictSame(rows, ['main thread', 'main thread, ring 2', 'main thread, ring 3']);
  for (const tid of [1, 2]) {
    t.equal(events.filter((event) => event.tid === tid && event.ph === 'e').length, 20, `row ${tid}`);
  }
});

t.test('a worker and a child process have files of their own', async (t) => {
  const { directory, stderr, file } = await trace(
    t,
    `import { Worker } from 'node:worker_threads';
     import { spawnSync } from 'node:child_process';
     import { sleep } from 'ringcore/core';
     const nap = "import('ringcore/core').then(({ sleep }) => sleep(1))";
     await sleep(1);
     const child = spawnSync(process.execPath, ['-e', nap]);
     console.error(child.pid);
     await new Promise((resolve) => new Worker(nap, { eval: true }).on('exit', resolve));`,
  );
  const pid = Number(stderr);
  t.strictSame(readdirSync(directory).sort(), ['trace.json', 'trace.json.1', `trace.json.${pid}`].sort());
  for (const path of [file, `${file}.1`, `${file}.${pid}`]) {
    const events = eventsOf(path);
    t.same(traceFaults(events), [], path);
    t.ok(
      events.some(({ ph, name }) => ph === 'e' && name === 'timeout'),
      path,
    );
  }
  t.equal(eventsOf(`${file}.1`)[1]?.args.name, 'worker 1');
});

const pending = `import { sleep } from 'ringcore/core'; sleep(60_000); await sleep(1);`;

for (const [how, ending] of [
  ['process.exit()', 'process.exit(3)'],
  ['an exception', `throw new Error('expected')`],
] as const) {
  t.test(`${how} leaves a complete file`, async (t) => {
    const { code, events } = await trace(t, `${pending} ${ending}`);
    t.equal(code, ending.startsWith('process') ? 3 : 1);
    t.same(traceFaults(events), []);
    const timers = events.filter(({ name }) => name === 'timeout');
    t.equal(timers.filter(({ ph }) => ph === 'b').length, 2);
    t.equal(timers.filter(({ ph }) => ph === 'e').length, 1, 'the other one is still running');
  });
}

t.test('process.reallyExit() with records that nobody takes away any more', async (t) => {
  // No 'exit' is heard: what comes at the end finds the records full, and no JavaScript.
  const { code, signal, stderr } = await runScript(
    `import { write } from 'ringcore/core';
    import { openSync } from 'node:fs';
    const fd = openSync(process.env.FILE, 'w');
    for (let i = 0; i < 30_000; i++) write(fd, Buffer.alloc(1)).submit();
    process.reallyExit(3);`,
    {
      env: {
        ...process.env,
        RINGCORE_TRACE: join(t.testdir(), 'trace.json'),
        FILE: join(t.testdir(), 'file'),
      },
    },
  );
  t.strictSame({ code, signal, stderr }, { code: 3, signal: null, stderr: '' });
});

t.test('a process that is killed leaves a file without its last bracket', async (t) => {
  const { signal, file } = await trace(
    t,
    // Longer than it takes to write what is there.
    `${pending} await sleep(500); process.kill(process.pid, 'SIGKILL'); await sleep(60_000);`,
    false,
  );
  t.equal(signal, 'SIGKILL');
  const text = readFileSync(file, 'utf8');
  t.throws(() => JSON.parse(text) as unknown);
  const events = JSON.parse(`${text}]`) as TraceEvent[];
  t.same(traceFaults(events), []);
  t.equal(events.filter(({ name, ph }) => name === 'timeout' && ph === 'b').length, 3);
});

t.test('a file that cannot be written is a warning', async (t) => {
  for (const [path, message] of [
    [join(t.testdir(), 'none', 'trace.json'), 'ringcore writes no trace: ENOENT'],
    ['/dev/full', "ringcore's trace ends here: ENOSPC"],
  ] as const) {
    const { code, stdout, stderr } = await runScript(
      `import { backend, sleep } from 'ringcore/core'; await sleep(300); console.log(backend.name);`,
      { env: { ...process.env, RINGCORE_TRACE: path } },
    );
    t.equal(code, 0);
    t.equal(stdout.trim(), 'io_uring');
    t.match(stderr, message);
  }
  t.notOk(existsSync(join(t.testdir(), 'none')));
});
