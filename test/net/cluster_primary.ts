// The primaries of cluster.test.ts: each logs, as lines of JSON, what it sees of its workers. Their clients use node's net.
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';

const log = (...entry: unknown[]): void => console.log(JSON.stringify(entry));
const { POLICY, SCENARIO, SOCKET_PATH, NET } = process.env;
cluster.schedulingPolicy = POLICY === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;
cluster.setupPrimary({ exec: fileURLToPath(new URL('cluster_worker.js', import.meta.url)), execArgv: [] });

interface Joined {
  worker: Worker;
  /** Where it listens; undefined if it does not. */
  place: net.NetConnectOpts | undefined;
}

/** Says of a worker what it has said, in its own order. */
function note(worker: Worker): void {
  const name = `worker ${worker.id}`;
  worker.on('message', (entry: unknown[]) => {
    if (entry[0] !== 'descriptors') log(name, ...entry);
  });
  worker.on('disconnect', () => log(name, 'disconnect', worker.exitedAfterDisconnect));
  worker.on('exit', (code, signal) => log(name, 'exit', code, signal));
}

async function join(how: { listen: net.ListenOptions } & Record<string, unknown>): Promise<Joined> {
  const { exclusive } = how.listen;
  const worker = cluster.fork({ NET, HOW: JSON.stringify(how) });
  note(worker);
  return new Promise((resolve) => {
    worker.once('listening', ({ port, address, addressType }) => {
      log(`worker ${worker.id}`, 'listens', address, addressType, typeof port);
      resolve({ worker, place: SOCKET_PATH ? { path: SOCKET_PATH } : { port, host: '127.0.0.1' } });
    });
    worker.on('message', ([what]: unknown[]) => {
      // The primary is not told of a place that a worker has for itself.
      if (what === 'error' || (what === 'listening' && exclusive)) resolve({ worker, place: undefined });
    });
  });
}

/** Connects and reads until the end: which worker it was, and what its sockets are. */
async function ask({ place }: Joined): Promise<string[]> {
  const socket = net.connect(place!).setEncoding('utf8');
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text.split(' ');
}

async function descriptorsOf({ worker }: Joined): Promise<number> {
  worker.send('descriptors');
  for (;;) {
    const [[what, count]] = (await once(worker, 'message')) as [[string, number]];
    if (what === 'descriptors') return count;
  }
}

async function end(...all: Joined[]): Promise<void> {
  await Promise.all(
    all.map(async ({ worker }) => {
      const ended = once(worker, 'exit');
      worker.disconnect();
      await ended;
    }),
  );
}

/** Reads the first chunk of a connection that the worker holds. */
async function held({ place }: Joined): Promise<{ socket: net.Socket; worker: string }> {
  const socket = net.connect(place!).setEncoding('utf8');
  const [chunk] = (await once(socket, 'data')) as [string];
  return { socket, worker: chunk.split(' ')[0]! };
}

const where = SOCKET_PATH ? { path: SOCKET_PATH } : { port: 0, host: '127.0.0.1' };

const scenarios: Record<string, () => Promise<void>> = {
  async share() {
    const all = [await join({ listen: where }), await join({ listen: where })];
    const seen = new Set<string>();
    const classes = new Set<string>();
    await ask(all[0]!);
    const before = await Promise.all(all.map(descriptorsOf));
    // With SCHED_NONE the kernel chooses: many at once find both.
    for (let round = 0; round < 50 && (round < 4 || seen.size < 2); round++) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask(all[0]!)));
      for (const [worker, name, family] of answers) {
        seen.add(worker!);
        classes.add(`${name} ${family}`);
      }
    }
    log('workers', [...seen].sort());
    console.error(`classes: ${[...classes].join()}`);
    for (let i = 0; i < 100; i++) {
      const after = await Promise.all(all.map(descriptorsOf));
      if (after.every((count, worker) => count <= before[worker]!)) {
        log('no descriptor is left');
        break;
      }
    }
    await end(...all);
  },
  async disconnect() {
    const one = await join({ listen: where, hold: true });
    const { socket } = await held(one);
    const ended = once(one.worker, 'exit');
    one.worker.disconnect();
    // It ends when its last connection does.
    await new Promise((resolve) => setTimeout(resolve, 100));
    log('client', one.worker.isConnected());
    socket.write('still served');
    log('client', (await once(socket, 'data'))[0]);
    socket.end();
    await ended;
  },
  async 'worker disconnects itself'() {
    const one = await join({ listen: where });
    log('client', (await ask(one)).length);
    const ended = once(one.worker, 'exit');
    one.worker.send('disconnect');
    await ended;
  },
  async kill() {
    const [one, other] = [
      await join({ listen: where, hold: true }),
      await join({ listen: where, hold: true }),
    ];
    const ended = once(one.worker, 'exit');
    one.worker.process.kill('SIGKILL');
    await ended;
    const { socket, worker } = await held(other);
    log('client', worker);
    socket.destroy();
    await end(other);
  },
  async close() {
    const [one, other] = [await join({ listen: where }), await join({ listen: where })];
    const closed = once(one.worker, 'message');
    one.worker.send('close');
    await closed;
    const workers = new Set<string>();
    for (let i = 0; i < 6; i++) workers.add((await ask(other))[0]!);
    log('workers', [...workers]);
    await end(one, other);
  },
  async full() {
    const [one, other] = [
      await join({ listen: where, hold: true, maxConnections: 1 }),
      await join({ listen: where, hold: true, maxConnections: 1 }),
    ];
    // Neither takes a second one: the primary gives it to the other.
    const both = [await held(one), await held(one)];
    log('workers', both.map(({ worker }) => worker).sort());
    for (const { socket } of both) socket.destroy();
    await end(one, other);
  },
  async exclusive() {
    const one = await join({ listen: where });
    const taken = one.place as { port: number; host: string };
    const other = await join({ listen: { ...taken, exclusive: true } });
    log('the other listens', other.place !== undefined);
    const third = await join({ listen: { ...where, exclusive: true } });
    // Nobody closes that server for it.
    third.worker.process.kill('SIGTERM');
    await end(one, other);
  },
  async 'in use'() {
    const server = net.createServer().listen(SOCKET_PATH ?? { port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const address = server.address() as net.AddressInfo;
    await end(await join({ listen: SOCKET_PATH ? where : { ...where, port: address.port } }));
    server.close();
  },
};

await scenarios[SCENARIO!]!();
