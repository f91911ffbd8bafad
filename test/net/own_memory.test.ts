// Each chunk that a program gets has an ArrayBuffer of its own, as node's: it may be detached or transferred. Broken to see it
// fail: ownCopy() by Buffer.from(view) (pieces of Buffer's pool), take() that gives out views of the slab.
import { once } from 'node:events';
import nodeNet from 'node:net';
import t from 'tap';
import { closed, connected, listening, pattern, sleep } from './support.js';

const detach = ({ buffer }: Uint8Array): void =>
  void structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });

for (const bytes of [1, 64, 65, 1000, 5000, 20_000, 65_536, 1_000_000]) {
  t.test(`chunks of ${bytes} bytes, detached as they come`, async (t) => {
    const server = await listening((socket) => void socket.pipe(socket));
    // One detaches all that it gets, the other must not notice.
    const [detaching, other] = await Promise.all([connected(server), connected(server)]);
    const got: Buffer[] = [];
    let detached = 0;
    const texts: string[] = [];
    detaching.on('data', (chunk: Buffer) => {
      t.equal(chunk.byteOffset, 0);
      t.equal(chunk.buffer.byteLength, chunk.length);
      detached += chunk.length;
      detach(chunk);
      texts.push(Buffer.from('some text').toString());
    });
    other.on('data', (chunk: Buffer) => got.push(chunk));
    const sent: Buffer[] = [];
    for (let i = 0; i < 10; i++) {
      const piece = pattern(bytes + i).subarray(i);
      sent.push(piece);
      detaching.write(piece);
      other.write(piece);
      await sleep(2);
    }
    const expected = Buffer.concat(sent);
    detaching.end();
    other.end();
    await Promise.all([once(detaching, 'close'), once(other, 'close')]);
    t.equal(detached, expected.length);
    t.ok(Buffer.concat(got).equals(expected));
    t.ok(texts.every((text) => text === 'some text'));
    await closed(server);
  });
}

t.test('chunks into a byte stream', async (t) => {
  const bytes = pattern(3_000_000);
  const server = await listening((socket) => void socket.end(bytes));
  const socket = await connected(server);
  const stream = new ReadableStream({
    type: 'bytes',
    start(controller) {
      socket.on('data', (chunk: Buffer) => controller.enqueue(chunk));
      socket.on('end', () => controller.close());
    },
  });
  const got: Uint8Array[] = [];
  for await (const chunk of stream) got.push(chunk);
  t.ok(Buffer.concat(got).equals(bytes));
  await closed(server);
});

t.test('a peer that is read by node has the same', async (t) => {
  const server = nodeNet.createServer((socket) => void socket.end('text')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = nodeNet.connect((server.address() as nodeNet.AddressInfo).port, '127.0.0.1');
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  t.equal(chunk.byteOffset, 0);
  t.equal(chunk.buffer.byteLength, chunk.length);
  server.close();
});
