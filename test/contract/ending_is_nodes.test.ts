// Promise 7: ref and unref, exits with operations in flight, a worker's end at any moment, exceptions: as node, with no
// hang, crash or lost event.
// Shown to fail: `set_referenced` (native/executor/executor.cc) doing nothing: processes stayed. Before what was started on
// files was done at the end (native/executor/at_exit.cc), all of `lasting` failed; each of these, its own test: no `beginLastTurn`, no
// `FileCopy.finish`, that by names though the files are open, or without what has come of an open, only the first ring in
// `at_exit`, only what lasts or no `close_unclaimed` in `make_room_at_exit`, no pipes in `lasts`.
// `Listener.letGo` (lib/net/listener.ts) not called at the exit: the port was taken. `Ring.admit` (lib/core/ring.ts) not holding
// `#waitersAlive`: the process ended before what waited.
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openDescriptors, runScript } from '../core/support.js';
import { scaled } from '../slowness.js';

/** The same script with node's modules and with ringcore's. */
async function both(script: string): Promise<{ node: object; ringcore: object }> {
  const run = async (from: string): Promise<object> => {
    const prelude = `
      import fs from '${from}fs';
      import net from '${from}net';
      import { once } from 'node:events';`;
    const { code, signal, stdout } = await runScript(prelude + script, { timeout: scaled(20_000) });
    return { code, signal, stdout };
  };
  const [node, ringcore] = await Promise.all([run('node:'), run('ringcore/')]);
  return { node, ringcore };
}

const endings = {
  'a listening server, unref': `net.createServer().listen(0).unref();`,
  'a connection, both ends unref': `
    const server = net.createServer((socket) => socket.unref().resume()).listen(0).unref();
    await once(server, 'listening');
    const socket = net.connect(server.address().port);
    await once(socket, 'connect');
    socket.unref().resume();
    process.on('exit', (code) => console.log('exit', code));`,
  'unref, and ref again until an event': `
    const server = net.createServer((socket) => socket.end('bye')).listen(0);
    await once(server, 'listening');
    const socket = net.connect(server.address().port).unref().ref();
    for await (const chunk of socket) console.log(String(chunk));
    server.unref();`,
  'process.exit() with operations in flight': `
    for (let i = 0; i < 100; i++) fs.readFile('/etc/passwd', () => {});
    net.createServer().listen(0, () => process.exit(7));`,
  'an exit handler sees its code': `
    process.on('exit', (code) => console.log('exit', code));
    fs.promises.readFile('/etc/passwd').then(() => { process.exitCode = 3; });`,
  'exceptions in callbacks, and the rest goes on': `
    let caught = 0, done = 0;
    process.on('uncaughtException', () => caught++);
    for (let i = 0; i < 20; i++) fs.stat('/', () => { done++; if (i % 2) throw new Error('x'); });
    for (let i = 0; i < 20; i++) fs.access('/', () => { done++; if (i % 2) throw new Error('x'); });
    process.on('exit', () => console.log(caught, done));`,
  'an exception in a connection listener': `
    process.on('uncaughtException', (error) => { console.log(error.message); });
    const server = net.createServer((socket) => { socket.end(); throw new Error('listener'); }).listen(0);
    await once(server, 'listening');
    await once(net.connect(server.address().port).resume(), 'close');
    server.close(() => console.log('closed'));`,
  'an exception that nobody catches': `fs.readFile('/etc/passwd', () => { throw new Error('fatal'); });`,
  'a write to a pipe, then an exit': `
    fs.write(1, 'line', () => console.log('called'));
    process.exit(3);`,
  'a write to a pipe in a listener of exit': `
    process.on('exit', () => fs.write(1, 'line', () => {}));
    process.exit(3);`,
  'a write to a pipe, then an exception': `
    fs.write(1, 'line', () => {});
    setImmediate(() => { throw new Error('x'); });`,
  'a rejection that nobody handles': `fs.promises.readFile('/nowhere');`,
  'a rejection that is handled too late': `
    process.on('unhandledRejection', (error) => {
      console.log('unhandled', error.code);
      setImmediate(() => promise.catch(() => {}));
    });
    process.on('rejectionHandled', () => console.log('handled'));
    const promise = fs.promises.readFile('/nowhere');`,
};

