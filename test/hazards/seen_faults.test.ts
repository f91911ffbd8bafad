// Faults that were seen in ringcore's ancestor and in its peers. Those that have tests elsewhere: late completions and
// cancelled opens (test/contract/abort_rejects_at_once), short writes (short_writes_resume), set-up failures of any errno
// (setup_failure_gives_node), setuid and close-on-exec (credentials_and_processes), the end of connections
// (close_means_closed), ENOBUFS (nothing_is_dropped), fields of SQEs (test/native/op_shapes.test.cc), ends of multishots
// (test/hazards/multishot), the examples' own (test/examples).
//
// Broken on purpose, to see them fail: native/ring/ring.h: sqpoll_sleeps() is never true (it hangs); native/ring/ring.cc: ~Ring()
// keeps its mappings.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, ftruncateSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import nodeNet from 'node:net';
import { networkInterfaces } from 'node:os';
import t from 'tap';
import { core, fs, fsPromises, net } from 'ringcore';
import { rejection, runScript } from '../core/support.js';
import { descriptors, listening, portOf, until } from '../net/support.js';
import { scaled } from '../slowness.js';

t.test('257 operations on a ring of 256 entries, and 10,000', async (t) => {
  for (const count of [255, 256, 257, 10_000]) {
    const ring = core.Ring.open({ entries: 256 });
    await Promise.all(Array.from({ length: count }, () => core.nop({ ring })));
    t.equal(ring.stats().inFlight, 0, `${count}`);
    ring.close();
  }
});

t.test('the thread of an SQPOLL ring is woken when it has fallen asleep', async (t) => {
  const ring = core.Ring.open({ sqpoll: { idleMs: 1 } });
  const sleeps = (): boolean =>
    readdirSync('/proc/self/task').some((task) =>
      /\(iou-sqp.*\) S /.test(readFileSync(`/proc/self/task/${task}/stat`, 'utf8')),
    );
  for (let round = 0; round < 20; round++) {
    t.ok(await until(sleeps));
    await core.nop({ ring });
  }
  ring.close();
});

t.test('results of finished operations do not pile up', async (t) => {
  const fd = openSync('/dev/zero', 'r');
  const buffer = Buffer.alloc(64);
  const some = async (rounds: number): Promise<void> => {
    for (let i = 0; i < rounds; i++) {
      await Promise.all(Array.from({ length: 100 }, () => core.read(fd, buffer)));
    }
  };
  await some(200);
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  await some(800);
  globalThis.gc?.();
  const mebibytes = (process.memoryUsage().rss - before) / 2 ** 20;
  t.ok(mebibytes < 40, `${mebibytes.toFixed(1)} MiB more after 80,000 reads`);
  closeSync(fd);
});

t.test('connecting, binding and opening in vain leave no descriptor', async (t) => {
  const taken = await listening();
  const failing = async (): Promise<void> => {
    const refused = net.connect({ port: 1, host: '127.0.0.1' });
    const unbindable = net.connect({ port: portOf(taken), host: '127.0.0.1', localAddress: '203.0.113.1' });
    const again = net.createServer().listen(portOf(taken), '127.0.0.1');
    await Promise.all([refused, unbindable, again].map((emitter) => rejection(once(emitter, 'never'))));
    await rejection(fsPromises.open('/nowhere/at/all'));
  };
  await failing();
  const before = descriptors();
  for (let i = 0; i < 50; i++) await failing();
  t.ok(await until(() => descriptors() <= before, 5000), `${descriptors() - before} more`);
  taken.close();
});

t.test('rings that are closed, or cannot be set up, leave no mapping', async (t) => {
  const script = `
    import { core } from 'ringcore';
    import { closeSync, openSync, readFileSync } from 'node:fs';
    const mappings = () => readFileSync('/proc/self/maps', 'utf8').split('io_uring').length - 1;
    const before = mappings();
    for (let i = 0; i < 20; i++) core.Ring.open().close();
    const closed = mappings() - before;
    const fds = [];
    for (;;) {
      try { fds.push(openSync('/dev/null')); } catch { break; }
    }
    // There is room for the table of mounts and the ring, and none for its eventfd.
    closeSync(fds.pop());
    closeSync(fds.pop());
    const steps = new Set();
    for (let i = 0; i < 20; i++) {
      try { core.Ring.open(); } catch ({ reason }) { steps.add(reason.split(' ', 1)[0]); }
    }
    closeSync(fds.pop());
    console.log(JSON.stringify({ closed, steps: [...steps], failed: mappings() - before }));`;
  const { stdout, stderr } = await runScript(script, {
    wrapper: ['sh', '-c', 'ulimit -n 100 && exec "$0" "$@"'],
  });
  t.strictSame(stderr || JSON.parse(stdout), { closed: 0, steps: ['eventfd'], failed: 0 });
});

