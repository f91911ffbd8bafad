// Calls of net's functions and methods, by node's module and by ringcore's.
import nodeNet from 'node:net';
import ringNet from 'ringcore/net';
import { random } from '../faults/plan.js';
import { oddValue, type Draw } from './values.js';

type Api = typeof nodeNet;
type Emitter = nodeNet.Server | nodeNet.Socket;

function facts(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error;
  const { name, message, code, syscall } = error as NodeJS.ErrnoException;
  return {
    class: error.constructor.name,
    name,
    message: message.replaceAll(process.cwd(), '.'),
    code,
    syscall,
  };
}

/** What the emitter says first, of these events. */
function firstEvent(emitter: Emitter, events: string[]): Promise<unknown> {
  return new Promise((resolve) => {
    for (const event of events) {
      emitter.once(event, (value: unknown) =>
        resolve(value instanceof Error ? { error: facts(value) } : event),
      );
    }
    setTimeout(resolve, 2000, 'nothing').unref();
  });
}

const sockets = {
  setTimeout: 2,
  setNoDelay: 1,
  setKeepAlive: 2,
  setEncoding: 1,
  address: 0,
  ref: 0,
  unref: 0,
  pause: 0,
  resume: 0,
} as const;

const calls: Record<string, (api: Api, draw: Draw) => Promise<unknown>> = {
  async newSocket(api, draw) {
    const socket = new api.Socket({
      [['fd', 'allowHalfOpen', 'readable', 'highWaterMark', 'onread'][draw(5)]!]: oddValue(draw),
    });
    socket.on('error', () => {}).destroy();
    return 'made';
  },
  async method(api, draw) {
    const names = Object.keys(sockets) as (keyof typeof sockets)[];
    const name = names[draw(names.length)]!;
    const socket = new api.Socket();
    socket.on('error', () => {});
    try {
      (socket[name] as (...args: unknown[]) => unknown)(
        ...Array.from({ length: sockets[name] }, () => oddValue(draw)),
      );
      return name;
    } finally {
      socket.destroy();
    }
  },
  async connect(api, draw) {
    const options = {
      port: 1,
      host: '127.0.0.1',
      [['port', 'host', 'path', 'family', 'localPort', 'localAddress', 'lookup', 'timeout'][draw(8)]!]:
        oddValue(draw),
    };
    // Longer than an address has room for: node 20 cuts it.
    if ('path' in options && typeof options.path === 'string' && options.path.length > 100) return 'spared';
    const socket = api.connect(options as nodeNet.NetConnectOpts);
    const outcome = await firstEvent(socket, ['error', 'connect', 'timeout']);
    socket.destroy();
    return outcome;
  },
  async connectArguments(api, draw) {
    const first = oddValue(draw);
    // Of node's own lists of arguments, which a symbol marks, arrays are not told apart.
    if (Array.isArray(first) || (typeof first === 'string' && first.length > 100)) return 'spared';
    const socket = api.connect(first as number);
    const outcome = await firstEvent(socket, ['error', 'connect']);
    socket.destroy();
    return outcome;
  },
  async write(api, draw) {
    const socket = new api.Socket();
    const failed = firstEvent(socket, ['error']);
    try {
      socket.write(oddValue(draw) as string, ...(draw(2) ? [oddValue(draw) as BufferEncoding] : []));
      return 'taken';
    } finally {
      socket.destroy();
      failed.catch(() => {});
    }
  },
  async createServer(api, draw) {
    const name = ['allowHalfOpen', 'pauseOnConnect', 'keepAliveInitialDelay', 'highWaterMark', 'noDelay'][
      draw(5)
    ]!;
    api.createServer((draw(2) ? { [name]: oddValue(draw) } : oddValue(draw)) as object);
    return 'made';
  },
  async listen(api, draw) {
    const server = api.createServer();
    const options = {
      port: 0,
      host: '127.0.0.1',
      [['port', 'host', 'path', 'backlog', 'exclusive', 'ipv6Only', 'signal'][draw(7)]!]: oddValue(draw),
    };
    // node throws that where nobody can catch it.
    if (typeof (options as { backlog?: unknown }).backlog === 'symbol') return 'spared';
    const listened = firstEvent(server, ['error', 'listening']);
    try {
      server.listen(options as nodeNet.ListenOptions);
      return await listened;
    } finally {
      server.close();
    }
  },
};

/** The call of this seed, by both. */
export async function netCall(
  seed: number,
  folders: [string, string],
): Promise<{ call: string; node: unknown; ring: unknown }> {
  const draw = random(seed);
  const names = Object.keys(calls);
  const call = names[draw(names.length)]!;
  const argumentSeed = draw(2 ** 31);
  const outcomes: unknown[] = [];
  for (const [index, api] of [nodeNet, ringNet as unknown as Api].entries()) {
    process.chdir(folders[index]!);
    try {
      outcomes.push(await calls[call]!(api, random(argumentSeed)));
    } catch (error) {
      outcomes.push({ thrown: facts(error) });
    }
  }
  return { call: `net ${call}`, node: outcomes[0], ring: outcomes[1] };
}
