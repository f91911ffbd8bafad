// Races of a completion with whatever else happens to its operation, its descriptor or its thread. Each test is named after
// those of liburing that look for the same on the kernel's side.
//
// Broken on purpose, to see them fail:
//   cancel-race            lib/core/operation.ts: #abandon does not ask the kernel (never released)
//   link-timeout           native/executor: the operation ends with its own CQE, its link timeout's is not awaited
//   accept-reuse           lib/net/listener.ts: close() does not cancel the accept now
//   submit-reuse           native/binding/args.cc: path() keeps the text elsewhere than in the operation's storage
//   pipe-reuse             native/executor: cancel() ends the operation at once, before its CQE
//   linked-defer-close     lib/core/chain.ts: no link flag
//   send-zerocopy          native/executor: the first CQE of a zero-copy send is taken for the last
//   thread-exit            native/executor: a descriptor's number leaves the list when its close completes
//   exit-no-cleanup        native/executor/executor.cc: drain() without its CancelAll
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as nodeConnect } from 'node:net';
import { once } from 'node:events';
import t from 'tap';
import { backend, net } from 'ringcore';
import {
  cancel,
  chain,
  close,
  constants,
  openat,
  poll,
  read,
  ring,
  recv,
  send,
  sendZc,
  shutdown,
  stats,
  write,
  type Operation,
} from 'ringcore/core';
import {
  descriptorsAtRest,
  descriptorsBackAt,
  lacking,
  makePipe,
  runScript,
  socketPair,
} from '../core/support.js';
import { descriptors, portOf } from '../net/support.js';

if (backend.name !== 'io_uring') {
  t.plan(0, `SKIP: no ring: ${backend.reason}`);
  process.exit();
}

const settled = (operations: Operation<unknown>[]): Promise<PromiseSettledResult<unknown>[]> =>
  Promise.allSettled(operations);

t.test('cancel-race, io-cancel: a read is aborted while its bytes arrive, and none is lost', async (t) => {
  const [reader, writer] = await makePipe(t);
  let next = 0; // the byte that is due
  let cancelled = 0;
  for (let i = 0; i < 500; i++) {
    const buffer = Buffer.alloc(8);
    const controller = new AbortController();
    const reading = read(reader, buffer, { signal: controller.signal });
    const outcome = reading.submit().then(
      () => 'read',
      () => 'aborted',
    );
    const writing = write(writer, Buffer.of(i & 0xff)).submit();
    if (i % 3 === 0) ring().enter();
    controller.abort();
    await writing;
    const bytes = await reading.released;
    if ((await outcome) === 'read') t.equal(bytes, 1, 'a read that succeeds has read');
    if (bytes === -125) cancelled++;
    else t.equal(buffer[0], next++ & 0xff, 'the bytes come in order');
    // What the cancelled ones have left.
    while (next <= i) {
      const rest = Buffer.alloc(1);
      await read(reader, rest);
      if (rest[0] !== (next++ & 0xff)) t.fail(`byte ${next - 1}`);
    }
  }
  t.equal(next, 500);
  t.ok(cancelled > 0, `${cancelled} were cancelled before they had read`);
});

t.test('poll-cancel-all, poll-race: everything on a descriptor ends once', async (t) => {
  const [reader, writer] = await makePipe(t);
  for (let round = 0; round < 50; round++) {
    const polls = Array.from({ length: 20 }, () => poll(reader, constants.POLLIN).submit());
    const outcomes = settled(polls);
    ring().enter();
    // In the same submission: some see the byte, the others are cancelled.
    const writing = round % 2 === 1 ? [write(writer, Buffer.from('x')).submit()] : [];
    const count = await cancel({ descriptor: reader, all: true });
    await Promise.all(writing);
    const results = await outcomes;
    const ended = results.filter(({ status }) => status === 'rejected').length;
    if (round % 2 === 0 && (count !== 20 || ended !== 20)) t.fail(`${count} of 20, ${ended} rejected`);
    if (writing.length > 0) await read(reader, Buffer.alloc(1));
  }
  t.equal(stats().stale, 0);
});