t.test('a port is free when the process that had it has gone', async (t) => {
  const server = nodeNet.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as nodeNet.AddressInfo;
  server.close();
  await once(server, 'close');
  for (const end of ['process.exit(0)', "process.kill(process.pid, 'SIGKILL')"]) {
    await runScript(`
      import { net } from 'ringcore';
      const server = net.createServer(() => {}).listen(${port}, '127.0.0.1', () => {
        net.connect(${port}, '127.0.0.1', () => { ${end}; });
      });`);
    // The kernel takes a ring down behind the end of its process: not at once, but soon.
    const bound = async (): Promise<boolean> => {
      const next = nodeNet.createServer().listen(port, '127.0.0.1');
      const free = await once(next, 'listening').then(
        () => true,
        () => false,
      );
      next.close();
      return free;
    };
    let free = await bound();
    for (let i = 0; i < 500 && !free; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      free = await bound();
    }
    t.ok(free, end);
  }
});

t.test('positions and sizes beyond 32 bits', async (t) => {
  const path = `${t.testdir()}/sparse`;
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT);
  const far = 2 ** 32 + 12_345;
  ftruncateSync(fd, far + 100);
  writeSync(fd, 'far', far);
  const handle = await fsPromises.open(path, 'r+');
  const { buffer } = await handle.read({ buffer: Buffer.alloc(3), position: far });
  t.equal(String(buffer), 'far');
  await handle.write('near', far + 50);
  const chunks: Buffer[] = [];
  for await (const chunk of fs.createReadStream(path, { start: far + 50, end: far + 53 }))
    chunks.push(chunk as Buffer);
  t.equal(String(Buffer.concat(chunks)), 'near');
  await handle.close();
  closeSync(fd);
});

t.test('many operations that wait do not make many threads', async (t) => {
  const directory = t.testdir();
  execFileSync(
    'mkfifo',
    Array.from({ length: 200 }, (_, i) => `${directory}/${i}`),
  );
  const { stdout } = await runScript(
    `
    import { core } from 'ringcore';
    import { readdirSync, readFileSync } from 'node:fs';
    for (let i = 0; i < 200; i++) {
      // An open for writing that waits for a reader takes a worker each.
      core.openat(process.argv[1] + '/' + i, { oflags: 1, flags: { async: true } }).then(() => {}, () => {});
    }
    core.ring().enter();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const workers = readdirSync('/proc/self/task').filter((task) =>
      readFileSync('/proc/self/task/' + task + '/comm', 'utf8').startsWith('iou-wrk'));
    process.stdout.write(String(workers.length), () => process.exit());`,
    { args: [directory] },
  );
  t.ok(Number(stdout) > 0 && Number(stdout) <= 96, `${stdout} workers`);
});

const noIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))
  ? false
  : 'there is no ::1 here';

t.test('IPv6', { skip: noIpv6 }, async (t) => {
  const server = net.createServer((socket) => socket.end('six')).listen(0, '::1');
  await once(server, 'listening');
  let got = '';
  for await (const chunk of net.connect(portOf(server), '::1')) got += String(chunk);
  t.equal(got, 'six');
  server.close();
});

t.test('a burst of connections finds room in the backlog', async (t) => {
  // Nobody accepts meanwhile: this thread waits. With a backlog of 128 the rest would send their SYN again and again.
  const server = await listening((socket) => socket.end());
  const script = `
    import net from 'node:net';
    let connected = 0;
    for (let i = 0; i < 400; i++) net.connect(${portOf(server)}, '127.0.0.1', () => {
      if (++connected === 400) process.exit(0);
    }).on('error', () => {}).resume();`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: scaled(20_000) });
  t.pass('400 connections');
  server.close();
});

t.test('a slow look-up of names does not hold up the loop', async (t) => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const server = await listening((socket) => socket.end());
  const lookup = (_name: string, _options: object, done: (...results: unknown[]) => void): void => {
    const wait = (): void => {
      if (ticks < 20) setTimeout(wait, 1);
      else done(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    wait();
  };
  const socket = net
    .connect({ port: portOf(server), host: 'slow.example', lookup: lookup as never })
    .resume();
  await once(socket, 'close');
  t.ok(ticks >= 20);
  clearInterval(timer);
  server.close();
});

t.test('the end of a process in the middle of everything', async (t) => {
  const script = `
    import { net, core, fsPromises } from 'ringcore';
    const server = net.createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1', () => {
      for (let i = 0; i < 50; i++) net.connect(server.address().port, '127.0.0.1', function () { this.write('x'.repeat(100000)); }).on('error', () => {});
      for (let i = 0; i < 50; i++) fsPromises.readFile('/etc/passwd');
      for (let i = 0; i < 50; i++) core.timeout(1e6);
      setTimeout(() => process.kill(process.pid, 'SIGTERM'), 20);
    });`;
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    t.strictSame([code, signal], [null, 'SIGTERM']);
  }
});