for (const [name, script] of Object.entries(endings)) {
  t.test(name, async (t) => {
    const { node, ringcore } = await both(script);
    t.strictSame(ringcore, node);
  });
}

const exit = 'process.exit(3);';
const writes = `for (let i = 0; i < 50; i++) fs.write(fd, 'line', () => console.log('called'));`;
/** What each leaves as `file`, which is there in the beginning. */
const lasting = {
  "writes at a file's own position": `const fd = fs.openSync(file, 'a'); ${writes} ${exit}`,
  "writes at a position that others may use, behind them a close, and at another's": `
    const fd = fs.openSync(file, 'w');
    for (let i = 0; i < 200; i++) fs.write(fd, Buffer.alloc(100_000), () => {});
    fs.close(fd, () => {});
    const other = fs.openSync(file + '.log', 'a');
    for (let i = 0; i < 50; i++) fs.write(other, 'line', () => {});
    ${exit}`,
  'a crash log': `
    const log = fs.createWriteStream(file);
    await once(log, 'open');
    process.on('uncaughtException', () => { log.write('FATAL'); ${exit} });
    setImmediate(() => { throw new Error('x'); });`,
  'a large write': `
    const log = fs.createWriteStream(file);
    await once(log, 'open');
    log.write(Buffer.alloc(5e6));
    setTimeout(() => process.exit(3), 1);`,
  'an exception': `
    const fd = fs.openSync(file, 'a');
    setImmediate(() => { ${writes} throw new Error('x'); });`,
  'writes in a listener of exit': `
    const fd = fs.openSync(file, 'a');
    process.on('exit', () => { ${writes} });
    ${exit}`,
  'unlink in a listener of exit': `process.on('exit', () => fs.unlink(file, () => {})); ${exit}`,
  unlink: `fs.unlink(file, () => {}); ${exit}`,
  'promises.unlink': `fs.promises.unlink(file); ${exit}`,
  rename: `fs.rename(file, file + '.new', () => {}); ${exit}`,
  mkdir: `fs.unlinkSync(file); fs.mkdir(file, () => {}); ${exit}`,
  ftruncate: `fs.ftruncate(fs.openSync(file, 'r+'), 2, () => {}); ${exit}`,
  copyFile: `
    fs.writeFileSync(file + '.source', Buffer.alloc(5e6, 'a'));
    fs.copyFile(file + '.source', file, () => {});
    ${exit}`,
  'promises.copyFile to a new file': `
    fs.writeFileSync(file + '.source', Buffer.alloc(5e6, 'a'));
    fs.unlinkSync(file);
    fs.promises.copyFile(file + '.source', file, fs.constants.COPYFILE_EXCL);
    ${exit}`,
  'copyFile in a listener of exit': `
    fs.writeFileSync(file + '.source', Buffer.alloc(5e6, 'a'));
    process.on('exit', () => fs.copyFile(file + '.source', file, () => {}));
    ${exit}`,
  'tens of thousands of reads, and writes': `
    const zero = fs.openSync('/dev/zero');
    const memory = Buffer.alloc(1000);
    for (let i = 0; i < 36_000; i++) fs.read(zero, memory, 0, 1000, 0, () => {});
    const fd = fs.openSync(file, 'w');
    for (let i = 0; i < 50; i++) fs.write(fd, 'line', () => {});
    for (let i = 0; i < 50; i++) fs.mkdir(file + i, () => {});
    ${exit}`,
  'many copies, after a while': `
    fs.writeFileSync(file + '.source', Buffer.alloc(5e6, 'a'));
    const copies = Array.from({ length: 50 }, (_, i) => file + i);
    for (const copy of copies) fs.copyFile(file + '.source', copy, () => {});
    await new Promise((resolve) => setTimeout(resolve, 2));
    fs.copyFile(file + '.source', file, () => {});
    ${exit}`,
  'copies to new files, begun one after the other': `
    fs.writeFileSync(file + '.source', Buffer.alloc(3e6, 'a'));
    for (let i = 0; i < 12; i++) {
      fs.copyFile(file + '.source', file + i, fs.constants.COPYFILE_EXCL, () => {});
      await turn();
    }
    ${exit}`,
  'small copies to new files, begun one after the other': `
    fs.writeFileSync(file + '.source', Buffer.alloc(60_000, 'a'));
    for (let i = 0; i < 60; i++) {
      fs.copyFile(file + '.source', file + i, fs.constants.COPYFILE_EXCL, () => {});
      if (i % 10 === 9) await turn();
    }
    ${exit}`,
  'copies of what nobody may write': `
    fs.writeFileSync(file + '.source', Buffer.alloc(3e6, 'a'), { mode: 0o444 });
    process.chdir(dirname(file));
    fs.chmodSync('.', 0o777);
    if (process.getuid() === 0) process.seteuid(65534);
    for (let i = 0; i < 12; i++) {
      fs.copyFile('file.source', 'file' + i, () => {});
      await turn();
    }
    ${exit}`,
  'a copy that fails': `
    fs.writeFileSync(file + '.source', Buffer.alloc(3e6, 'a'));
    fs.copyFile(file + '.source', file, fs.constants.COPYFILE_EXCL, () => {});
    for (let i = 0; i < 4; i++) await turn();
    ${exit}`,
  'a copy to itself': `
    fs.writeFileSync(file, Buffer.alloc(3e6, 'a'));
    fs.copyFile(file, file, () => {});
    for (let i = 0; i < 6; i++) await turn();
    ${exit}`,
  'a copy whose source and destination have been renamed': `
    fs.writeFileSync(file + '.source', Buffer.alloc(3e7, 'a'));
    fs.copyFile(file + '.source', file + 0, () => {});
    while (!(fs.statSync(file + 0, { throwIfNoEntry: false })?.size > 0)) await turn();
    fs.renameSync(file + '.source', file + '.moved');
    fs.renameSync(file + 0, file + 1);
    ${exit}`,
  open: `fs.open(file, 'w', () => {}); ${exit}`,
};

