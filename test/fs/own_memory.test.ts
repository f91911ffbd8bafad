// What a program reads has an ArrayBuffer of its own, as node's: it may be detached or transferred. Broken to see it fail:
// ownCopy() by Buffer.from(view), chunks that are pieces of one slab.
import nodeFs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import fs from 'ringcore/fs';
import { readFile } from 'ringcore/fs/promises';

const detach = ({ buffer }: Uint8Array): void =>
  void structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
const dir = t.testdir();

for (const bytes of [10, 5000, 65_536, 300_001]) {
  const path = join(dir, String(bytes));
  nodeFs.writeFileSync(path, Buffer.alloc(bytes, 'abc'));
  for (const highWaterMark of [7, 4096, 65_536, 1_000_000]) {
    t.test(`a stream of ${bytes} bytes in chunks of ${highWaterMark}, detached as they come`, async (t) => {
      // Not as many chunks as it could be; and without an end, what is read is less than asked for.
      const limit = highWaterMark * 50;
      const options = bytes > limit ? { highWaterMark, end: limit - 1 } : { highWaterMark };
      let text = '';
      let odd = 0;
      for await (const chunk of fs.createReadStream(path, options)) {
        const { byteOffset, buffer, length } = chunk as Buffer;
        if (byteOffset !== 0 || buffer.byteLength !== length) odd++;
        text += (chunk as Buffer).toString();
        detach(chunk as Buffer);
      }
      t.equal(odd, 0);
      t.ok(text === 'abc'.repeat(bytes).slice(0, Math.min(bytes, limit)));
    });
  }
  t.test(`readFile of ${bytes} bytes`, async (t) => {
    const contents = await Promise.all([readFile(path), readFile(path)]);
    for (const { byteOffset, buffer, length } of contents) {
      t.equal(byteOffset, 0);
      t.equal(buffer.byteLength, length);
    }
    detach(contents[0]);
    t.ok(contents[1].equals(Buffer.alloc(bytes, 'abc')));
  });
}

t.test('a stream of a file that grows', async (t) => {
  const path = join(dir, 'growing');
  nodeFs.writeFileSync(path, 'first');
  let text = '';
  for await (const chunk of fs.createReadStream(path)) {
    const { byteOffset, buffer, length } = chunk as Buffer;
    t.equal(byteOffset, 0);
    t.equal(buffer.byteLength, length);
    if (text.length < 50) nodeFs.appendFileSync(path, ' more');
    text += (chunk as Buffer).toString();
    detach(chunk as Buffer);
    t.equal(Buffer.from('some text').toString(), 'some text');
  }
  t.equal(text, `first${' more'.repeat(text.length / 5 - 1)}`);
  t.ok(text.length >= 50);
});
