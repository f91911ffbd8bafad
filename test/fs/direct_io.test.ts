// O_DIRECT, aligned memory, registered buffers.
import nodeFs from 'node:fs';
import { join } from 'node:path';
import { alignedBuffer, backend, constants, RegisteredBuffer, Ring, ring, stats, statx } from 'ringcore/core';
import { open } from 'ringcore/fs/promises';
import t from 'tap';
import { pattern } from './helpers.js';

const dir = t.testdir();
const file = join(dir, 'file');
// A tail that is no whole block.
const data = pattern(1_000_001);
nodeFs.writeFileSync(file, data);
const options = backend.name === 'io_uring' ? {} : { skip: 'this is the node backend' };

t.test('alignedBuffer', async (t) => {
  const buffer = alignedBuffer(10_000, 512);
  t.ok(Buffer.isBuffer(buffer));
  t.equal(buffer.length, 10_000);
  t.ok(buffer.every((byte) => byte === 0));
  t.equal(alignedBuffer(1).length, 1);
  t.throws(() => alignedBuffer(4096, 3), { code: 'ERR_INVALID_ARG_VALUE' });
  t.throws(() => alignedBuffer(4096, 8192), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => alignedBuffer(0), { code: 'ERR_OUT_OF_RANGE' });
});

/** What this file needs, or why it cannot be read so. */
async function alignment(): Promise<{ skip: string } | { memory: number; offsets: number }> {
  if ('skip' in options) return { skip: options.skip! };
  const { dioMemAlign, dioOffsetAlign } = await statx(file, { mask: constants.STATX_DIOALIGN });
  if (dioOffsetAlign === 0) return { skip: 'no direct I/O on this file system' };
  return { memory: dioMemAlign, offsets: dioOffsetAlign };
}

const aligned = await alignment();
const direct = 'skip' in aligned ? aligned : {};

t.test('O_DIRECT: all of a file, many reads at once, aligned and registered', direct, async (t) => {
  if ('skip' in aligned) return;
  const handle = await open(file, constants.O_RDONLY | constants.O_DIRECT);
  const blockBytes = 64 * 1024;
  const blocks = Math.ceil(data.length / blockBytes);
  const plain = Array.from({ length: blocks }, () => alignedBuffer(blockBytes, aligned.memory));
  const registered = Array.from({ length: blocks }, () => new RegisteredBuffer(blockBytes));
  for (const buffers of [plain, registered]) {
    const before = stats().operations;
    const reads = await Promise.all(
      buffers.map((buffer, i) => handle.read(buffer, 0, blockBytes, i * blockBytes)),
    );
    const after = stats().operations;
    const fixed = (after.readFixed ?? 0) - (before.readFixed ?? 0);
    t.equal(fixed, buffers === registered ? blocks : 0, 'READ_FIXED where the memory is registered');
    const content = buffers.map((buffer, index) => {
      const bytes = buffer instanceof RegisteredBuffer ? buffer.buffer : buffer;
      t.equal(reads[index]!.buffer, buffer, 'the result carries what was given');
      return bytes.subarray(0, reads[index]!.bytesRead);
    });
    t.ok(Buffer.concat(content).equals(data));
  }
  // The kernel checks what it is given: that the memory is aligned is what made it work.
  const unaligned = alignedBuffer(8192).subarray(1, 4097);
  await t.rejects(handle.read(unaligned, 0, 4096, 0), { code: 'EINVAL', syscall: 'read' });
  for (const buffer of registered) buffer.unregister();
  await handle.close();
});

t.test('O_DIRECT: written from registered memory', direct, async (t) => {
  const path = join(dir, 'written');
  const { O_CREAT, O_DIRECT, O_RDWR } = nodeFs.constants;
  const handle = await open(path, O_RDWR | O_CREAT | O_DIRECT);
  const buffer = new RegisteredBuffer(8192);
  buffer.buffer.set(data.subarray(0, 8192));
  t.match(await handle.write(buffer, 0, 8192, 4096), { bytesWritten: 8192 });
  t.match(await handle.write(buffer, { offset: 4096, length: 4096, position: 0 }), { bytesWritten: 4096 });
  buffer.unregister();
  await handle.close();
  const expected = Buffer.concat([data.subarray(4096, 8192), data.subarray(0, 8192)]);
  t.ok(nodeFs.readFileSync(path).equals(expected));
});

t.test(
  'registered buffers without O_DIRECT: offsets, lengths, the own position, limits',
  options,
  async (t) => {
    const handle = await open(file);
    const buffer = new RegisteredBuffer(4096);
    t.equal((await handle.read(buffer, 100, 50)).bytesRead, 50);
    t.equal((await handle.read({ buffer, offset: 150, length: 50, timeout: 60_000 })).bytesRead, 50);
    t.ok(buffer.buffer.subarray(100, 200).equals(data.subarray(0, 100)), 'one behind the other');
    t.equal((await handle.read(buffer, { position: data.length - 1 })).bytesRead, 1);
    await t.rejects(handle.read(buffer, 0, 4097), { code: 'ERR_OUT_OF_RANGE' });
    await t.rejects(handle.read(buffer, { signal: AbortSignal.abort() }), { name: 'AbortError' });

    const other = Ring.open({ entries: 8 });
    const foreign = new RegisteredBuffer(4096, { ring: other });
    await t.rejects(handle.read(foreign), { code: 'ERR_INVALID_STATE', message: /another ring/ });
    other.close();
    const reading = handle.read(buffer, 0, 4096, 0);
    buffer.unregister();
    await t.rejects(handle.read(buffer), { code: 'ERR_INVALID_STATE', message: /unregistered/ });
    await reading;
    await handle.close();
    t.equal(ring().closed, false);
  },
);