for (const [name, script] of Object.entries(lasting)) {
  t.test(`what was started on files is done: ${name}`, async (t) => {
    const left = async (from: string): Promise<unknown> => {
      const dir = t.testdir({ file: 'before' });
      const file = join(dir, 'file');
      const prelude = `
        import fs from '${from}fs';
        import { once } from 'node:events';
        import { dirname } from 'node:path';
        const turn = () => new Promise((resolve) => setImmediate(resolve));
        const file = ${JSON.stringify(file)};`;
      const { code, signal, stdout } = await runScript(prelude + script, { timeout: scaled(20_000) });
      const files = fs.readdirSync(dir).map((name) => {
        const status = fs.statSync(join(dir, name));
        return { name, size: status.isFile() ? status.size : -1 };
      });
      return { code, signal, stdout, files };
    };
    t.strictSame(await left('ringcore/'), await left('node:'));
  });
}

t.test('what was started on files is done: more files in memory than one turn has time for', async (t) => {
  for (const from of ['ringcore/', 'node:']) {
    const dir = fs.mkdtempSync('/dev/shm/ringcore-');
    t.teardown(() => fs.rmSync(dir, { recursive: true }));
    const { code } = await runScript(
      `import fs from '${from}fs';
      for (let i = 0; i < 2000; i++) fs.promises.writeFile(${JSON.stringify(dir)} + '/' + i, '');
      process.exit(3);`,
      { timeout: scaled(20_000) },
    );
    t.equal(code, 3);
    t.equal(fs.readdirSync(dir).length, 2000, from);
  }
});

for (const options of ['{}', '{ sqpoll: {} }']) {
  t.test(`what was started on files is done: on rings of the program, ${options}`, async (t) => {
    const file = join(t.testdir({ file: '' }), 'file');
    const { code, stderr } = await runScript(
      `import { Ring, write } from 'ringcore/core';
      import fs from 'node:fs';
      const fd = fs.openSync(${JSON.stringify(file)}, 'r+');
      for (let i = 0; i < 4; i++) {
        const ring = Ring.open(${options});
        for (let k = 0; k < 4; k++) write(fd, Buffer.alloc(1e6, 'abcd'[i]), { position: (i * 4 + k) * 1e6, ring }).catch(() => {});
      }
      process.exit(3);`,
      { timeout: scaled(20_000) },
    );
    t.strictSame({ code, stderr }, { code: 3, stderr: '' });
    const expected = Buffer.concat([...'abcd'].map((letter) => Buffer.alloc(4e6, letter)));
    t.ok(fs.readFileSync(file).equals(expected));
  });
}

