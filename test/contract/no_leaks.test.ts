// Promise 5: descriptors, slots, listeners and bytes are back at their baseline after 10,000 operations of every kind,
// aborted, failed and finished. (100,000 of fs: test/fs/leaks.test.ts.)
// Shown to fail: `closeUnseen` (lib/fs/close.ts) doing nothing: descriptors stayed open. `onAbort`
// (lib/fs/signals.ts) keeping its listener. `OpTable::recycle` (native/op/op_table.cc) forgetting every other slot.
import t from 'tap';
import { underFaults } from './faulty.js';

t.test('10,000 operations, faults among them', async (t) => {
  const result = await underFaults<{ memory: number }>(
    t.testdir(),
    `
    import { getEventListeners } from 'node:events';
    const quiet = async () => {
      const end = Date.now() + 5000;
      while (core.stats().inFlight > 0 && Date.now() < end) await turn();
      await turns(20);
      gc();
    };
    const server = await listening((socket) => socket.on('error', () => {}).pipe(socket));
    const { port } = server.address();
    nodeFs.writeFileSync(work + '/file', Buffer.alloc(10_000));
    const [reader] = await pipe();
    const lasting = new AbortController();
    let outcomes = 0;
    const kinds = [
      (signal) => core.nop({ signal }),
      (signal) => core.read(reader, Buffer.allocUnsafeSlow(100), { signal }),
      (signal) => core.timeout(60_000, { signal }),
      async (signal) => nodeFs.closeSync(await core.openat(work + '/file', { signal })),
      (signal) => fs.promises.readFile(work + '/file', { signal }),
      (signal) => fs.promises.writeFile(work + '/written', 'text', { signal }),
      (signal) => fs.promises.stat(work + '/none', { signal }),
      async (signal) => (await fs.promises.open(work + '/file', 'r', 0, { signal })).close(),
      (signal) => fs.promises.copyFile(work + '/file', work + '/copy', 0, { signal }),
      (signal, i) => new Promise((resolve) => {
        const socket = net.connect({ port, signal });
        socket.on('error', () => {}).on('close', resolve);
        if (i % 3) socket.end('hello').resume();
        else socket.on('connect', () => socket.resetAndDestroy());
      }),
    ];
    const some = async (count) => {
      const all = [];
      for (let i = 0; i < count; i++) {
        const controller = i % 4 === 3 ? lasting : new AbortController();
        const work = kinds[i % kinds.length](controller.signal, i);
        all.push(Promise.resolve(work).then(() => outcomes++, () => outcomes++));
        // What would last for ever is aborted; of the others every third.
        const forever = i % kinds.length === 1 || i % kinds.length === 2;
        if (forever && controller === lasting) work.cancel();
        else if (forever || i % 3 === 0 && controller !== lasting) setImmediate(() => controller.abort());
        if (i % 100 === 99) await turns(5);
      }
      await Promise.all(all);
      await quiet();
    };
    plan.begin(0, { duplicate: 1000 });
    await some(500);
    plan.end();
    const before = { descriptors: descriptors(), inFlight: core.stats().inFlight, rss: process.memoryUsage().rss };
    outcomes = 0;
    plan.begin(1, { fail: 20, shorten: 50, worker: 20, delay: 20, reorder: 50, duplicate: 20, enter: 20 });
    await some(10_000);
    plan.end();
    await quiet();
    const end = Date.now() + 5000;
    while (descriptors() > before.descriptors && Date.now() < end) await turn();
    process.stdout.write(JSON.stringify({
      outcomes,
      open: descriptors() > before.descriptors ? nodeFs.readdirSync('/proc/self/fd').map((fd) => { try { return nodeFs.readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } }) : [],
      descriptors: descriptors() - before.descriptors,
      inFlight: core.stats().inFlight - before.inFlight,
      waiting: core.stats().waiting,
      handlers: core.ring().handlers.filter(Boolean).length - core.stats().inFlight,
      listeners: getEventListeners(lasting.signal, 'abort').length,
      memory: Math.round((process.memoryUsage().rss - before.rss) / 2 ** 20),
      failed: plan.counts().failed > 100,
    }), () => process.exit());`,
  );
  const { memory, ...rest } = result;
  t.strictSame(rest, {
    outcomes: 10_000,
    open: [],
    descriptors: 0,
    inFlight: 0,
    waiting: 0,
    handlers: 0,
    listeners: 0,
    failed: true,
  });
  t.ok(memory < 64, `${memory} MiB more`);
});

t.test('every slot is free again', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    const slots = 16;
    const ring = core.Ring.open({ operations: slots, entries: slots });
    const [reader] = await pipe();
    const kinds = [
      (signal) => core.nop({ signal, ring }),
      (signal) => core.read(reader, Buffer.alloc(10), { signal, ring }),
      (signal) => core.timeout(60_000, { signal, ring }),
      (signal) => core.openat('/nowhere', { signal, ring }),
      (signal) => core.chain([core.nop({ ring }), core.close(2 ** 31 - 1, { ring }), core.nop({ ring })], { signal }),
    ];
    plan.begin(1, { fail: 100, worker: 200, delay: 200, reorder: 200, duplicate: 200, enter: 100 });
    for (let round = 0; round < 200; round++) {
      const controller = new AbortController();
      const all = kinds.map((kind) => codeOf(kind(controller.signal)));
      if (round % 2 === 0) await turn();
      controller.abort();
      await Promise.all(all);
    }
    plan.end();
    while (ring.stats().inFlight > 0) await turn();
    await turn();
    for (let i = 0; i < slots; i++) core.read(reader, Buffer.alloc(10), { ring }).then(() => {}, () => {});
    const { inFlight } = ring.stats();
    process.stdout.write(JSON.stringify({ inFlight, waiting: ring.waiting }), () => process.exit());`,
  );
  t.strictSame(result, { inFlight: 16, waiting: 0 });
});
