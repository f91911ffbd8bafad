// FILE as cat has it, at the lowest layer: a ring of its own, requests filled by hand, the kernel's bare results.
import { constants, Ring } from 'ringcore/core';
import { getSystemErrorName, parseArgs } from 'node:util';
import { run } from './support/run.js';
import { stdout } from './support/standard_output.js';

const { AT_FDCWD, O_CLOEXEC, O_RDONLY } = constants;

/** Every request begins with two arguments: its IOSQE_* flags, and a time limit in milliseconds. Here: neither. */
const noFlags = 0;
const noLimit = 0;
/** The file's own position: the only one that pipes, terminals and `>> file` have. */
const ownPosition = -1;
/** An ordinary descriptor, not one in the ring's table of direct descriptors. */
const ordinary = -1;

type Fill = (native: Ring['native']) => number;

/**
 * One request and its completion.
 *
 * `fill` writes an SQE (submission queue entry) into memory that the kernel shares, and returns a slot: the number that
 * the CQE (completion queue entry) will carry. No system call is made here: before the event loop sleeps, one
 * io_uring_enter hands over all that was filled in the meantime.
 *
 * Resolves to the CQE's `res`: a count of bytes or a descriptor, or a negative errno.
 */
function request(ring: Ring, fill: Fill): Promise<number> {
  return new Promise((resolve, reject) => {
    // The kernel writes to a buffer that only `fill` knows. The ring holds this handler until the CQE has come, so the
    // garbage collector leaves the buffer where it is.
    const handler = { complete: resolve, holds: fill };
    const slot = fill(ring.native);
    if (!ring.start(handler, slot)) reject(new Error('the operation table is full'));
  });
}

/** The result, or an Error with the errno's name. */
function checked(result: number): number {
  if (result >= 0) return result;
  const code = getSystemErrorName(result);
  throw Object.assign(new Error(`the kernel's answer is ${code} (${result})`), { code });
}

async function copy(ring: Ring, fd: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(64 * 1024);
  for (;;) {
    const bytes = checked(
      await request(ring, (native) =>
        native.read(noFlags, noLimit, fd, buffer, 0, buffer.length, ownPosition, 0),
      ),
    );
    if (bytes === 0) return;
    // A write may be short: a pipe takes what it has room for.
    for (let from = 0; from < bytes;) {
      const first = from;
      from += checked(
        await request(ring, (native) =>
          native.write(noFlags, noLimit, stdout, buffer, first, bytes - first, ownPosition, 0),
        ),
      );
    }
  }
}

/** What went through the ring, on the standard error: the standard output is the file's. */
function tell(ring: Ring): void {
  const { operations, submitted, enters, completions, bytesRead, bytesWritten } = ring.stats();
  const kinds = Object.entries(operations).map(([kind, count]) => `${count} ${kind}`);
  console.error(`raw_ring: ${submitted} SQEs (${kinds.join(', ')}), ${completions} CQEs`);
  console.error(`raw_ring: ${enters} calls of io_uring_enter`);
  console.error(`raw_ring: ${bytesRead} bytes read, ${bytesWritten} bytes written`);
}

await run('raw_ring', async () => {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) throw new Error('usage: raw_ring FILE');

  const ring = Ring.open({ entries: 8 });
  try {
    const openFlags = O_RDONLY | O_CLOEXEC;
    const fd = checked(
      await request(ring, (native) =>
        native.openat(noFlags, noLimit, AT_FDCWD, path, openFlags, 0, ordinary),
      ),
    );
    try {
      await copy(ring, fd);
    } finally {
      await request(ring, (native) => native.close(noFlags, noLimit, fd));
    }
    tell(ring);
  } finally {
    ring.close();
  }
});
