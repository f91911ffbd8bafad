// Promise 3: what the kernel reads or writes is neither freed nor reused before the terminal completion.
// Shown to fail: `Operation.#abandon` (lib/core/operation.ts) taking itself out of `ring.handlers`: the buffers of
// aborted reads were collected while the kernel had them.
import t from 'tap';
import { underFaults } from './faulty.js';

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
