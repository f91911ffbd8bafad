// What slow readers hold. A file of its own: memory of other tests that is freed meanwhile would hide it.
import { once } from 'node:events';
import v8 from 'node:v8';
import vm from 'node:vm';
import t from 'tap';
import { closed, connected, listening, sleep } from './support.js';

v8.setFlagsFromString('--expose-gc');
const gc = vm.runInNewContext('gc') as () => void;

/** Memory is given back in the background: not all of it is when the collector returns. */
async function bytesInUse(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    gc();
    await sleep(20);
  }
  return process.memoryUsage().arrayBuffers;
}

t.test('small chunks that are kept keep little more than themselves', async (t) => {
  // Each comes into a shared buffer that a fast connection fills at the same time.
  const held: Buffer[] = [];
  const count = 200;
  const size = 4096;
  const server = await listening((socket) => {
    socket.once('data', (kind: Buffer) => {
      if (kind[0] !== 1) return void socket.on('error', () => {}).write(Buffer.alloc(size, 2));
      const data = Buffer.alloc(1024 * 1024);
      const write = (): void => {
        while (socket.write(data));
      };
      socket.on('drain', write).on('error', () => {});
      write();
    });
  });
  const before = await bytesInUse();
  const fast = await connected(server);
  fast.resume().write(new Uint8Array([1]));
  for (let i = 0; i < count; i++) {
    const socket = await connected(server);
    socket.write(new Uint8Array([0]));
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    held.push(chunk);
    socket.destroy();
  }
  fast.destroy();
  const more = (await bytesInUse()) - before;
  const bytes = held.reduce((sum, chunk) => sum + chunk.length, 0);
  const pool = 16 * 64 * 1024;
  t.ok(more < 8 * bytes + pool, `${more} bytes more for ${bytes} held`);
  await closed(server);
});
