// What waits for a turn of the event loop when its ring is closed, and no other can be opened. Broken to see it fail: run() of
// lib/fs/next_turn.ts as it was, whose first exception left all that waited behind.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { backend } from 'ringcore/core';
import t from 'tap';

const skip = backend.name === 'node' && 'without a ring';

t.test('each of them is told', { skip }, (t) => {
  const script = `
    import nodeFs from 'node:fs';
    import { ring } from 'ringcore/core';
    import { writeFile } from 'ringcore/fs/promises';
    const out = new Uint8Array(256);
    while (ring().native.statAtOnce('/', true, out) === 0);
    const told = [1, 2, 3].map((i) => writeFile(${JSON.stringify(join(t.testdir(), 'file'))} + i, 'x').catch((error) => error.code));
    ring().close();
    process.once('uncaughtException', (error) => console.log('uncaught', error.code));
    const open = [];
    try {
      for (;;) open.push(nodeFs.openSync('/dev/null'));
    } catch {}
    setTimeout(() => process.exit(), 3000).unref();
    const codes = await Promise.all(told);
    for (const fd of open) nodeFs.closeSync(fd);
    console.log(codes.join());`;
  const child = spawnSync(
    'sh',
    ['-c', 'ulimit -n 200; exec "$0" --input-type=module -e "$1"', process.execPath, script],
    { encoding: 'utf8', timeout: 30_000 },
  );
  t.equal(
    child.stdout.trim(),
    'ERR_RINGCORE_UNAVAILABLE,ERR_RINGCORE_UNAVAILABLE,ERR_RINGCORE_UNAVAILABLE',
    child.stderr,
  );
  t.end();
});
