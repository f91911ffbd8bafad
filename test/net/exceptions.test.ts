// What the user's code throws goes where node's goes, and nothing else is lost.
import t from 'tap';
import type { Socket } from 'ringcore/net';
import { closed, collect, connected, listening, sleep } from './support.js';

t.test('an exception in a listener reaches uncaughtException and loses no connection', async (t) => {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  process.on('uncaughtException', onError);
  t.teardown(() => process.off('uncaughtException', onError));
  const seen: Socket[] = [];
  const server = await listening((socket) => {
    seen.push(socket);
    socket.on('data', (chunk: Buffer) => {
      if (chunk.toString() === 'throw') throw new Error('in data');
      socket.end('fine');
    });
    if (seen.length % 2 === 1) throw new Error('in connection');
  });
  const answers = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const socket = await connected(server);
      socket.write('throw');
      await sleep(30);
      socket.write('ask');
      return (await collect(socket)).toString();
    }),
  );
  t.same(answers, new Array(10).fill('fine'));
  t.equal(errors.length, 15);
  await closed(server);
});
