// Nothing leaks: 100,000 mixed operations, good, failing and aborted, in a process of its own.
import { execFileSync, spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { backend } from 'ringcore/core';
import t from 'tap';
import { scaled } from '../slowness.js';

const dir = t.testdir({ small: 'x'.repeat(3000), sub: {} });
nodeFs.writeFileSync(join(dir, 'large'), Buffer.alloc(1_500_000, 'l'));
execFileSync('mkfifo', [join(dir, 'fifo')]);

const options = backend.name === 'io_uring' ? {} : { skip: 'this is the node backend' };

interface Report {
  operations: number;
  outcomes: Record<string, number>;
  descriptors: [number, number];
  inFlight: number;
  waiting: number;
  handlers: number;
  listeners: number;
  heapBytesPerOperation: number;
  externalGrowth: number;
  rssGrowth: number;
}

t.test('100,000 operations', options, async (t) => {
  const worker = fileURLToPath(new URL('leaks_worker.js', import.meta.url));
  const begin = performance.now();
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', worker, dir], {
    encoding: 'utf8',
    timeout: scaled(100_000),
  });
  t.equal(status, 0, stderr);
  const report = JSON.parse(stdout || '{}') as Report;
  t.comment(`${((performance.now() - begin) / 1000).toFixed(1)} s, ${JSON.stringify(report)}`);
  t.ok(report.operations >= 100_000);
  for (const kind of [
    'good',
    'AbortError',
    'TimeoutError',
    'ENOENT',
    'EBADF',
    'EISDIR',
    'ERR_INVALID_ARG_TYPE',
  ])
    t.ok((report.outcomes[kind] ?? 0) > 100, `${kind}: ${report.outcomes[kind]}`);
  t.equal(report.descriptors[1], report.descriptors[0], 'descriptors');
  t.equal(report.inFlight, 0, 'slots');
  t.equal(report.waiting, 0, 'nothing waits for a slot');
  t.equal(report.handlers, 0, 'handlers');
  t.equal(report.listeners, 0, 'abort listeners');
  t.ok(report.heapBytesPerOperation < 48, `${report.heapBytesPerOperation} bytes an operation`);
  t.ok(report.externalGrowth < 4 * 2 ** 20, `array buffers grew by ${report.externalGrowth}`);
  // V8 and malloc keep some for later; a page for each operation would be 400 MB.
  t.ok(report.rssGrowth < 96 * 2 ** 20, `RSS grew by ${report.rssGrowth}`);
});
