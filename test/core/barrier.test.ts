// Barriers: operations with `flags: { drain: true }` (IOSQE_IO_DRAIN), which wait for all before them and hold up all
// behind them. What would cancel any of these is held up too, unless it goes another way.
import t from 'tap';
import { lacking, runScript } from './support.js';
import { scaled } from '../slowness.js';

const prelude = `
  import { nop, pipe, poll, read, recv, Ring } from 'ringcore/core';
  import { makePipe, socketPair } from '${import.meta.resolve('./support.js')}';
  const drain = { flags: { drain: true } };
  const t = { teardown: () => {} };
  const told = (operation) => operation.then((value) => value, (error) => error.code);`;

/** Each starts `operations` on `ring`; none of them ends by itself. */
const standstills = {
  'behind what does not end': `
    const [reader] = await makePipe(t);
    const operations = [poll(reader, 1, { ring }), nop({ ring, ...drain }), nop({ ring }), read(reader, Buffer.alloc(1), { ring })];`,
  'one that does not end itself': `
    const [client] = await socketPair(t);
    const operations = [recv(client, Buffer.alloc(1), { ring, ...drain }), nop({ ring }), recv(client, Buffer.alloc(1), { ring })];`,
  'several in a row': `
    const [client] = await socketPair(t);
    const operations = Array.from({ length: 5 }, () => recv(client, Buffer.alloc(1), { ring, ...drain }));`,
};

for (const [name, standstill] of Object.entries(standstills)) {
  for (const options of ['{}', '{ sqpoll: {} }', "{ wait: 'ring' }"]) {
    const start = `${prelude}
      const ring = Ring.open(${options});
      await nop({ ring });
      ${standstill}`;

    t.test(`close, ${name}, ${options}`, async (t) => {
      const { code, signal, stdout } = await runScript(
        `${start}
        const outcomes = Promise.all(operations.map(told));
        setTimeout(async () => {
          ring.close();
          console.log(new Set(await outcomes).has('ECANCELED'));
        }, 30);`,
        { timeout: scaled(5_000) },
      );
      t.strictSame({ code, signal, stdout }, { code: 0, signal: null, stdout: 'true\n' });
    });

    t.test(`the natural end, ${name}, ${options}`, async (t) => {
      const { code, signal, stdout } = await runScript(
        `${start}
        for (const operation of operations) operation.unref().submit().catch(() => {});
        ring.enter();
        console.log('end');`,
        { timeout: scaled(5_000) },
      );
      t.strictSame({ code, signal, stdout }, { code: 0, signal: null, stdout: 'end\n' });
    });
  }

  t.test(`a worker that is terminated, ${name}`, async (t) => {
    const source = `${prelude.replace(/import (.*) from (.*);/g, 'const $1 = await import($2);')}
      const { parentPort } = await import('node:worker_threads');
      const ring = Ring.open();
      ${standstill}
      for (const operation of operations) operation.catch(() => {});
      ring.enter();
      parentPort.postMessage('');`;
    const { code, signal, stdout } = await runScript(
      `import { Worker } from 'node:worker_threads';
      const worker = new Worker(${JSON.stringify(`(async () => {${source}})()`)}, { eval: true });
      worker.on('message', async () => console.log(await worker.terminate()));`,
      { timeout: scaled(5_000) },
    );
    t.strictSame({ code, signal, stdout }, { code: 0, signal: null, stdout: '1\n' });
  });
}

/** `ring` is alone on its thread, as it must be to wait in the kernel. */
const scripts = {
  'what stands before a barrier can be cancelled': `
    const front = poll(reader, 1, { ring }).submit();
    const barrier = nop({ ring, ...drain }).submit();
    await turn(10);
    front.cancel();
    console.log(await front.released);
    await barrier;`,
  'a barrier can be cancelled whose turn has come': `
    const barrier = read(reader, Buffer.alloc(1), { ring, ...drain }).submit();
    const behind = nop({ ring }).submit();
    await turn(10);
    barrier.cancel();
    console.log(await barrier.released);
    await behind;`,
  'what began behind a barrier can be cancelled': `
    const behind = [nop({ ring, ...drain }), poll(reader, 1, { ring }), nop({ ring })].map((one) => one.submit());
    await Promise.all([behind[0], behind[2]]);
    await turn(10);
    behind[1].cancel();
    console.log(await behind[1].released);`,
  'what begins when a barrier has been passed can be cancelled at once': `
    const behind = [nop({ ring, ...drain }), poll(reader, 1, { ring })].map((one) => one.submit());
    await behind[0];
    const late = read(reader, Buffer.alloc(1), { ring }).submit();
    late.cancel();
    // Since 6.16 what has been behind the barrier holds up what comes now.
    await turn(10);
    behind[1].cancel();
    await behind[1].released;
    console.log(await late.released);`,
  "a barrier's turn comes, again and again": `
    for (let round = 0; round < 3; round++) {
      const order = [];
      const before = read(reader, Buffer.alloc(1), { ring }).then(() => order.push('before'));
      const barrier = nop({ ring, ...drain }).then(() => order.push('barrier'));
      await turn(10);
      if (order.length > 0) throw new Error(order);
      writeSync(writer, 'x');
      await Promise.all([before, barrier]);
      if (order.join() !== 'before,barrier') throw new Error(order);
      await turn(10);
    }
    console.log(-125);`,
};

for (const [name, script] of Object.entries(scripts)) {
  for (const options of ['{}', '{ sqpoll: {} }', "{ wait: 'ring' }"]) {
    t.test(`${name}, ${options}`, lacking('pipe'), async (t) => {
      const { code, stdout, stderr } = await runScript(
        `${prelude}
        import { writeSync } from 'node:fs';
        const turn = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
        const ring = Ring.open(${options});
        const [reader, writer] = await pipe({ ring });
        await turn(10);
        ${script}
        ring.close();`,
        { timeout: scaled(5_000) },
      );
      t.strictSame({ code, stdout, stderr }, { code: 0, stdout: '-125\n', stderr: '' });
    });
  }
}
