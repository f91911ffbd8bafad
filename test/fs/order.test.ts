// When results come, seen beside what else a program waits for. Broken to see it fail: process.nextTick in place of the
// ring's answers (calledBack, settleNow), answers that come from setImmediate, a ring that is not asked to deliver them when it closes, answers that are not delivered before completions, process.nextTick looked up late, isNodeBusy() always false, no isWriting() in fstat.
import { EventEmitter } from 'node:events';
import nodeFs from 'node:fs';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { backend } from 'ringcore/core';
import fs from 'ringcore/fs';
import promises from 'ringcore/fs/promises';

/** Node's threads take turns as they like. */
const withRing = { skip: backend.name === 'node' && 'without a ring' };

const dir = t.testdir({ file: 'content' });
const file = join(dir, 'file');
const fd = nodeFs.openSync(file, 'r+');
t.teardown(() => nodeFs.closeSync(fd));

/** Emits what a call brings: those who make it listen a little later. */
class Opened extends EventEmitter {
  constructor(call: (done: (error: Error | null) => void) => void) {
    super();
    call((error) => this.emit(error === null ? 'ready' : 'failed'));
  }
}

type Call = (module: typeof nodeFs, done: (error: Error | null) => void) => void;
const calls: Record<string, Call> = {
  stat: (module, done) => module.stat(file, done),
  'stat of what is not there': (module, done) => module.stat(join(dir, 'nothing'), done),
  lstat: (module, done) => module.lstat(file, done),
  fstat: (module, done) => module.fstat(fd, done),
  read: (module, done) => module.read(fd, Buffer.alloc(4), 0, 4, 0, done),
  'read, at its own position': (module, done) => module.read(fd, Buffer.alloc(4), 0, 4, null, done),
  readFile: (module, done) => module.readFile(file, done),
  exists: (module, done) => module.exists(file, () => done(null)),
};

const later: Record<string, () => Promise<void>> = {
  'a tick': () => new Promise((resolve) => process.nextTick(resolve)),
  'ticks and promises': async () => {
    for (let i = 0; i < 5; i++) {
      await Promise.resolve();
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
  },
};

for (const [name, call] of Object.entries(calls)) {
  for (const [delay, wait] of Object.entries(later)) {
    t.test(`${name}: the callback comes behind ${delay}`, async (t) => {
      for (const module of [nodeFs, fs]) {
        const emitter = new Opened((done) => call(module, done));
        let early = true;
        const event = new Promise<void>((resolve) => {
          const heard = (): void => {
            t.notOk(early);
            resolve();
          };
          emitter.once('ready', heard).once('failed', heard);
        });
        await wait();
        early = false;
        await event;
      }
    });
  }
}

for (const [name, call] of Object.entries(calls)) {
  t.test(`${name}: setImmediate in the callback comes before setTimeout`, async (t) => {
    for (const module of [nodeFs, fs]) {
      for (let round = 0; round < 10; round++) {
        const first = await new Promise((resolve) =>
          call(module, () => {
            setTimeout(resolve, 0, 'timeout');
            setImmediate(resolve, 'immediate');
            // The timer is due when the loop turns.
            const end = performance.now() + 2;
            while (performance.now() < end);
          }),
        );
        t.equal(first, 'immediate');
      }
    }
  });
}

t.test('setImmediate comes before the answer to what is asked then', withRing, async (t) => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    fs.stat(file, () => {
      setImmediate(() => order.push('immediate'));
      fs.stat(file, () => {
        order.push('stat');
        resolve();
      });
    });
  });
  t.same(order, ['immediate', 'stat']);
});

