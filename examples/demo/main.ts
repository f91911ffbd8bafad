// Files, a linked copy, an HTTP server, cancellation: what ringcore does here, measured and checked.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { backend, core, fsPromises, readFile, writeFile } from 'ringcore';
import { abortAccept, abortWithoutRing, limitRead, limitWithoutRing } from './cancellation.js';
import { check, expect, mebibytes, runChecks, say, skip, throughput, timed } from './checks.js';
import { startFileServer } from './file_server.js';
import { linkedCopy } from './linked_copy.js';
import { run } from '../support/run.js';

const onRing = backend.name === 'io_uring';

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** IORING_SETUP_*, by bit. */
const setupFlags = (
  'IOPOLL SQPOLL SQ_AFF CQSIZE CLAMP ATTACH_WQ R_DISABLED SUBMIT_ALL COOP_TASKRUN TASKRUN_FLAG SQE128 CQE32 ' +
  'SINGLE_ISSUER DEFER_TASKRUN NO_MMAP REGISTERED_FD_ONLY NO_SQARRAY'
).split(' ');

/** Operations that came after 6.1, the oldest kernel that will do. */
const newerOperations = [
  'read_multishot',
  'futex_wait',
  'fixed_fd_install',
  'ftruncate',
  'bind',
  'listen',
  'pipe',
];

function introduce(): void {
  say('backend', `${backend.name}, on Linux ${backend.kernel} and node ${process.versions.node}`);
  if (!onRing) {
    say('why', `${backend.reason}`);
    say('remedy', `${backend.remedy}`);
    return;
  }
  const { operations } = core.probe();
  const known = Object.values(operations).filter((supported) => supported).length;
  const missing = newerOperations.filter((name) => operations[name] !== true);
  say('kernel', `${known} io_uring operations${missing.length > 0 ? `, without ${missing.join(', ')}` : ''}`);
  const flags = setupFlags.filter((_, bit) => (core.ring().native.setupFlags & (1 << bit)) !== 0);
  say('ring', flags.join(', '));
}

/** Runs `action`; returns the operations that were submitted meanwhile, and the calls that submitted them. */
async function counted(action: () => Promise<void>): Promise<{ submitted: number; enters: number }> {
  const before = core.stats();
  await action();
  const after = core.stats();
  return { submitted: after.submitted - before.submitted, enters: after.enters - before.enters };
}

async function copyLinked(from: string, to: string): Promise<string> {
  const { submitted, enters } = await counted(() => linkedCopy(from, to));
  return `${submitted} operations, ${enters} io_uring_enters`;
}

async function copyWithoutRing(from: string, to: string): Promise<string> {
  await fsPromises.copyFile(from, to);
  return "by node's own copyFile: links need the ring";
}

async function copy(from: string, to: string, expected: string): Promise<string> {
  const [how, ms] = await timed(() => (onRing ? copyLinked(from, to) : copyWithoutRing(from, to)));
  const copied = await readFile(to);
  expect(sha256(copied) === expected, 'the copy differs');
  return `${throughput(copied.length, ms)}, the same SHA-256; ${how}`;
}

/** 100 reads, here and there in the file, filled one by one and handed over at once. */
async function readBatch(path: string, content: Buffer): Promise<string> {
  const fd = await core.openat(path);
  const blocks = Array.from({ length: 100 }, (_, index) => ({
    position: (index * 7919 * 512) % (content.length - 4096),
    buffer: Buffer.alloc(4096),
  }));
  // In a turn of the event loop of its own: one turn copies no more than 1 MiB, and may have done so already.
  await pause(1);
  const reads = blocks.map(({ position, buffer }) => core.read(fd, buffer, { position }));
  const { submitted, enters } = await counted(async () => {
    for (const read of reads) read.submit();
    core.ring().enter();
  });
  await Promise.all(reads);
  await core.close(fd);
  const good = blocks.every(({ position, buffer }) =>
    buffer.equals(content.subarray(position, position + 4096)),
  );
  expect(good, 'a block has other bytes than the file');
  expect(submitted === 100 && enters === 1, `${submitted} operations in ${enters} io_uring_enters`);
  return `${submitted} operations, ${enters} io_uring_enter, every block as in the file`;
}

