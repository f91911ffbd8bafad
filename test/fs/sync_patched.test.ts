// node's synchronous functions call what a program has put into the exports of ringcore/fs.
import nodeFs from 'node:fs';
import { join } from 'node:path';
import fs from 'ringcore/fs';
import t, { type Test } from 'tap';

type Patchable = Record<string, (...args: never[]) => unknown>;
const patchable = fs as unknown as Patchable;
const dir = t.testdir({ file: 'text' });

/** Replaces functions for the length of a test; the names of those that were called, in order. */
function spy(t: Test, ...names: (keyof typeof fs)[]): string[] {
  const calls: string[] = [];
  for (const name of names) {
    const original = patchable[name]!;
    patchable[name] = (...args) => {
      calls.push(name);
      return original(...args);
    };
    t.teardown(() => (patchable[name] = original));
  }
  return calls;
}

t.test('writeFileSync and appendFileSync', async (t) => {
  const calls = spy(t, 'openSync', 'writeSync', 'fsyncSync', 'closeSync', 'writeFileSync');
  fs.writeFileSync(join(dir, 'new'), Buffer.from('bytes'), { flush: true });
  t.same(calls, ['writeFileSync', 'openSync', 'writeSync', 'fsyncSync', 'closeSync']);
  calls.length = 0;
  fs.appendFileSync(join(dir, 'new'), Buffer.from(' more'));
  t.same(calls, ['writeFileSync', 'openSync', 'writeSync', 'closeSync']);
  t.equal(nodeFs.readFileSync(join(dir, 'new'), 'utf8'), 'bytes more');
});

t.test('readFileSync', async (t) => {
  const calls = spy(t, 'openSync', 'readSync', 'closeSync');
  t.equal(String(fs.readFileSync(join(dir, 'file'))), 'text');
  t.same(calls, ['openSync', 'readSync', 'closeSync']);
});

t.test("node's own exports are as they were", async (t) => {
  const before = { ...Object.getOwnPropertyDescriptors(nodeFs) };
  const original = fs.openSync;
  t.teardown(() => (patchable.openSync = original));
  // Inside, and when it throws.
  patchable.openSync = () => {
    t.same(Object.getOwnPropertyDescriptors(nodeFs), before);
    // Would not come back if node's export were still ours.
    nodeFs.closeSync(nodeFs.openSync(join(dir, 'file'), 'r'));
    throw new RangeError('no');
  };
  t.throws(() => fs.readFileSync(join(dir, 'file')), new RangeError('no'));
  t.same(Object.getOwnPropertyDescriptors(nodeFs), before);
});

t.test('programs that patch nothing get no detours', async (t) => {
  t.equal(fs.readFileSync(join(dir, 'file'), 'utf8'), 'text');
  t.equal(fs.readFileSync.name, 'readFileSync');
  t.equal(fs.readFileSync.length, nodeFs.readFileSync.length);
});
