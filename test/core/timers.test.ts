import { getEventListeners } from 'node:events';
import t from 'tap';
import { interval, sleep, stats } from 'ringcore/core';
import { exception, rejection, runScript } from './support.js';

t.test('sleep', async (t) => {
  const begin = performance.now();
  t.equal(await sleep(10.5, { value: 'slept' }), 'slept');
  t.ok(performance.now() - begin >= 10.4);
  t.equal(await sleep(0), undefined);
  t.match(await rejection(sleep(10_000, { signal: AbortSignal.abort('x') })), {
    name: 'AbortError',
    cause: 'x',
  });
  const controller = new AbortController();
  const sleeping = sleep(10_000, { signal: controller.signal });
  controller.abort();
  t.match(await rejection(sleeping), { name: 'AbortError', code: 'ABORT_ERR' });
  for (const ms of [-1, NaN]) t.match(await rejection(sleep(ms)), { code: 'ERR_OUT_OF_RANGE' });
  t.match(await rejection(sleep('5' as never)), { code: 'ERR_INVALID_ARG_TYPE' });
});

t.test('1,000 sleeps, each at least its time', async (t) => {
  const early = await Promise.all(
    Array.from({ length: 1000 }, async (_, i) => {
      const ms = i % 20;
      const begin = performance.now();
      await sleep(ms);
      return performance.now() - begin < ms - 0.1;
    }),
  );
  t.notOk(early.includes(true));
});

t.test('interval: counts without drift, from the first next() on', async (t) => {
  const ticks = interval(4);
  await sleep(20);
  const begin = performance.now();
  const seen: number[] = [];
  for await (const tick of ticks) {
    seen.push(tick);
    if (tick === 2) await sleep(18);
    if (tick === 10) break;
  }
  const elapsed = performance.now() - begin;
  t.strictSame(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  t.ok(elapsed >= 39.5, `${elapsed} ms`);
  t.equal(stats().inFlight, 0, 'break stops it');
});

t.test('interval: abort', async (t) => {
  const controller = new AbortController();
  const { signal } = controller;
  const error = await rejection(
    (async () => {
      for await (const tick of interval(1, { signal })) if (tick === 3) controller.abort('stop');
    })(),
  );
  t.match(error, { name: 'AbortError', cause: 'stop' });
  t.equal(getEventListeners(signal, 'abort').length, 0);
  t.match(
    exception(() => interval(NaN)),
    { code: 'ERR_OUT_OF_RANGE' },
  );
});

t.test('ref: false does not keep the process alive', async (t) => {
  const { code, stdout } = await runScript(`
    import { interval, sleep } from 'ringcore/core';
    void sleep(60_000, { ref: false });
    void interval(60_000, { ref: false })[Symbol.asyncIterator]().next();
    console.log('end');
  `);
  t.strictSame([code, stdout], [0, 'end\n']);
});
