// Promise 3: what the kernel reads or writes is neither freed nor reused before the terminal completion.
// Shown to fail: `Operation.#abandon` (lib/core/operation.ts) taking itself out of `ring.handlers`: the buffers of
// aborted reads were collected while the kernel had them. `OpTable::cancelling` (native/op/op_table.cc) releasing the
// storage: other directories were made. `Args::vectors` (native/binding/args.cc) with the same memory for all. `Sender.close`
// (lib/net/sender.ts) letting go of the views: they were collected while the kernel sent them.
import t from 'tap';
import { underFaults } from './faulty.js';
import { scaled } from '../slowness.js';

t.test('buffers of reads in flight, aborted or not, through the garbage collector', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    const aborted = [];
    const kept = [];
    const pipes = [];
    // The kernel does not find what is to be cancelled: so it has the memory as long as this test wants.
    plan.begin(1, { fail: 1000 }, { spared: [opcode.read, opcode.openat, opcode.close, opcode.write] });
    for (let i = 0; i < 40; i++) {
      const ends = await pipe();
      pipes.push(ends);
      const buffer = Buffer.allocUnsafeSlow(64);
      const controller = new AbortController();
      const operation = core.read(ends[0], buffer, { signal: controller.signal });
      operation.then(() => {}, () => {});
      (i % 2 ? aborted : kept).push(new WeakRef(buffer.buffer));
      core.ring().enter();
      if (i % 2) controller.abort();
    }
    const alive = (list) => list.filter((ref) => ref.deref() !== undefined).length;
    const collect = async () => { for (let i = 0; i < 5; i++) { gc(); await turn(); } };
    await collect();
    const during = [alive(aborted), alive(kept)];
    for (const [, writer] of pipes) nodeFs.writeSync(writer, 'written by the kernel');
    while (core.stats().inFlight > 0) await turn();
    plan.end();
    await collect();
    // The last of a loop may still stand in a register.
    const after = alive(aborted) + alive(kept) < 3 ? 'collected' : [alive(aborted), alive(kept)];
    for (const end of pipes.flat()) nodeFs.closeSync(end);
    console.log(JSON.stringify({ during, after }));`,
  );
  t.strictSame(result, { during: [20, 20], after: 'collected' });
});

t.test('paths, addresses and vectors belong to the operation, not to their strings', async (t) => {
  const result = await underFaults<Record<string, unknown>>(
    t.testdir(),
    `
    let wrong = 0;
    plan.begin(1, { worker: 1000, delay: 500, reorder: 500 });
    await Promise.all(Array.from({ length: 300 }, async (_, i) => {
      const name = work + '/' + 'n'.repeat(i % 200) + i;
      const writing = fs.promises.writeFile(Buffer.from(name), name, { flag: 'w' });
      if (i % 50 === 0) gc();
      await writing;
      if ((await fs.promises.readFile(Buffer.from(name), 'utf8')) !== name) wrong++;
    }));
    plan.end();
    console.log(JSON.stringify({ wrong, files: nodeFs.readdirSync(work).length - 1 }));`,
  );
  t.strictSame(result, { wrong: 0, files: 300 });
});

t.test('vectors of several writes of one turn', async (t) => {
  const result = await underFaults<Record<string, unknown>>(
    t.testdir(),
    `
    const handle = await fs.promises.open(work + '/vectors', 'w');
    const parts = (i) => Array.from({ length: 20 }, (_, k) => Buffer.from([i, k]));
    await Promise.all(Array.from({ length: 100 }, (_, i) => handle.writev(parts(i), i * 40)));
    await handle.close();
    const expected = Buffer.concat(Array.from({ length: 100 }, (_, i) => parts(i)).flat());
    console.log(JSON.stringify({ same: nodeFs.readFileSync(work + '/vectors').equals(expected) }));`,
  );
  t.strictSame(result, { same: true });
});

t.test('paths of what was aborted before the kernel had it, and is done all the same', async (t) => {
  const result = await underFaults<Record<string, unknown>>(
    t.testdir(),
    `
    // Longer than what a slot has room for by itself.
    const name = (letter, i) => work + '/' + letter.repeat(180) + i;
    plan.begin(1, { fail: 1000 }, { spared: allButCancel });
    for (let i = 0; i < 100; i++) {
      const controller = new AbortController();
      core.mkdirat(name('a', i), { signal: controller.signal }).then(() => {}, () => {});
      controller.abort();
      // In the memory of the other, if that had been given back.
      core.openat(name('n', i)).then(() => {}, () => {});
    }
    while (core.stats().inFlight > 0) await turn();
    plan.end();
    const made = nodeFs.readdirSync(work).filter((entry) => entry.startsWith('a'.repeat(180)));
    console.log(JSON.stringify({ made: made.length, all: nodeFs.readdirSync(work).length }));`,
  );
  // And the plan.
  t.strictSame(result, { made: 100, all: 101 });
});

t.test('what is being sent when its socket is destroyed', async (t) => {
  const result = await underFaults<Record<string, unknown>>(
    t.testdir(),
    `
    // Node's, which read nothing: a receive of the ring's that cannot be cancelled would go on.
    const peers = [];
    const { createServer } = createRequire('/')('node:net');
    const server = createServer({ pauseOnConnect: true }, (peer) => peers.push(peer.on('error', () => {})));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const sent = [];
    // Until the kernel has no room for more: behind each operation that it takes whole comes another.
    const untilFull = async () => {
      for (let before = -1; before !== core.stats().operations.send;) {
        before = core.stats().operations.send;
        await new Promise((resolve) => setTimeout(resolve, ${scaled(20)}));
      }
    };
    // As above: the kernel sends on from the memory.
    plan.begin(1, { fail: 1000 }, { spared: allButCancel });
    for (let i = 0; i < 8; i++) {
      const socket = net.connect(server.address().port).on('error', () => {});
      await once(socket, 'connect');
      const piece = Buffer.allocUnsafeSlow(16 * 1024 * 1024);
      sent.push(new WeakRef(piece.buffer));
      socket.write(piece);
      await untilFull();
      socket.destroy();
    }
    const alive = () => sent.filter((ref) => ref.deref() !== undefined).length;
    const collect = async () => { for (let i = 0; i < 5; i++) { gc(); await turn(); } };
    await collect();
    // Of some the kernel may have found room for the operation after all: then it has let go.
    const during = alive() > 4 ? 'held' : alive();
    plan.end();
    for (const peer of peers) peer.resetAndDestroy();
    server.close();
    while (core.stats().inFlight > 0) await turn();
    await collect();
    console.log(JSON.stringify({ during, after: alive() < 3 ? 'collected' : alive() }));`,
  );
  t.strictSame(result, { during: 'held', after: 'collected' });
});

t.test("a worker's end, and the process's, with the kernel holding memory", async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    import { Worker } from 'node:worker_threads';
    const [reader, writer] = await pipe();
    const source = \`
      const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
      import(workerData.core).then(({ read, ring }) => {
        for (let i = 0; i < 50; i++) read(workerData.reader, Buffer.allocUnsafeSlow(4096)).then(() => {}, () => {});
        ring().enter();
        parentPort.postMessage('reading');
      });\`;
    const workers = [];
    for (let i = 0; i < 4; i++) {
      const worker = new Worker(source, { eval: true, workerData: { reader, core: import.meta.resolve("ringcore/core") } });
      await once(worker, 'message');
      workers.push(worker);
    }
    await Promise.all(workers.map((worker) => worker.terminate()));
    // Nobody reads any more: all of it stays in the pipe.
    nodeFs.writeSync(writer, 'late');
    const buffer = Buffer.alloc(10);
    const bytes = nodeFs.readSync(reader, buffer);
    for (let i = 0; i < 50; i++) core.read(reader, Buffer.allocUnsafeSlow(4096)).then(() => {}, () => {});
    core.ring().enter();
    process.stdout.write(JSON.stringify({ bytes }));
    process.exit(0);`,
  );
  t.strictSame(result, { bytes: 4 });
});
