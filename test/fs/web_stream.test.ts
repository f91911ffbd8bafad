// FileHandle.readableWebStream, with node's as the control (not node 20's: it has no autoClose, and aborts when its handle is closed twice). Broken to see it fail: no autoClose, no answer to a reader's memory when
// the stream is closed, a tick between the end of a read and its answer.
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import promises from 'ringcore/fs/promises';
import t from 'tap';

const nodeMajor = Number.parseInt(process.versions.node, 10);
const dir = t.testdir({ file: '0123456789', empty: '' });
const file = join(dir, 'file');

type Handle = Awaited<ReturnType<typeof nodePromises.open>>;
const streamOf = (handle: Handle, options?: object): ReadableStream<ArrayBuffer> =>
  (handle.readableWebStream as (options?: object) => ReadableStream<ArrayBuffer>)(options);

/** Whether the handle is closed by itself. */
async function isClosed(handle: Handle): Promise<boolean> {
  for (let round = 0; round < 20 && handle.fd !== -1; round++) await wait(5);
  const closed = handle.fd === -1;
  await handle.close();
  return closed;
}

/** What the program sees of a handle whose stream has come to its end in one of several ways. */
const ends: Record<string, (stream: ReadableStream<ArrayBuffer>) => Promise<unknown>> = {
  'read to its end': async (stream) => {
    let bytes = 0;
    for await (const chunk of stream as never as AsyncIterable<ArrayBuffer>) bytes += chunk.byteLength;
    return bytes;
  },
  cancelled: (stream) => stream.cancel(),
  'left in the middle': async (stream) => {
    for await (const chunk of stream as never as AsyncIterable<ArrayBuffer>) return chunk.byteLength;
    return undefined;
  },
};

for (const [name, end] of Object.entries(ends)) {
  for (const options of [undefined, {}, { autoClose: true }, { type: 'bytes', autoClose: true }]) {
    t.test(`a stream that is ${name}: ${JSON.stringify(options)}`, async (t) => {
      const facts = async (open: typeof nodePromises.open): Promise<unknown> => {
        const handle = await open(file);
        const result = await end(streamOf(handle, options));
        return { result, closed: await isClosed(handle) };
      };
      const own = await facts(promises.open);
      if (nodeMajor >= 22) t.same(own, await facts(nodePromises.open));
      else t.match(own, { closed: false });
    });
  }
}

t.test('options', { skip: nodeMajor < 22 && 'node 20 has others' }, async (t) => {
  for (const options of [null, 'bytes', 1, { autoClose: 1 }, { type: 1 }, { autoClose: null }]) {
    const facts = async (open: typeof nodePromises.open): Promise<unknown> => {
      const handle = await open(file);
      try {
        const reader = streamOf(handle, options as object).getReader({ mode: 'byob' });
        return (await reader.read(new Uint8Array(3))).value?.byteLength;
      } catch (error) {
        const { name, code } = error as NodeJS.ErrnoException;
        return [name, code];
      } finally {
        await handle.close();
      }
    };
    t.same(await facts(promises.open), await facts(nodePromises.open), JSON.stringify(options));
  }
});

const moments: Record<string, () => Promise<unknown>> = {
  'at once': () => Promise.resolve(),
  'a little later': async () => {
    await Promise.resolve();
    await Promise.resolve();
  },
  'when the loop has turned': () => turn(),
};
for (const [first, delay] of Object.entries(moments)) {
  for (const [second, pause] of [...Object.entries(moments), ['without a pause', undefined] as const]) {
    t.test(`memory that a reader brings ${first}; the handle is closed ${second}`, async (t) => {
      const handle = await promises.open(file);
      const reader = streamOf(handle, { type: 'bytes' }).getReader({ mode: 'byob' });
      await delay();
      const read = reader.read(new Uint8Array(4));
      await pause?.();
      const closed = handle.close();
      const { done, value } = (await Promise.race([read, wait(2000, {})])) as {
        done: boolean;
        value?: Uint8Array;
      };
      t.ok(done === true ? value?.byteLength === 0 : value?.byteLength === 4);
      await closed;
      await reader.closed;
      t.equal(handle.fd, -1);
    });
  }
}

t.test('what the kernel still writes to is not given back', async (t) => {
  const fifo = join(dir, 'fifo');
  const { execFileSync } = await import('node:child_process');
  execFileSync('mkfifo', [fifo]);
  const writer = nodeFs.openSync(fifo, 'r+');
  const handle = await promises.open(fifo);
  const reader = streamOf(handle, { type: 'bytes' }).getReader({ mode: 'byob' });
  await turn();
  let answered = false;
  const read = reader.read(new Uint8Array(4)).finally(() => (answered = true));
  await turn();
  const closed = handle.close();
  await wait(20);
  t.notOk(answered);
  nodeFs.writeSync(writer, 'data');
  t.equal((await read).done, true);
  await closed;
  nodeFs.closeSync(writer);
});
