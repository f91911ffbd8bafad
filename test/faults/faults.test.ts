// Seeded faults between the library and the kernel: whatever fails, is short, late, out of order or twice, the outcome
// is right or an error, and nothing is left open or in flight. More of it: npm run test:faults.
import t from 'tap';
import { runSeeds } from './runner.js';

t.test('the first 80 seeds', async (t) => {
  const { failure, counts } = await runSeeds(1, 80);
  t.equal(failure && `seed ${failure.seed}: ${failure.output}`, undefined);
  for (const [fault, count] of Object.entries(counts ?? {})) t.ok(count > 0, `${fault}: ${count}`);
});
