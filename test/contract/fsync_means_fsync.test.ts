// Promise 2: fsync resolves only after its own CQE succeeded, and is never run past a failed or short write.
// Shown to fail: a NOP in place of the fsync (lib/fs/handle_changes.ts): no caller heard of the failure.
import t from 'tap';
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
