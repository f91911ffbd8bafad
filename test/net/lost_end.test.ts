// Kernels that lose the end of a Unix socket when it comes right behind data: such sockets have no multishot receive there.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backend } from 'ringcore';
import t from 'tap';
import { olderThan } from '../core/support.js';
import { run } from './support.js';

const connections = 200;
const onRing = {
  skip:
    backend.name !== 'io_uring'
      ? 'io_uring is not available here'
      : olderThan('6.17') && 'an older kernel cannot do what one of these releases can',
};

for (const [release, shared] of [
  ['6.18.19', false],
  ['6.18.20', true],
] as const) {
  t.test(`many that write and end at once, on ${release}`, onRing, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'ringcore-'));
    t.teardown(() => rmSync(directory, { recursive: true }));
    const { code, stdout, stderr } = await run(
      `import os from 'node:os';
       import { once } from 'node:events';
       import { syncBuiltinESMExports } from 'node:module';
       os.release = () => ${JSON.stringify(release)};
       os.version = () => '#1 SMP';
       syncBuiltinESMExports();
       const { net, core } = await import('ringcore');
       const counts = {};
       for (const kind of ['unix', 'tcp']) {
         const server = net.createServer((socket) => socket.end('answer').resume());
         server.listen(kind === 'unix' ? ${JSON.stringify(join(directory, 'socket'))} : 0);
         await once(server, 'listening');
         const address = server.address();
         const before = { ...core.stats().operations };
         const answers = await Promise.all(Array.from({ length: ${connections} }, async () => {
           const socket = net.connect(kind === 'unix' ? address : address.port);
           socket.end('question');
           return String(Buffer.concat(await socket.toArray()));
         }));
         server.close();
         await once(server, 'close');
         const { operations } = core.stats();
         counts[kind] = {
           answered: answers.filter((answer) => answer === 'answer').length,
           multishot: (operations.recvMultishot ?? 0) > (before.recvMultishot ?? 0),
         };
       }
       console.log(JSON.stringify(counts));`,
    );
    t.equal(code, 0, stderr);
    t.strictSame(JSON.parse(stdout), {
      unix: { answered: connections, multishot: shared },
      tcp: { answered: connections, multishot: true },
    });
  });
}
