// Promise 2: fsync resolves only after its own CQE succeeded, and is never run past a failed or short write.
// Shown to fail: a NOP in place of the fsync (lib/fs/handle_changes.ts): no caller heard of the failure. `writeFile`
// (lib/fs/write_file.ts) not waiting for it, or asking for it behind a write that failed. `Chain` (lib/core/chain.ts) with
// hard links, or none: the fsync ran.
import t from 'tap';
import { runScript } from '../core/support.js';
import { underFaults } from './faulty.js';

t.test('a failing fsync fails its caller', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    const EIO = 5;
    const handle = await fs.promises.open(work + '/file', 'w');
    const failing = async (call) => {
      plan.begin(1, {}, { once: { opcode: opcode.fsync, after: 0, errno: EIO } });
      const before = plan.seen(opcode.fsync);
      const code = await codeOf(call());
      plan.end();
      return code + ' ' + (plan.seen(opcode.fsync) - before);
    };
    const back = (start) => new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())));
    const flush = { flush: true };
    console.log(JSON.stringify({
      sync: await failing(() => handle.sync()),
      datasync: await failing(() => handle.datasync()),
      fsync: await failing(() => back((done) => fs.fsync(handle.fd, done))),
      fdatasync: await failing(() => back((done) => fs.fdatasync(handle.fd, done))),
      writeFile: await failing(() => fs.promises.writeFile(work + '/flushed', 'x', flush)),
    }));
    await handle.close();`,
  );
  const failed = 'EIO 1';
  t.strictSame(result, {
    sync: failed,
    datasync: failed,
    fsync: failed,
    fdatasync: failed,
    writeFile: failed,
  });
});

t.test('it is pending until its completion is there', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    const handle = await fs.promises.open(work + '/file', 'w');
    let early = 0;
    for (let seed = 1; seed <= 50; seed++) {
      plan.begin(seed, { delay: 700, enter: 300, worker: 500 });
      const { completions } = core.stats();
      await handle.sync();
      if (core.stats().completions === completions) early++;
    }
    plan.end();
    await handle.close();
    console.log(JSON.stringify({ early, delayed: plan.counts().delayed > 0 }));`,
  );
  t.strictSame(result, { early: 0, delayed: true });
});

t.test('behind a write that failed, or was cut off, there is none', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    const ENOSPC = 28;
    const outcome = {};
    for (const [name, after] of [['failed', 0], ['cutOff', 1]]) {
      plan.begin(1, { shorten: after ? 1000 : 0 }, { once: { opcode: opcode.write, after, errno: ENOSPC, andAfter: true } });
      const before = plan.seen(opcode.fsync);
      outcome[name] = await codeOf(fs.promises.writeFile(work + '/' + name, Buffer.alloc(700_000), { flush: true }));
      outcome[name] += ' ' + (plan.seen(opcode.fsync) - before);
    }
    plan.end();
    console.log(JSON.stringify(outcome));`,
  );
  t.strictSame(result, { failed: 'ENOSPC 0', cutOff: 'ENOSPC 0' });
});

t.test('the same in a chain', async (t) => {
  const result = await underFaults(
    t.testdir(),
    `
    const ENOSPC = 28;
    const fd = nodeFs.openSync(work + '/file', 'w');
    const write = core.write(fd, Buffer.alloc(1000), { position: 0 });
    const sync = core.fsync(fd);
    plan.begin(1, {}, { once: { opcode: opcode.write, after: 0, errno: ENOSPC } });
    const outcome = [await codeOf(core.chain([write, sync])), await codeOf(write), await codeOf(sync)];
    plan.end();
    console.log(JSON.stringify(outcome));`,
  );
  t.strictSame(result, ['ENOSPC', 'ENOSPC', 'ECANCELED']);
});

t.test('the same in a chain whose write was short, at the limit of the size of files', async (t) => {
  const directory = t.testdir();
  const { stdout, stderr } = await runScript(
    `
    import { chain, fsync, openat, write } from 'ringcore/core';
    const codeOf = (promise) => promise.then((value) => value, (error) => error.code);
    const fd = await openat(process.argv[1], { oflags: 0o102, mode: 0o600 });
    const writing = write(fd, Buffer.alloc(300_000), { position: 0 });
    const sync = fsync(fd);
    const all = await codeOf(chain([writing, sync]));
    const bytes = await writing;
    console.log(JSON.stringify([all, bytes > 0 && bytes < 300_000, await codeOf(sync)]));`,
    { args: [`${directory}/file`], wrapper: ['sh', '-c', 'ulimit -f 100 && exec "$0" "$@"'] },
  );
  t.strictSame(stderr || JSON.parse(stdout), ['ECANCELED', true, 'ECANCELED']);
});
