// direct_read: the same SHA-256 as sha256sum's, whatever the size and the depth.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, statx } from 'ringcore/core';
import t from 'tap';
import { noRing, runExample } from './run_example.js';

const dir = t.testdir();
const block = 128 * 1024;

async function missing(): Promise<string | false> {
  if (noRing !== false) return noRing;
  const probe = join(dir, 'probe');
  writeFileSync(probe, 'x');
  const { dioOffsetAlign } = await statx(probe, { mask: constants.STATX_DIOALIGN });
  return dioOffsetAlign > 0 ? false : 'no direct I/O on this file system';
}

t.test('direct_read', { skip: await missing() }, async (t) => {
  for (const [bytes, depth] of [
    [0, 4],
    [1, 1],
    [block, 2],
    [3 * block, 64],
    [40 * block + 7, 1],
    [40 * block + 7, 8],
  ] as const) {
    const path = join(dir, `file-${bytes}`);
    const content = Buffer.alloc(bytes);
    for (let at = 0; at < bytes; at++) content[at] = (at * 31 + (at >> 12)) & 0xff;
    writeFileSync(path, content);
    const { code, stdout, stderr } = await runExample(['direct_read', '--depth', String(depth), path]);
    t.equal(stderr, '');
    t.equal(code, 0);
    const lines = stdout.toString().split('\n');
    t.equal(lines[0], `${createHash('sha256').update(content).digest('hex')}  ${path}`);
    t.match(lines[2], new RegExp(`^${bytes} bytes in `));
    t.equal(lines[3], 'node reads the same');
  }
});

t.test('direct_read says what is wrong', async (t) => {
  const none = await runExample(['direct_read']);
  t.equal(none.code, 1);
  t.match(none.stderr, /usage/);
  const absent = await runExample(['direct_read', join(dir, 'absent')], { backend: 'node' });
  t.equal(absent.code, 1);
  t.match(absent.stderr, /io_uring is not available/);
});