t.test('link-timeout, defer-tw-timeout: the time is over when the data arrives', async (t) => {
  const [client, server] = await socketPair(t);
  let received = '';
  let sent = '';
  let late = 0;
  for (let i = 0; i < 200; i++) {
    const buffer = Buffer.alloc(16);
    const receiving = recv(server, buffer, { timeout: 0.02 + (i % 10) * 0.02 }).submit();
    const outcome = receiving.then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
    const word = `${i} `;
    sent += word;
    await send(client, Buffer.from(word));
    const code = await outcome;
    if (code !== undefined) t.equal(code, 'ETIMEDOUT');
    const bytes = await receiving.released;
    if (bytes > 0) received += buffer.toString('latin1', 0, bytes);
    else late++;
  }
  await shutdown(client);
  for (let bytes = 1; bytes > 0;) {
    const buffer = Buffer.alloc(4096);
    bytes = await recv(server, buffer);
    received += buffer.toString('latin1', 0, bytes);
  }
  t.equal(received, sent, `${late} came too late`);
  t.equal(stats().stale, 0);
});

t.test('accept-reuse: a listener is closed, and its number is the next one’s', async (t) => {
  let before = 0;
  for (let i = 0; i < 31; i++) {
    // libuv keeps a descriptor in reserve from the first stream on, which standard output need not be.
    if (i === 1) before = descriptors();
    const first = net.createServer((socket) => socket.end('first')).listen(0, '127.0.0.1');
    await once(first, 'listening');
    const port = portOf(first);
    first.close();
    const second = net.createServer((socket) => socket.end('second')).listen(port, '127.0.0.1');
    await once(second, 'listening');
    const client = nodeConnect(port, '127.0.0.1');
    let answer = '';
    for await (const chunk of client) answer += String(chunk);
    t.equal(answer, 'second');
    second.close();
    await once(second, 'close');
  }
  for (let turn = 0; turn < 1000 && descriptors() > before; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.ok(descriptors() <= before, `${descriptors() - before} more descriptors`);
});

t.test('submit-reuse: arguments are overwritten behind the submission', async (t) => {
  const directory = t.testdir({ right: 'right', wrong: 'wrong' });
  for (let i = 0; i < 200; i++) {
    const path = Buffer.from(`${directory}/right`);
    const opening = openat(path, { flags: { async: i % 2 === 1 } }).submit();
    path.write('wrong', path.length - 5);
    const another = openat(path).submit();
    if (i % 3 === 0) ring().enter();
    const fd = await opening;
    await close(await another);
    const buffer = Buffer.alloc(5);
    await chain([read(fd, buffer), close(fd)]);
    if (String(buffer) !== 'right') t.fail(String(buffer));
  }
});

t.test('pipe-reuse, fixed-reuse: slots and numbers change hands with operations on their way', async (t) => {
  const before = await descriptorsAtRest();
  for (let round = 0; round < 30; round++) {
    const [reader, writer] = await makePipe(t);
    const reads = Array.from({ length: 10 }, () => read(reader, Buffer.alloc(8)).submit());
    const outcomes = settled(reads);
    ring().enter();
    for (const one of reads) one.cancel();
    const closing = [close(reader).submit(), close(writer).submit()];
    // The same numbers, if all goes as the kernel likes it.
    const [nextReader, nextWriter] = await makePipe(t);
    const mine = Buffer.alloc(8);
    const reading = read(nextReader, mine).submit();
    await Promise.all(closing);
    await write(nextWriter, Buffer.from(`round ${round}`));
    t.equal(mine.toString('latin1', 0, await reading), `round ${round}`.slice(0, 8));
    t.ok((await outcomes).every(({ status }) => status === 'rejected'));
    await Promise.all([close(nextReader), close(nextWriter)]);
  }
  t.equal(stats().stale, 0, 'nobody has left before the kernel was done');
  t.strictSame(await descriptorsBackAt(before), before);
});

t.test('linked-defer-close, open-close: a read and the close behind it, and the number anew', async (t) => {
  const directory = t.testdir();
  const names = Array.from({ length: 20 }, (_, i) => `${directory}/${i}`);
  for (const name of names) writeFileSync(name, name);
  const before = await descriptorsAtRest();
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      names.map(async (name, i) => {
        const fd = await openat(name);
        const content = Buffer.alloc(name.length);
        await chain([read(fd, content, { flags: { async: i % 2 === 0 } }), close(fd)]);
        if (String(content) !== name) t.fail(`${String(content)} in place of ${name}`);
      }),
    );
  }
  t.strictSame(await descriptorsBackAt(before), before);
});