async function serveAndFetch(path: string, expected: string): Promise<string> {
  const server = await startFileServer(new Map([['/file', path]]));
  try {
    const fetchFile = async (): Promise<Buffer> => {
      const response = await fetch(`http://127.0.0.1:${server.port}/file`);
      const body = Buffer.from(await response.arrayBuffer());
      expect(response.status === 200, `status ${response.status}`);
      return body;
    };
    const [bodies, ms] = await timed(() => Promise.all(Array.from({ length: 4 }, fetchFile)));
    expect(
      bodies.every((body) => sha256(body) === expected),
      'other bytes than in the file',
    );
    const { status } = await fetch(`http://127.0.0.1:${server.port}/nothing`);
    expect(status === 404, `status ${status} for what does not exist`);
    const bytes = bodies.reduce((sum, { length }) => sum + length, 0);
    return `${bodies.length} downloads at once, ${throughput(bytes, ms)}, each with the file's SHA-256`;
  } finally {
    await server.close();
  }
}

/** The listeners are closed and the last connections are ending: after that the ring must be empty. */
async function statistics(): Promise<string> {
  for (let attempt = 0; attempt < 50 && core.stats().inFlight > 0; attempt++) await pause(10);
  const stats = core.stats();
  expect(stats.inFlight === 0, `${stats.inFlight} operations are still in flight`);
  const kinds = Object.entries(stats.operations).sort(([, a], [, b]) => b - a);
  say('operations', kinds.map(([kind, count]) => `${count} ${kind}`).join(', '));
  say('bytes', `${mebibytes(stats.bytesRead)} read, ${mebibytes(stats.bytesWritten)} written`);
  const eachEnter = (stats.submitted / stats.enters).toFixed(1);
  const eachCall = (stats.completions / stats.batches).toFixed(1);
  return (
    `${stats.submitted} operations in ${stats.enters} io_uring_enters (${eachEnter} each), ` +
    `${eachCall} completions a call into JavaScript, none left in flight`
  );
}

const directory = mkdtempSync(join(tmpdir(), 'ringcore-demo-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));

async function demonstrate(size: number): Promise<void> {
  introduce();
  // Not a multiple of any block: the tail counts too.
  const content = randomBytes(size * 2 ** 20 + 12_345);
  const expected = sha256(content);
  const path = join(directory, 'file');

  await check('writeFile', async () => {
    const [, ms] = await timed(() => writeFile(path, content));
    return throughput(content.length, ms);
  });
  await check('readFile', async () => {
    const [data, ms] = await timed(() => readFile(path));
    expect(sha256(data) === expected, 'it read other bytes than were written');
    return `${throughput(data.length, ms)}, the same SHA-256`;
  });
  await check('linked copy', () => copy(path, join(directory, 'copy'), expected));
  if (onRing) await check('100 reads', () => readBatch(path, content));
  else skip('100 reads in one io_uring_enter', 'there is no ring');
  await check('HTTP file server, fetched', () => serveAndFetch(path, expected));

  if (!onRing) await check('abort of a pending accept', abortWithoutRing);
  else if (core.probe().supports('listen')) await check('abort of a pending accept', abortAccept);
  else skip('abort of a pending accept', 'the kernel has no listen operation (6.11)');
  await check('timeout of a pending read', onRing ? limitRead : limitWithoutRing);

  if (onRing) await check('ring', statistics);
  else skip('ring statistics', 'there is no ring');
}

await run('demo', async () => {
  const { values } = parseArgs({ options: { mebibytes: { type: 'string', default: '8' } } });
  await runChecks(9_000, () => demonstrate(Number(values.mebibytes)));
});
