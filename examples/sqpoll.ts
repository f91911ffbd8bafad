// The same reads on a ring like any other and on one with SQPOLL: the system calls it saves, and what that costs.
import { close, openat, read, Ring } from 'ringcore/core';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import process from 'node:process';
import { run } from './support/run.js';

const blockBytes = 4096;
/** How many reads are in flight at once. */
const depth = 32;

/** CPU time of the process in milliseconds: the polling thread of the kernel is one of its threads. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Reads the first block of the file again and again, `depth` at once. */
async function readAll(ring: Ring, fd: number, reads: number): Promise<void> {
  let begun = 0;
  const worker = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafe(blockBytes);
    while (begun++ < reads) {
      if ((await read(fd, buffer, { position: 0, ring })) === 0) throw new Error('the file is empty');
    }
  };
  await Promise.all(Array.from({ length: depth }, worker));
}

async function measure(name: string, ring: Ring, path: string, reads: number, idleMs: number): Promise<void> {
  try {
    const fd = await openat(path, { ring });
    // Not the first time: pages are cached, and code is compiled.
    await readAll(ring, fd, Math.min(reads, 1000));

    const enters = ring.stats().enters;
    const cpu = cpuMs();
    const begin = performance.now();
    await readAll(ring, fd, reads);
    const ms = performance.now() - begin;
    const busy = cpuMs() - cpu;
    console.log(
      `${name}: ${reads} reads in ${ms.toFixed(1)} ms, ${busy.toFixed(1)} ms of CPU time, ` +
        `${ring.stats().enters - enters} io_uring_enters`,
    );

    // Now there is nothing to do. Who polls does that all the same.
    const idle = cpuMs();
    await pause(idleMs);
    console.log(`${name}: ${(cpuMs() - idle).toFixed(1)} ms of CPU time in the ${idleMs} ms after that`);
    await close(fd, { ring });
  } finally {
    ring.close();
  }
}

await run('sqpoll', async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { reads: { type: 'string', default: '20000' }, idle: { type: 'string', default: '200' } },
  });
  const [path = fileURLToPath(import.meta.url)] = positionals;
  const [reads, idleMs] = [Number(values.reads), Number(values.idle)];
  const valid = [reads, idleMs].every((value) => Number.isInteger(value) && value >= 1 && value <= 1e9);
  if (!valid || positionals.length > 1) throw new Error('usage: sqpoll [--reads N] [--idle MS] [FILE]');

  await measure('default', Ring.open(), path, reads, idleMs);
  // The thread goes on looking for `idleMs` after the last request, then it sleeps until the ring wakes it.
  await measure('SQPOLL ', Ring.open({ sqpoll: { idleMs } }), path, reads, idleMs);
});
