// A file's SHA-256 by O_DIRECT, past the page cache: many reads in flight, into registered buffers.
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { constants, RegisteredBuffer, statx } from 'ringcore/core';
import { open } from 'ringcore/fs/promises';
import { run } from './support/run.js';

const { O_DIRECT, O_RDONLY, STATX_DIOALIGN, STATX_SIZE } = constants;
/** A multiple of every alignment that is in use. */
const blockBytes = 128 * 1024;

type Handle = Awaited<ReturnType<typeof open>>;

/** One buffer, and the read that fills it. */
interface Slot {
  buffer: RegisteredBuffer;
  reading: Promise<{ bytesRead: number }>;
}

/** Hashes the file in its order, while the next `slots.length` blocks are being read. */
async function hashDirect(handle: Handle, slots: RegisteredBuffer[]): Promise<{ hash: Hash; bytes: number }> {
  const hash = createHash('sha256');
  let position = 0;
  const begin = (buffer: RegisteredBuffer): Slot => {
    const reading = handle.read(buffer, 0, blockBytes, position);
    // Whoever waits for an earlier one that fails never comes to this one.
    reading.catch(() => {});
    position += blockBytes;
    return { buffer, reading };
  };
  const queue = slots.map(begin);
  for (let bytes = 0; ;) {
    const { buffer, reading } = queue.shift()!;
    const { bytesRead } = await reading;
    hash.update(buffer.buffer.subarray(0, bytesRead));
    bytes += bytesRead;
    // Only the last block is shorter.
    if (bytesRead < blockBytes) return { hash, bytes };
    queue.push(begin(buffer));
  }
}

/** The same by node's own stream, through the page cache. */
async function hashOfNode(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

await run('direct_read', async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { depth: { type: 'string', default: '32' } },
  });
  const depth = Number(values.depth);
  const [path] = positionals;
  if (
    path === undefined ||
    positionals.length > 1 ||
    !(Number.isInteger(depth) && depth >= 1 && depth <= 64)
  ) {
    throw new Error('usage: direct_read [--depth N] FILE, N from 1 to 64');
  }

  const { dioMemAlign, dioOffsetAlign } = await statx(path, { mask: STATX_DIOALIGN | STATX_SIZE });
  if (dioOffsetAlign === 0) throw new Error(`${path}: no direct I/O on this file system`);
  const handle = await open(path, O_RDONLY | O_DIRECT);
  const buffers = Array.from({ length: depth }, () => new RegisteredBuffer(blockBytes));
  const started = performance.now();
  const { hash, bytes } = await hashDirect(handle, buffers).finally(() => handle.close());
  const ms = performance.now() - started;
  for (const buffer of buffers) buffer.unregister();

  const digest = hash.digest('hex');
  console.log(`${digest}  ${path}`);
  console.log(`alignment ${dioMemAlign} (memory), ${dioOffsetAlign} (offsets); ${depth} reads at once`);
  console.log(`${bytes} bytes in ${ms.toFixed(1)} ms`);
  if (digest !== (await hashOfNode(path))) throw new Error('node reads something else');
  console.log('node reads the same');
});
