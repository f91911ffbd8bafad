// Promise 13: no single turn does more than about 1 ms, or 1 MiB, of inline completions; timers and other handles run
// in between. Counted in turns and bytes, not in time: the machine may be slow.
// Shown to fail: a `kTurnBytes` of 1 GiB (native/executor/executor.h): all files were read in a few turns. A `kTurnNs` of days:
// 17 slow completions in one. `may_answer` (native/executor/at_once.cc) always true: the timer never came.
// `used_up` (native/executor/turn.cc) always false: two large reads in a turn.
import { closeSync, openSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { core, fs, fsPromises } from 'ringcore';

const mebibyte = 1024 * 1024;

/** The most bytes that were read between two turns of the event loop while `work` went on. */
async function mostInOneTurn(work: () => Promise<unknown>): Promise<{ most: number; turns: number }> {
  let last = core.stats().bytesRead;
  let [most, turns] = [0, 0];
  let running = true;
  const turn = (): void => {
    const { bytesRead } = core.stats();
    most = Math.max(most, bytesRead - last);
    last = bytesRead;
    turns++;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  running = false;
  return { most, turns };
}

t.test('many warm files at once', async (t) => {
  const path = `${t.testdir()}/file`;
  writeFileSync(path, Buffer.alloc(256 * 1024));
  const { most, turns } = await mostInOneTurn(() =>
    Promise.all(Array.from({ length: 200 }, () => fsPromises.readFile(path))),
  );
  t.ok(most <= 3 * mebibyte, `at most ${(most / mebibyte).toFixed(1)} MiB in a turn`);
  t.ok(turns >= 20, `${turns} turns`);
});

t.test('streams of large files', async (t) => {
  const path = `${t.testdir()}/file`;
  writeFileSync(path, Buffer.alloc(16 * mebibyte));
  const stream = async (): Promise<void> => {
    for await (const chunk of fs.createReadStream(path, { highWaterMark: 512 * 1024 })) void chunk;
  };
  const { most, turns } = await mostInOneTurn(() => Promise.all([stream(), stream(), stream(), stream()]));
  t.ok(most <= 4 * mebibyte, `at most ${(most / mebibyte).toFixed(1)} MiB in a turn`);
  t.ok(turns >= 16, `${turns} turns`);
});

t.test('what came before the timers counts for what comes behind them', async (t) => {
  const path = `${t.testdir()}/file`;
  writeFileSync(path, Buffer.alloc(mebibyte));
  const fd = openSync(path, 'r');
  t.teardown(() => closeSync(fd));
  const buffer = Buffer.alloc(mebibyte);
  // Each alone has all that a turn may do.
  const { most } = await mostInOneTurn(async () => {
    for (let i = 0; i < 50; i++) await core.read(fd, buffer, { position: 0 });
  });
  t.equal(most / mebibyte, 1, 'MiB in a turn');
});

t.test('completions that bring completions do not hold up a timer', async (t) => {
  let ticks = 0;
  let chained = 0;
  let running = true;
  const again = (): void => {
    chained++;
    if (running) core.nop().callback(again);
  };
  for (let i = 0; i < 50; i++) again();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (++ticks < 20) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  running = false;
  t.ok(chained > 1000, `${chained} completions beside 20 ticks`);
});

t.test('completions that take their time leave the rest to the next turn', async (t) => {
  let [most, inThisTurn, total] = [0, 0, 0];
  const turn = (): void => {
    most = Math.max(most, inThisTurn);
    inThisTurn = 0;
    if (total < 100) setImmediate(turn);
  };
  setImmediate(turn);
  await new Promise<void>((resolve) => {
    const again = (): void => {
      inThisTurn++;
      for (const end = performance.now() + 0.5; performance.now() < end;);
      if (++total < 100) core.nop().callback(again);
      else resolve();
    };
    core.nop().callback(again);
  });
  t.ok(most > 0 && most <= 8, `at most ${most} in a turn`);
});

t.test('answers from memory do not hold up a timer', async (t) => {
  const path = `${t.testdir()}/file`;
  writeFileSync(path, 'x');
  let running = true;
  setTimeout(() => (running = false), 1);
  let answers = 0;
  while (running && answers < 100_000) {
    await fsPromises.stat(path);
    answers++;
  }
  t.notOk(running, `${answers} answers`);
});
