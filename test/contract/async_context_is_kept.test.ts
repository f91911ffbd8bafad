// Promise 14: AsyncLocalStorage, diagnostics_channel and unhandled rejections are as with node's own modules.
// Shown to fail: `Receiver.complete` (lib/net/receiver.ts) without the connection's scope: the store was another's; the
// same with the scopes of `Sender`, `Listener`, `ReadAhead`, the end of a `Connection`, `bound` (lib/fs/callback.ts) and
// `Operation.callback` (lib/core/operation.ts). A channel of another name.
import { AsyncLocalStorage } from 'node:async_hooks';
import t from 'tap';
import { core } from 'ringcore';
import { runScript } from '../core/support.js';

const script = (from: string): string => `
  import fs from '${from}fs';
  import net from '${from}net';
  import { AsyncLocalStorage } from 'node:async_hooks';
  import { createRequire } from 'node:module';
  import diagnostics from 'node:diagnostics_channel';
  import { once } from 'node:events';
  import { writeFileSync } from 'node:fs';
  const store = new AsyncLocalStorage();
  const seen = [];
  const note = (what) => seen.push(what + ': ' + store.getStore());
  for (const name of ['net.client.socket', 'net.server.socket']) {
    diagnostics.subscribe(name, ({ socket }) => seen.push(name + ' ' + (typeof socket.write)));
  }
  const [path] = process.argv.slice(1);
  const callback = (name, ...args) => new Promise((resolve) => {
    store.run('of ' + name, () => fs[name](...args, () => { note(name); resolve(); }));
  });
  await callback('readFile', path);
  await callback('stat', path);
  await callback('open', path);
  await callback('writeFile', path + '2', 'text');
  await callback('copyFile', path, path + '3');
  await callback('rm', path + '3');
  await callback('mkdir', path + '4', { recursive: true });
  await callback('readdir', '.');
  await store.run('of promises', async () => { await fs.promises.readFile(path); note('promises'); });
  await store.run('of a handle', async () => {
    const handle = await fs.promises.open(path);
    await handle.read(Buffer.alloc(10));
    note('handle');
    await handle.close();
  });
  await new Promise((resolve) => store.run('of a stream', () => {
    fs.createReadStream(path).on('open', () => note('open')).on('data', () => note('data')).on('end', () => note('end')).on('close', resolve);
  }));
  await new Promise((resolve) => store.run('of a write stream', () => {
    const stream = fs.createWriteStream(path + '5').on('finish', () => note('finish')).on('close', resolve);
    stream.write('x', () => note('written'));
    stream.end();
  }));
  let server;
  store.run('of the server', () => {
    server = net.createServer((socket) => {
      note('connection');
      socket.on('data', () => note('server data')).on('close', () => note('server close'));
      socket.end('hello');
    }).listen(0, () => note('listening'));
  });
  await once(server, 'listening');
  await new Promise((resolve) => store.run('of the client', () => {
    const socket = net.connect(server.address().port, () => note('connect'));
    socket.on('data', () => note('client data')).on('end', () => note('client end')).on('close', () => { note('client close'); resolve(); });
    socket.end('bye', () => note('sent'));
  }));
  store.run('of close', () => server.close(() => note('server closed')));
  await once(server, 'close');
  const unhandled = new Promise((resolve) => {
    process.on('unhandledRejection', (error) => { note('unhandled ' + error.code); resolve(); });
  });
  store.run('of nobody', () => { fs.promises.readFile('/nowhere'); });
  await unhandled;
  console.log(JSON.stringify(seen.sort()));`;

t.test('each callback and event in the context that it belongs to', async (t) => {
  const [node, ringcore] = await Promise.all(
    ['node:', 'ringcore/'].map(async (from) => {
      const path = `${t.testdir({ ring: {}, node: {} })}/${from === 'node:' ? 'node' : 'ring'}/file`;
      const { stdout, stderr } = await runScript(
        `import '${from}fs'; (await import('node:fs')).writeFileSync(process.argv[1], 'x'.repeat(1000));` +
          script(from),
        {
          args: [path],
        },
      );
      return (stderr || JSON.parse(stdout)) as string[];
    }),
  );
  t.strictSame(ringcore, node);
  t.ok(ringcore!.length > 25, `${ringcore!.length} events`);
});

t.test('callbacks of the core in the context of their call', async (t) => {
  const store = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const call = (resolve: () => void): void => {
    core.nop().callback(() => {
      seen.push(store.getStore());
      resolve();
    });
  };
  await Promise.all(['one', 'two'].map((name) => store.run(name, () => new Promise<void>(call))));
  t.strictSame(seen, ['one', 'two']);
});
