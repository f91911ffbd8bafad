// Promise 1: a write, a send or a copy settles only after every byte, or says how many went.
// Shown to fail: `Writing` (lib/fs/transfer.ts) ending at a short write: files ended early. `Sender` (lib/net/sender.ts)
// finishing at its first completion, or not moving on inside a buffer: bytes were missing at the peer. `remaining` (lib/fs/
// transfer.ts) skipping whole buffers only, `Linked` (lib/fs/linked.ts) without its links, `RangeCopy.#settlePiece` taking a
// short splice for whole: other contents. `writeAndClose` (lib/fs/write_then_close.ts) without its rest: no error.
import t from 'tap';
import { runScript } from '../core/support.js';
import { underFaults } from './faulty.js';

t.test('every transfer is short, and all bytes arrive', async (t) => {
  const result = await underFaults<Record<string, unknown>>(
    t.testdir(),
    `
    import { randomBytes } from 'node:crypto';
    // No part of it is like another.
    const data = randomBytes(900_000);
    const is = (path) => nodeFs.readFileSync(path).equals(data);
    const path = (name) => work + '/' + name;
    const result = {};
    nodeFs.writeFileSync(path('source'), data);
    plan.begin(1, { shorten: 1000 });
    await fs.promises.writeFile(path('whole'), data);
    result.writeFile = is(path('whole'));
    const handle = await fs.promises.open(path('handle'), 'w');
    result.write = (await handle.write(data, 0, 400_000)).bytesWritten;
    result.writev = (await handle.writev([data.subarray(400_000, 600_000), data.subarray(600_000)])).bytesWritten;
    await handle.close();
    result.handle = is(path('handle'));
    await fs.promises.copyFile(path('source'), path('copy'));
    result.copyFile = is(path('copy'));
    const pieces = randomBytes(5_000_001);
    nodeFs.writeFileSync(path('pieces'), pieces);
    await fs.promises.copyFile(path('pieces'), path('piecesCopy'));
    result.piecesCopy = nodeFs.readFileSync(path('piecesCopy')).equals(pieces);
    nodeFs.writeFileSync(path('small'), data.subarray(0, 3000));
    await fs.promises.copyFile(path('small'), path('smallCopy'));
    result.smallCopy = nodeFs.readFileSync(path('smallCopy')).equals(data.subarray(0, 3000));
    const stream = fs.createWriteStream(path('stream'));
    stream.end(data);
    await once(stream, 'finish');
    result.stream = is(path('stream'));
    const got = [];
    const server = await listening((socket) => socket.on('data', (chunk) => got.push(chunk)).on('end', () => server.close()));
    const socket = net.connect(server.address().port);
    socket.cork();
    for (let at = 0; at < data.length; at += 50_000) socket.write(data.subarray(at, at + 50_000));
    socket.uncork();
    socket.end();
    await once(server, 'close');
    result.socket = Buffer.concat(got).equals(data);
    // More than the kernel has room for while nobody reads.
    const large = randomBytes(16 * 1024 * 1024);
    const chunks = [];
    const reader = await listening((peer) => peer.on('data', (chunk) => chunks.push(chunk)).on('end', () => reader.close()));
    net.connect(reader.address().port).end(large);
    await once(reader, 'close');
    result.largeSend = Buffer.concat(chunks).equals(large);
    plan.end();
    result.shortened = plan.counts().shortened > 20;
    console.log(JSON.stringify(result));`,
  );
  t.strictSame(result, {
    writeFile: true,
    write: 400_000,
    writev: 500_000,
    handle: true,
    copyFile: true,
    piecesCopy: true,
    smallCopy: true,
    stream: true,
    socket: true,
    largeSend: true,
    shortened: true,
  });
});

t.test(
  'an error behind the first bytes: the count says how many went, the next call what was wrong',
  async (t) => {
    const result = await underFaults(
      t.testdir(),
      `
    const ENOSPC = 28;
    const handle = await fs.promises.open(work + '/full', 'w');
    plan.begin(1, { shorten: 1000 }, { once: { opcode: opcode.write, after: 1, errno: ENOSPC } });
    const { bytesWritten } = await handle.write(Buffer.alloc(100_000, 'x'), 0, 100_000, 0);
    plan.begin(2, {}, { once: { opcode: opcode.write, after: 0, errno: ENOSPC } });
    const next = await codeOf(handle.write('more', bytesWritten));
    plan.begin(3, { shorten: 1000 }, { once: { opcode: opcode.write, after: 1, errno: ENOSPC, andAfter: true } });
    const whole = await codeOf(fs.promises.writeFile(work + '/whole', Buffer.alloc(700_000)));
    plan.end();
    const { size } = nodeFs.statSync(work + '/full');
    console.log(JSON.stringify({ told: bytesWritten === size && size > 0 && size < 100_000, next, whole }));`,
    );
    t.strictSame(result, { told: true, next: 'ENOSPC', whole: 'ENOSPC' });
  },
);

t.test('a file that may not become so large: what is left of a short write fails', async (t) => {
  const directory = t.testdir();
  const { stdout, stderr } = await runScript(
    `
    import { fsPromises } from 'ringcore';
    import { statSync } from 'node:fs';
    const [path] = process.argv.slice(1);
    const code = await fsPromises.writeFile(path, Buffer.alloc(300_000)).then(() => 'done', (error) => error.code);
    const { size } = statSync(path);
    console.log(JSON.stringify({ code, short: size > 0 && size < 300_000 }));`,
    { args: [`${directory}/file`], wrapper: ['sh', '-c', 'ulimit -f 100 && exec "$0" "$@"'] },
  );
  t.strictSame(stderr || JSON.parse(stdout), { code: 'EFBIG', short: true });
});
