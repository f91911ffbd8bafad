// Many connections, slow readers, many cycles, and ports that are free again. Servers and clients are processes of their
// own (load_worker.ts), since each has its limit of descriptors.
import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import nodeNet from 'node:net';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { backend } from 'ringcore/core';
import { scaled } from '../slowness.js';
import type { Held } from './load_worker.js';
import { kernelAtLeast, run, sleep } from './support.js';

const connections = 10_000;
/** `RINGCORE_LOAD=full` takes the whole number of cycles: about a minute. Either way within a time. */
const full = process.env['RINGCORE_LOAD'] === 'full';
const cycles = full ? 100_000 : 20_000;
const cyclesMs = full ? 60_000 : 15_000;
const worker = fileURLToPath(new URL('load_worker.js', import.meta.url));

// Node raises the soft limit to this when it starts.
const mostDescriptors = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
const enough = mostDescriptors === 'unlimited' || Number(mostDescriptors) >= connections + 500;
t.setTimeout(scaled(110_000));

const onRing = backend.name === 'io_uring' ? {} : { skip: 'this is the node backend' };
const forMany = enough ? onRing : { skip: `at most ${mostDescriptors} descriptors a process` };

/** Whether a multishot receive can be told how much to take. */
const hasLimit = kernelAtLeast(6, 17);

class Process {
  readonly #child: ChildProcess;
  readonly #failed: Promise<never>;