t.test('what was started on files is done: a write of core to a pipe', async (t) => {
  const { code, stdout, stderr } = await runScript(`
    import { write } from 'ringcore/core';
    write(1, Buffer.from('line')).submit();
    process.exit(3);`);
  t.strictSame({ code, stdout, stderr }, { code: 3, stdout: 'line', stderr: '' });
});

t.test(
  'a worker ends while what it has opened has not been told: by a ring without a free slot',
  async (t) => {
    const file = join(t.testdir({ file: '' }), 'file');
    const source = `
    import('ringcore/core').then(({ Ring, openat }) => {
      const ring = Ring.open({ operations: 4, entries: 4 });
      for (let i = 0; i < 12; i++) openat(${JSON.stringify(file)}, { ring }).callback(() => {});
      process.exit();
    });`;
    await once(new Worker(source, { eval: true }), 'exit');
    t.notOk(openDescriptors().some((target) => target.endsWith(file)));
  },
);

t.test('a program that goes on behind a listener of exit that has thrown', async (t) => {
  const { node, ringcore } = await both(`
    process.on('uncaughtException', (error) => console.log(error.message));
    process.once('exit', () => { throw new Error('in exit'); });
    const source = process.execPath;
    fs.copyFile(source, '/nowhere/copy', (error) => {
      console.log(error.code);
      process.reallyExit(3);
    });
    process.exit();`);
  t.strictSame(ringcore, node);
});

t.test('a worker is terminated at any moment of its work', async (t) => {
  const source = `
    const { parentPort } = require('node:worker_threads');
    Promise.all([import('ringcore/fs'), import('ringcore/net')]).then(([fs, { default: net }]) => {
      const server = net.createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1', () => {
        parentPort.postMessage('');
        const again = () => {
          fs.readFile('/etc/passwd', again);
          const socket = net.connect(server.address().port, '127.0.0.1', () => socket.end('x')).resume();
          socket.on('error', () => {});
        };
        again();
      });
    });`;
  const ofRings = (): number => openDescriptors().filter((fd) => /io_uring|socket|passwd/.test(fd)).length;
  const before = ofRings();
  for (let round = 0; round < 8; round++) {
    const worker = new Worker(source, { eval: true });
    await once(worker, 'message');
    await new Promise((resolve) => setTimeout(resolve, round * 3));
    t.equal(await worker.terminate(), 1, `round ${round}`);
  }
  t.equal(ofRings(), before);
});

t.test('the port of a server is free at the exit', async (t) => {
  const { code, stdout, stderr } = await runScript(`
    import net from 'ringcore/net';
    import { once } from 'node:events';
    import { spawnSync } from 'node:child_process';
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    // Behind the server's own: what comes now finds the process ended, as far as its port goes.
    process.on('exit', () => {
      const next = "net.createServer().on('error', (error) => console.log(error.code)).listen(" + port +
        ", '127.0.0.1', function () { console.log('listening'); this.close(); })";
      process.stdout.write(spawnSync(process.execPath, ['-e', next], { encoding: 'utf8' }).stdout);
    });
    process.exit();`);
  t.strictSame({ code, stdout, stderr }, { code: 0, stdout: 'listening\n', stderr: '' });
});

t.test('what waits for a slot keeps the process, though what has the slots does not', async (t) => {
  const { code, stdout, stderr } = await runScript(`
    import { Ring, nop, timeout } from 'ringcore/core';
    const ring = Ring.open({ operations: 1 });
    timeout(50, { ring }).unref().submit();
    nop({ ring }).callback(() => console.log('done'));
    if (ring.waiting !== 1) throw new Error('it does not wait');
    process.on('exit', () => console.log('exit', ring.waiting));`);
  t.strictSame({ code, stdout, stderr }, { code: 0, stdout: 'done\nexit 0\n', stderr: '' });
});
