// What stays resident behind what has been closed.
import t from 'tap';
import { Ring } from 'ringcore/core';

t.test('the table of registered buffers goes with its ring', async (t) => {
  const round = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      Ring.open({ entries: 8, operations: 64, registeredBuffers: 16384 }).close();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await round(200);
  const before = process.memoryUsage.rss();
  await round(200);
  const grown = (process.memoryUsage.rss() - before) / 200;
  t.ok(grown < 100_000, `${grown} bytes a ring`);
});
