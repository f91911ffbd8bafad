// Promise 4: an abort rejects at once with the reason as cause; what comes late is closed, or goes to the next read.
// Shown to fail: `cleanup` left out of `Operation.complete` (lib/core/operation.ts): descriptors stayed open. `Receiver`
// (lib/net/receiver.ts) dropping what comes while it is stopping: bytes were missing.
import t from 'tap';
import { underFaults } from './faulty.js';

t.test('rejected before the kernel has answered, with the reason', async (t) => {
  const result = await underFaults<Record<string, string>>(
    t.testdir(),
    `
    const [reader, writer] = await pipe();
    const fifo = await fs.promises.open('/proc/self/fd/' + reader, 'r');
    plan.begin(1, { fail: 1000 }, { spared: [opcode.read, opcode.openat, opcode.close, opcode.write] });
    const outcome = {};
    const calls = {
      core: (signal) => core.read(reader, Buffer.alloc(8), { signal }),
      timer: (signal) => core.sleep(60_000, { signal }),
      handle: (signal) => fifo.read({ buffer: Buffer.alloc(8), signal }),
      readFile: (signal) => fs.promises.readFile('/proc/self/fd/' + reader, { signal }),
    };
    for (const [name, call] of Object.entries(calls)) {
      const controller = new AbortController();
      const promise = Promise.resolve(call(controller.signal));
      let error;
      promise.catch((reason) => (error = reason));
      await turns(3);
      controller.abort(name);
      for (let i = 0; i < 20; i++) await null;
      outcome[name] = error ? [error.name, error.code, error.cause].join() : 'pending';
    }
    plan.end();
    nodeFs.writeSync(writer, 'x'.repeat(64));
    process.stdout.write(JSON.stringify(outcome), () => process.exit());`,
  );
  for (const [name, outcome] of Object.entries(result)) t.equal(outcome, `AbortError,ABORT_ERR,${name}`);
  t.equal(Object.keys(result).length, 4);
});

t.test('descriptors that come late are closed', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    const before = descriptors();
    const server = await core.socket(core.constants.AF_INET, core.constants.SOCK_STREAM);
    await bind(server, { address: '127.0.0.1', port: 0 });
    await listen(server);
    const { port } = core.localAddress(server);
    plan.begin(1, { fail: 1000, worker: 1000 }, { spared: allButCancel });
    const aborted = [];
    for (let i = 0; i < 100; i++) {
      const controller = new AbortController();
      const { signal } = controller;
      aborted.push([
        () => core.openat('/dev/null', { signal }),
        () => core.accept(server, { signal }),
        () => fs.promises.open('/dev/null', 'r', 0o666, { signal }),
        () => fs.promises.readFile('/proc/self/status', { signal }),
      ][i % 4]().then(
        // It was faster than the abort.
        (result) => typeof result === 'number' ? nodeFs.closeSync(result) : result.close?.(),
        (error) => error.code,
      ));
      if (i % 3) await turn();
      controller.abort();
    }
    const codes = new Set(await Promise.all(aborted));
    const clients = Array.from({ length: 30 }, () => createRequire('/')('node:net').connect(port, '127.0.0.1').on('error', () => {}));
    await new Promise((resolve) => setTimeout(resolve, 50));
    while (core.stats().inFlight > 0) await turn();
    plan.end();
    for (const client of clients) client.destroy();
    await core.close(server);
    const end = Date.now() + 5000;
    while (descriptors() > before && Date.now() < end) await turn();
    console.log(JSON.stringify({ left: descriptors() - before, codes: [...codes].filter((code) => code !== undefined) }));`,
  );
  t.strictSame(result, { left: 0, codes: ['ABORT_ERR'] });
});

t.test('bytes that a cancelled receive had taken go to the next one', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    const data = Buffer.alloc(200_000);
    for (let i = 0; i < data.length; i++) data[i] = i % 251;
    let got;
    const server = await listening((socket) => {
      let at = 0;
      const send = () => { if (at < data.length) { socket.write(data.subarray(at, at += 500)); setImmediate(send); } else socket.end(); };
      send();
    });
    plan.begin(1, { fail: 500, delay: 500 }, { spared: allButCancel });
    const chunks = [];
    const socket = net.connect(server.address().port);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      socket.pause();
      // Until the stream is full, and has told the kernel to stop.
      let waited = 0;
      const resume = () => {
        if (socket.readableLength >= socket.readableHighWaterMark || ++waited === 300) socket.resume();
        else setImmediate(resume);
      };
      resume();
    });
    await once(socket, 'end');
    plan.end();
    server.close();
    console.log(JSON.stringify({ same: Buffer.concat(chunks).equals(data), cancelled: plan.counts().failed > 0 }));`,
  );
  t.strictSame(result, { same: true, cancelled: true });
});