t.test(
  'send-zerocopy, sendzc-bug: the memory is the kernel’s until it says so',
  lacking('send_zc'),
  async (t) => {
    const [client, server] = await socketPair(t);
    const bytes = 64 * 1024;
    const rounds = 40;
    const receiving = (async () => {
      let wrong = 0;
      for (let at = 0; at < bytes * rounds;) {
        const chunk = Buffer.alloc(bytes);
        const count = await recv(server, chunk);
        for (let i = 0; i < count; i++, at++) if (chunk[i] !== Math.floor(at / bytes)) wrong++;
      }
      return wrong;
    })();
    const memory = Buffer.alloc(bytes);
    for (let round = 0; round < rounds; round++) {
      memory.fill(round);
      for (let at = 0; at < bytes;) {
        const sending = sendZc(client, memory, { offset: at });
        at += await sending;
        // Only now may it be overwritten.
        await sending.released;
      }
    }
    t.equal(await receiving, 0, 'bytes that were overwritten on their way');
    t.equal(stats().stale, 0, 'no notification came for a slot that was free already');
  },
);

t.test('thread-exit: a number that is being closed is the next file’s, and the thread ends', async (t) => {
  const { stdout, stderr } = await runScript(`
    import { once } from 'node:events';
    import { readdirSync } from 'node:fs';
    import { createRequire } from 'node:module';
    import { Worker } from 'node:worker_threads';
    const program = \`
      const { parentPort, workerData } = require('node:worker_threads');
      const { open, core } = require(workerData);
      (async () => {
        // Kept open to the end: the environment closes them.
        const handles = [];
        for (let i = 0; i < 50; i++) {
          const fds = await Promise.all(Array.from({ length: 8 }, () => core.openat('/etc/passwd')));
          // A worker closes them, and the number is free before anybody hears of it.
          const closing = fds.map((fd) => core.close(fd, { flags: { async: true }, timeout: 1000 }).submit());
          core.ring().enter();
          handles.push(...(await Promise.all(closing.map(() => open('/etc/hostname')))));
          await Promise.all(closing);
        }
        parentPort.postMessage(handles.length);
        setInterval(() => handles.length, 1000);
      })();\`;
    const open = () => readdirSync('/proc/self/fd').length;
    const workerData = createRequire(process.cwd() + '/x').resolve('ringcore');
    const start = open();
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(program, { eval: true, execArgv: [], workerData });
      await once(worker, 'message');
      await worker.terminate();
    }
    // The first of them may leave what node itself keeps of workers.
    console.log(open() - start < 10 ? 'none' : open() - start);
  `);
  t.equal(stdout.trim(), 'none', 'descriptors that outlive their worker');
  t.equal(stderr, '');
});

t.test('exit-no-cleanup, io-wq-exit, read-before-exit: the end, with work on its way', async (t) => {
  const file = `${t.testdir()}/file`;
  writeFileSync(file, 'x'.repeat(1_000_000));
  const work = `
    const { core } = await import('ringcore');
    const { ring, read, write, openat, pipe, nop, timeout, probe } = core;
    const quiet = () => {};
    const fd = await openat(${JSON.stringify(file)});
    for (let i = 0; i < 200; i++) {
      read(fd, Buffer.alloc(65536), { position: i, flags: { async: true } }).submit().catch(quiet);
      nop({ flags: { async: true } }).submit().catch(quiet);
      timeout(60_000).submit().catch(quiet);
      poll();
    }
    function poll() { core.poll(0, 0).submit().catch(quiet); }
    ring().enter();`;
  for (const end of [
    'process.exit(7)',
    'process.exitCode = 7; ring().close()',
    'process.kill(process.pid, 9)',
  ]) {
    const { code, signal, stderr } = await runScript(`${work}\n${end};`);
    t.strictSame([code, signal, stderr], end.endsWith('9)') ? [null, 'SIGKILL', ''] : [7, null, ''], end);
  }
  const fd = openSync(file, 'r');
  closeSync(fd);
  t.equal(readFileSync(file).length, 1_000_000);
});
