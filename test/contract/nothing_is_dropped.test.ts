// Promise 9: SQ full, CQ overflow, ENOBUFS, EAGAIN, EINTR, EBUSY: handled, counted in `stats()`, invisible to the caller.
// Shown to fail: `Request.complete` (lib/fs/request.ts) not repeating what was interrupted: callers saw EINTR.
// `Ring::wants_enter` (native/ring/ring.h) without CQ_OVERFLOW, `Ring.#scheduleDrain` (lib/core/ring.ts) not called behind a
// batch, `Receiver.#waitForBuffer` (lib/net/receiver.ts) waiting in any case: it hung.
import t from 'tap';
import { underFaults } from './faulty.js';

t.test('small queues, and an io_uring_enter that fails half of the time', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    const ring = core.Ring.open({ entries: 8, cqEntries: 8, operations: 64 });
    plan.begin(1, { enter: 500, delay: 300, reorder: 300 });
    let done = 0;
    await Promise.all(Array.from({ length: 5000 }, () => core.nop({ ring }).then(() => done++)));
    await Promise.all(Array.from({ length: 60 }, () => core.sleep(1).then(() => done++)));
    const sends = Array.from({ length: 60 }, () => core.msgRing(ring.fd, { value: 1, ring: core.ring() }).then(() => done++));
    await Promise.all(sends).catch((error) => console.error(error));
    plan.end();
    const { sqFull, retries, inFlight, waiting, cqDropped } = ring.stats();
    console.log(JSON.stringify({
      done, sqFull: sqFull > 0, retries: retries > 0, inFlight, waiting, cqDropped,
      refused: plan.counts().refused > 0,
    }));
    ring.close();`,
  );
  t.strictSame(result, {
    done: 5120,
    sqFull: true,
    retries: true,
    inFlight: 0,
    waiting: 0,
    cqDropped: 0,
    refused: true,
  });
});

t.test('a completion queue that overflows', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    const ring = core.Ring.open({ entries: 64, cqEntries: 64, operations: 512 });
    const pipes = await Promise.all(Array.from({ length: 200 }, () => pipe()));
    let done = 0;
    for (let round = 0; round < 20; round++) {
      const polls = pipes.map(([reader]) => core.poll(reader, core.constants.POLLIN, { ring }).then(() => done++));
      ring.enter();
      // By this thread's other ring: all become readable at once.
      await Promise.all(pipes.map(([, writer]) => core.write(writer, Buffer.from('x'))));
      await Promise.all(polls);
      await Promise.all(pipes.map(([reader]) => core.read(reader, Buffer.alloc(1))));
    }
    const { cqOverflows, cqDropped } = ring.stats();
    for (const end of pipes.flat()) nodeFs.closeSync(end);
    console.log(JSON.stringify({ done, overflowed: cqOverflows > 0, cqDropped }));
    ring.close();`,
  );
  t.strictSame(result, { done: 4000, overflowed: true, cqDropped: 0 });
});

t.test('interruptions', async (t) => {
  const result = await underFaults<Record<string, string>>(
    t.testdir(),
    `
    const EINTR = 4;
    nodeFs.writeFileSync(work + '/file', Buffer.alloc(100_000, 'x'));
    const outcomes = {};
    const attempt = async (name, kind, call) => {
      for (const after of [0, 1]) {
        plan.begin(1, {}, { once: { opcode: opcode[kind], after, errno: EINTR } });
        const before = plan.counts().failed;
        outcomes[name + after] = (await codeOf(call())) + (plan.counts().failed > before || after ? '' : ': no fault');
        plan.end();
      }
    };
    await attempt('open', 'openat', async () => (await fs.promises.open(work + '/file', 'r+')).close());
    await attempt('close', 'close', async () => (await fs.promises.open(work + '/file', 'r+')).close());
    await attempt('write', 'write', () => fs.promises.writeFile(work + '/written', Buffer.alloc(700_000)));
    await attempt('writeClose', 'close', () => fs.promises.writeFile(work + '/written', Buffer.alloc(70_000)));
    await attempt('read', 'read', async () => {
      for await (const chunk of fs.createReadStream(work + '/file'));
    });
    await attempt('copy', 'openat', () => fs.promises.copyFile(work + '/file', work + '/copy'));
    await attempt('fsync', 'fsync', async () => {
      const handle = await fs.promises.open(work + '/file', 'r+');
      try { await handle.sync(); } finally { await handle.close(); }
    });
    const server = await listening((socket) => socket.on('error', () => {}).pipe(socket));
    const echo = () => new Promise((resolve, reject) => {
      let got = '';
      const socket = net.connect(server.address().port).on('error', reject);
      socket.on('data', (chunk) => (got += chunk)).on('end', () => (got === 'hello' ? resolve() : reject(new Error(got))));
      socket.end('hello');
    });
    await attempt('send', 'send', echo);
    await attempt('recv', 'recv', echo);
    server.close();
    console.log(JSON.stringify(outcomes));`,
  );
  for (const [name, outcome] of Object.entries(result)) t.equal(outcome, 'done', name);
  t.equal(Object.keys(result).length, 18);
});

t.test('ENOBUFS while the kernel has every buffer: there is no return to wait for', async (t) => {
  const result = await underFaults<Record<string, unknown>>(
    t.testdir(),
    `
    const ENOBUFS = 105;
    const server = await listening((socket) => socket.on('error', () => {}).pipe(socket));
    const received = {};
    plan.begin(1, {}, { once: { opcode: opcode.recv, after: 0, errno: ENOBUFS } });
    const socket = net.connect(server.address().port);
    socket.end('hello');
    received.socket = String(Buffer.concat(await socket.toArray()));
    plan.end();
    const peer = await listening((socket) => socket.end('hello'));
    const buffers = new core.BufferRing({ entries: 2, bufferBytes: 64 });
    const fd = await core.socket(2, 1);
    await core.connect(fd, { address: '127.0.0.1', port: peer.address().port });
    plan.begin(2, {}, { once: { opcode: opcode.recv, after: 0, errno: ENOBUFS } });
    const multishot = core.recvMultishot(fd, { buffers });
    received.core = '';
    for await (const chunk of multishot) received.core += chunk;
    plan.end();
    received.armings = multishot.armings > 1;
    await core.close(fd);
    server.close();
    peer.close();
    console.log(JSON.stringify({ ...received, failed: plan.counts().failed }));`,
  );
  t.strictSame(result, { socket: 'hello', core: 'hello', armings: true, failed: 2 });
});

t.test('more connections than receive buffers', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    plan.begin(1, { delay: 300, reorder: 300 });
    let wrong = 0;
    const server = await listening((socket) => socket.on('error', () => {}).pipe(socket));
    await Promise.all(Array.from({ length: 100 }, async (_, i) => {
      const data = Buffer.alloc(100_000, String(i));
      const socket = net.connect(server.address().port);
      const chunks = [];
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.end(data);
      await once(socket, 'close');
      if (!Buffer.concat(chunks).equals(data)) wrong++;
    }));
    plan.end();
    server.close();
    console.log(JSON.stringify({ wrong }));`,
  );
  t.strictSame(result, { wrong: 0 });
});
