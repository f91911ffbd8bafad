// Time belongs to the program's tests, which may stop it; the threads' descriptors belong to one thread each; and an
// 'exit' event need not be the end. What ringcore does on its own must not depend on the program's idea of any of them.
import t from 'tap';
import { backend } from 'ringcore';
import { runScript } from '../core/support.js';

const ring = { skip: backend.name === 'io_uring' ? false : `no ring: ${backend.reason}` };

t.test('writes finish and sockets time out where the program has stopped the clock', ring, async (t) => {
  const { stdout } = await runScript(`
    import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
    import { fs, net } from 'ringcore';
    const real = { setImmediate, setTimeout };
    const directory = mkdtempSync('/dev/shm/ringcore-test-');
    process.on('exit', () => rmSync(directory, { recursive: true }));
    globalThis.setImmediate = globalThis.setTimeout = () => {};
    performance.now = () => 1;
    const content = 'x'.repeat(40_000);
    let written = 0;
    for (let i = 0; i < 300; i++) fs.writeFile(directory + '/' + i, content, (error) => {
      if (error || readFileSync(directory + '/' + i, 'utf8') !== content) throw error ?? new Error('content');
      if (++written === 300) console.log('written');
    });
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const socket = net.connect(server.address().port, '127.0.0.1').setTimeout(50, () => {
        console.log('timeout');
        socket.destroy();
        server.close();
      });
      server.once('connection', (peer) => peer.resume().on('error', () => {}));
    });
    const unconnected = net.connect({ port: 1, host: 'localhost', lookup: () => {} });
    unconnected.on('close', () => console.log('closed')).destroy();
  `);
  t.same(stdout.trim().split('\n').sort(), ['closed', 'timeout', 'written']);
});

t.test('a worker that ends leaves the descriptors of other threads alone', ring, async (t) => {
  const { stdout, stderr } = await runScript(`
    import { once } from 'node:events';
    import { fstatSync, openSync } from 'node:fs';
    import { createRequire } from 'node:module';
    import { Worker } from 'node:worker_threads';
    const program = \`
      const { parentPort, workerData } = require('node:worker_threads');
      const fs = require(workerData);
      const descriptors = Array.from({ length: 20 }, () => fs.openSync('/etc/passwd'));
      let open = descriptors.length;
      for (const fd of descriptors) fs.close(fd, () => --open || fs.open('/etc/passwd', (error, fd) => {
        fs.closeSync(fd);
        parentPort.postMessage('closed');
      }));
      setInterval(() => {}, 1000);\`;
    const workerData = createRequire(process.cwd() + '/x').resolve('ringcore/fs');
    const worker = new Worker(program, { eval: true, execArgv: [], workerData });
    await once(worker, 'message');
    const mine = Array.from({ length: 40 }, () => openSync('/etc/passwd'));
    await worker.terminate();
    for (const fd of mine) fstatSync(fd);
    console.log('all there');
  `);
  t.equal(stdout, 'all there\n');
  t.equal(stderr, '');
});

t.test(
  "a server lives through an 'exit' that somebody emits, and knows its address in a real one",
  ring,
  async (t) => {
    const { stdout } = await runScript(`
    import { once } from 'node:events';
    import { net } from 'ringcore';
    const server = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    process.emit('exit', 0);
    await once(net.connect(port, '127.0.0.1').resume(), 'end');
    process.on('exit', () => console.log(server.address().port === port));
    process.exit();
  `);
    t.equal(stdout, 'true\n');
  },
);

t.test('the async resources of timeouts end with them', ring, async (t) => {
  const { stdout } = await runScript(`
    import { createHook } from 'node:async_hooks';
    import { net } from 'ringcore';
    const alive = new Set();
    createHook({
      init(id, type) { if (type === 'Timeout') alive.add(id); },
      destroy(id) { alive.delete(id); },
    }).enable();
    const socket = new net.Socket();
    for (let i = 0; i < 100; i++) socket.setTimeout(1000 + i);
    socket.destroy();
    setImmediate(() => setImmediate(() => console.log(alive.size)));
  `);
  t.equal(stdout, '0\n');
});
