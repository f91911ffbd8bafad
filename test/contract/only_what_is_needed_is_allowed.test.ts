// Promise 15: the ring is restricted to the operations that ringcore uses.
// Shown to fail: `restrict_to` (native/ring/ring.cc) registering nothing: the foreign operations ran.
import t from 'tap';
import { underFaults } from './faulty.js';

/** Operations that the kernel has, and ringcore no use for. */
const foreign = {
  PROVIDE_BUFFERS: 31,
  REMOVE_BUFFERS: 32,
  FILES_UPDATE: 20,
  EPOLL_WAIT: 59,
  READV_FIXED: 60,
};

t.test('the kernel refuses any other operation', async (t) => {
  const result = await underFaults<Record<string, string>>(
    t.testdir(),
    `
    const outcome = {};
    for (const [name, code] of Object.entries(${JSON.stringify(foreign)})) {
      // The next NOP reaches the kernel as this.
      plan.begin(1, {}, { once: { opcode: opcode.nop, after: 0, errno: 0x10000 + code } });
      outcome[name] = code > core.ring().native.probe().lastOpcode ? 'EACCES' : await codeOf(core.nop());
    }
    plan.end();
    outcome.nop = await codeOf(core.nop());
    console.log(JSON.stringify(outcome));`,
  );
  const { nop, ...refused } = result;
  t.equal(nop, 'done');
  for (const [name, outcome] of Object.entries(refused)) t.equal(outcome, 'EACCES', name);
});