t.test(
  'answers come when nothing else keeps the process, and when the ring is closed meanwhile',
  async (t) => {
    const script = `
    import fs from 'ringcore/fs';
    import { backend, ring } from 'ringcore/core';
    fs.stat('/', (error) => {
      console.log('first', error);
      fs.stat('/', (error) => console.log('second', error));
      if (backend.name === 'io_uring') ring().close();
    });
    process.once('uncaughtException', (error) => console.log(error));
    fs.lstat('/', () => {
      throw 'an exception';
    });
    fs.lstat('/', (error) => console.log('third', error));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    t.same(stdout.trim().split('\n').sort(), ['an exception', 'first null', 'second null', 'third null']);
  },
);

t.test('a program that has replaced process.nextTick', async (t) => {
  const nextTick = Object.getOwnPropertyDescriptor(process, 'nextTick')!;
  const came: string[] = [];
  Object.defineProperty(process, 'nextTick', { ...nextTick, value: () => {} });
  try {
    for (const [name, call] of Object.entries(calls)) {
      call(fs, () => came.push(name));
    }
    fs.writeFile(join(dir, 'written'), 'x', () => came.push('writeFile'));
    fs.copyFile(file, join(dir, 'copied'), () => came.push('copyFile'));
    fs.rm(join(dir, 'nothing'), { force: true }, () => came.push('rm'));
    fs.truncate(join(dir, 'nothing'), () => came.push('truncate'));
    const expected = [...Object.keys(calls), 'writeFile', 'copyFile', 'rm', 'truncate'].sort();
    for (let i = 0; i < 500 && came.length < expected.length; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    t.same(came.sort(), expected);
  } finally {
    Object.defineProperty(process, 'nextTick', nextTick);
  }
});

t.test('a failure does not come before what node was asked first', async (t) => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  let early = 0;
  let rounds = 0;
  // It is a race, as with node, whose thread may be late: so it is not lost each time.
  for (; rounds < 50 || (early === rounds && rounds < 2000); rounds++) {
    const first = promises.access(dir);
    const second = promises.stat(join(dir, 'nothing'));
    await first;
    early += unhandled.splice(0).length;
    await t.rejects(second, { code: 'ENOENT' });
  }
  t.ok(early < rounds, `${early} of ${rounds}`);
});

t.test('fstat behind a write', withRing, async (t) => {
  const path = join(dir, 'grows');
  let grown = 0;
  for (let i = 0; i < 20; i++) {
    const fd = nodeFs.openSync(path, 'w');
    await new Promise<void>((resolve) => {
      let left = 2;
      const done = (): void => {
        if (--left === 0) resolve();
      };
      fs.write(fd, 'text', done);
      fs.fstat(fd, (error, stats) => {
        if (error === null && stats.size === 4) grown++;
        done();
      });
    });
    nodeFs.closeSync(fd);
  }
  t.ok(grown > 0, `${grown} of 20: a race, as with node`);
});

t.test("bytes of another realm are a path, as node's", async (t) => {
  const path = runInNewContext('Uint8Array.from(bytes)', { bytes: [...Buffer.from(file)] }) as Uint8Array;
  t.notOk(path instanceof Uint8Array);
  t.equal(await promises.readFile(path as Buffer, 'utf8'), 'content');
  t.equal((await promises.stat(path as Buffer)).size, 7);
});

t.test('callbacks come in the order of the calls', withRing, async (t) => {
  const large = join(dir, 'large');
  const largeBytes = 100_000;
  nodeFs.writeFileSync(large, Buffer.alloc(largeBytes));
  const orders: Record<string, (came: (what: string) => () => void) => void> = {
    'stat, unlink': (came) => {
      nodeFs.writeFileSync(join(dir, 'gone'), '');
      fs.stat(join(dir, 'gone'), came('stat'));
      fs.unlink(join(dir, 'gone'), came('unlink'));
    },
    'read, close': (came) => {
      const fd = nodeFs.openSync(file, 'r');
      fs.read(fd, Buffer.alloc(4), 0, 4, 0, came('read'));
      fs.close(fd, came('close'));
    },
    'read, larger read': (came) => {
      fs.read(largeFd, Buffer.alloc(10), 0, 10, null, came('read'));
      fs.read(largeFd, Buffer.alloc(largeBytes), 0, largeBytes, null, came('larger read'));
    },
    'stat, lstat, fstat': (came) => {
      fs.stat(file, came('stat'));
      fs.lstat(file, came('lstat'));
      fs.fstat(fd, came('fstat'));
    },
  };
  const largeFd = nodeFs.openSync(large, 'r');
  t.teardown(() => nodeFs.closeSync(largeFd));
  for (const [names, run] of Object.entries(orders)) {
    let reversed = 0;
    for (let i = 0; i < 20; i++) {
      const order: string[] = [];
      await new Promise<void>((resolve) => {
        run((what) => () => {
          order.push(what);
          if (order.length === names.split(', ').length) resolve();
        });
      });
      if (order.join(', ') !== names) reversed++;
    }
    t.equal(reversed, 0, names);
  }
});

t.test('a callback that throws, and the answers behind it', withRing, async (t) => {
  const order: unknown[] = [];
  const note = (error: unknown): void => void order.push(error);
  process.on('uncaughtException', note);
  t.teardown(() => process.off('uncaughtException', note));
  await new Promise<void>((resolve) => {
    for (let i = 0; i < 4; i++) {
      fs.stat(file, () => {
        process.nextTick(() => order.push(`tick ${i}`));
        if (i === 3) setTimeout(resolve, 10);
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        if (i % 2 === 0) throw i;
        order.push(i);
      });
    }
  });
  t.same(order, [0, 'tick 0', 1, 'tick 1', 2, 'tick 2', 3, 'tick 3']);
});