  constructor(...args: string[]) {
    this.#child = fork(worker, args, { execArgv: ['--expose-gc'] });
    this.#failed = once(this.#child, 'exit').then(([code]) => {
      throw new Error(`the process ended with code ${code}`);
    });
    this.#failed.catch(() => {});
  }

  async receive<T>(): Promise<T> {
    const [answer] = (await Promise.race([once(this.#child, 'message'), this.#failed])) as [T];
    return answer;
  }

  ask<T>(request: unknown): Promise<T> {
    this.#child.send(request as string);
    return this.receive<T>();
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

async function started(t: Test, role: string, implementation = 'ringcore'): Promise<[Process, number]> {
  const process = new Process(role, implementation);
  t.teardown(() => process.end());
  return [process, await process.receive<number>()];
}

/** How much RSS a server grows by for each connection that has been used once and is idle. */
async function idleConnections(t: Test, implementation: string): Promise<number> {
  const [server, port] = await started(t, 'serve', implementation);
  const [client] = await started(t, 'connect');
  // Code is compiled and pools are filled before it counts.
  await client.ask(['open', port, 50]);
  await client.ask(['exchange', 0]);
  await client.ask(['close']);
  const before = await server.ask<Held>('held');

  t.equal(await client.ask(['open', port, connections]), connections);
  // The last ones may still be in the backlog.
  let open = 0;
  while (open < connections) ({ open } = await server.ask<{ open: number }>('open'));
  for (const round of [1, 2]) {
    t.same(await client.ask(['exchange', round]), { right: connections, broken: 0 }, `round ${round}`);
  }
  const with_ = await server.ask<Held>('held');
  t.equal(with_.descriptors - before.descriptors, connections);

  const closed = await client.ask<Held>(['close']);
  t.ok(closed.inFlight <= 1 && closed.descriptors < 100, `the client let go: ${JSON.stringify(closed)}`);
  while (open > 0) ({ open } = await server.ask<{ open: number }>('open'));
  const after = await server.ask<Held>('held');
  t.equal(after.descriptors, before.descriptors, 'descriptors');
  t.equal(after.inFlight, before.inFlight, 'operations');
  t.ok(after.heapUsed - before.heapUsed < 300 * connections, `heap: ${JSON.stringify([before, after])}`);
  return (with_.rss - before.rss) / connections;
}

t.test('10,000 connections at once, each echoing', { ...forMany, timeout: scaled(60_000) }, async (t) => {
  const ours = await idleConnections(t, 'ringcore');
  const nodes = await idleConnections(t, 'node');
  t.comment(`growth of RSS for each: ${Math.round(ours)} bytes, node:net ${Math.round(nodes)}`);
  // No receive buffer is among it, and nothing else of that size.
  t.ok(ours < 2 * nodes + 1024);
});

t.test(
  'readers that do not read: memory stays within bounds at both ends',
  { ...onRing, timeout: scaled(60_000) },
  async (t) => {
    const count = 512;
    const [server, port] = await started(t, 'serve');
    const [client] = await started(t, 'connect');
    await server.ask('flood');
    const before = await server.ask<Held>('held');
    const [reader] = await started(t, 'connect');
    const begin = await client.ask<{ held: Held }>(['unread']);
    await client.ask(['open', port, count]);

    interface Unread {
      bytes: number;
      most: number;
      held: Held;
    }
    let unread = await client.ask<Unread>(['unread']);
    for (let bytes = -1; bytes !== unread.bytes;) {
      bytes = unread.bytes;
      await sleep(100);
      unread = await client.ask(['unread']);
    }
    const grown = unread.held.arrayBuffers - begin.held.arrayBuffers;
    t.comment(`${unread.bytes} bytes wait, at most ${unread.most} in a socket, in ${grown} bytes of memory`);
    t.ok(unread.bytes > 0);
    // Up to its high water mark, and what had come when it was reached: the first limit of a receive, where there is one.
    if (hasLimit) {
      t.ok(unread.most <= 256 * 1024, `${unread.most} bytes wait in a socket`);
      t.ok(unread.bytes <= count * 200 * 1024, `${unread.bytes} bytes wait in all`);
    }
    // Views keep their buffers: four times the data at most, and the buffers that all share.
    t.ok(grown <= 4 * unread.bytes + 8 * 2 ** 20, 'memory of what waits');
    const { open, mostWaiting } = await server.ask<{ open: number; mostWaiting: number }>('open');
    t.equal(open, count);
    t.ok(mostWaiting <= 2 * 65536, `${mostWaiting} bytes wait to be sent in a socket`);
    const after = await server.ask<Held>('held');
    t.ok(after.rss - before.rss < 64 * 2 ** 20, `the writer grew by ${after.rss - before.rss}`);

    // They hold up nobody else, and they get all of it when they read at last.
    await reader.ask(['open', port, 1]);
    t.equal(await reader.ask(['read', 20_000_000]), 0);
    t.equal(await client.ask(['read', 5_000_000]), 0);

    // And all at once: other handles have their turn again and again.
    const turns = await client.ask<{ bytes: number; turns: number; most: number }>(['turns', scaled(500)]);
    t.comment(JSON.stringify(turns));
    t.ok(turns.bytes > 20_000_000);
    // Twice what the buffers hold (a turn may begin behind another's last completions), and a turn's share.
    t.ok(turns.most <= 10 * 2 ** 20, `${turns.most} bytes in one turn of the event loop`);
  },
);

t.test(
  `${cycles} connections opened and closed, in every way`,
  { ...onRing, timeout: scaled(100_000) },
  async (t) => {
    const process = new Process('cycle', 'ringcore', String(cycles), String(cyclesMs));
    t.teardown(() => process.end());
    const begin = performance.now();
    const report = await process.receive<{
      operations: number;
      before: Held;
      halves: { cycles: number; after: Held }[];
      atEnd: Held;
    }>();
    const { before, halves, atEnd } = report;
    const { after } = halves.at(-1)!;
    const opened = halves.reduce((sum, { cycles }) => sum + cycles, 0);
    const seconds = (performance.now() - begin) / 1000;
    t.comment(
      `${opened} (${report.operations} operations) in ${seconds.toFixed(1)} s: ${JSON.stringify([before, ...halves])}`,
    );
    t.ok(opened >= 2000, `${opened} were opened`);
    t.equal(after.descriptors, before.descriptors, 'descriptors');
    t.equal(after.inFlight, before.inFlight, 'operations that the kernel has');
    t.equal(after.handlers, before.handlers, 'handlers');
    t.equal(atEnd.inFlight, 0, 'none when the server is closed');
    const perCycle = Math.min(
      ...halves.map(
        ({ cycles, after }, i) => (after.heapUsed - (halves[i - 1]?.after ?? before).heapUsed) / cycles,
      ),
    );
    t.ok(perCycle < 64, `heap: ${perCycle} bytes a cycle`);
    t.ok(after.arrayBuffers - before.arrayBuffers < 8 * 2 ** 20, 'array buffers');
    t.ok(after.rss - before.rss < 96 * 2 ** 20, 'RSS');
  },
);

/** How many attempts it takes to listen on a port. */
async function listenAgain(port: number): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const next = nodeNet.createServer().listen(port, '127.0.0.1');
    const listens = await new Promise<boolean>((resolve) => {
      next.on('listening', () => resolve(true)).on('error', () => resolve(false));
    });
    if (!listens && attempt < 1000) {
      await sleep(5);
      continue;
    }
    if (!listens) return Infinity;
    next.close();
    await once(next, 'close');
    return attempt;
  }
}

t.test(
  'the port is free as soon as the process has ended',
  { ...onRing, timeout: scaled(60_000) },
  async (t) => {
    /** Listens and has connections in all states, then does what it is told. */
    const source = (end: string): string => `
    import net from 'ringcore/net';
    const server = net.createServer((peer) => peer.on('error', () => {}).write('x'.repeat(300000)));
    server.listen(PORT, '127.0.0.1', () => {
      const { port } = server.address();
      for (let i = 0; i < 20; i++) {
        const socket = net.connect(port, '127.0.0.1').on('error', () => {});
        if (i % 4 === 0) socket.resume();
        if (i % 4 === 1) socket.once('connect', () => socket.end());
        if (i % 4 === 2) socket.once('data', () => socket.resetAndDestroy());
      }
      setTimeout(() => { process.stdout.write(String(port)); ${end} }, 150);
    });`;
    const ends: Record<string, string> = {
      'kill -9': `process.kill(process.pid, 'SIGKILL')`,
      'process.exit()': `process.exit(0)`,
      'an exception': `setImmediate(() => { throw new Error('expected') })`,
      SIGTERM: `process.kill(process.pid, 'SIGTERM')`,
    };
    // Not one that the kernel may have given somebody else's connection meanwhile.
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    for (const [name, end] of Object.entries(ends)) {
      // The same port again: the one before has let go of it.
      const { stdout, stderr } = await run(source(end).replace('PORT', String(port)));
      t.match(stdout, /^\d+$/, `${name}: ${stderr}`);
      t.equal(Number(stdout), port);
      const attempts = await listenAgain(port);
      // Of a process that was killed, the kernel ends what its ring had in flight when it has gone, a few milliseconds later.
      const killed = end.includes('kill');
      t.ok(
        attempts === 1 || (killed && attempts < 500),
        `${name}: somebody else listens at attempt ${attempts}`,
      );
    }
  },
);
