// Calls of net's functions, and of the methods of what they make.
import nodeNet from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import ringNet from 'ringcore/net';
import { facts, firstOf, outcomeOf, record, turns } from './outcome.js';
import type { Modules, Target } from './target.js';
import { oddValue, type Draw } from './values.js';

type Call = (...args: unknown[]) => unknown;
type Functions = Record<string, Call>;
type Net = Modules['net'];
type Make = (draw: Draw) => unknown;

/** What can be called with nothing behind it: each with so many odd arguments. */
const plain: Record<string, number> = {
  isIP: 1,
  isIPv4: 1,
  isIPv6: 1,
  _normalizeArgs: 1,
  _setSimultaneousAccepts: 1,
  getDefaultAutoSelectFamily: 0,
  getDefaultAutoSelectFamilyAttemptTimeout: 0,
};

const one =
  (...values: unknown[]): Make =>
  (draw) =>
    values[draw(values.length)];

const address = one('127.0.0.1', '10.0.0.0', '::1', 'fe80::1');
const family = one('ipv4', 'ipv6', undefined);

const listMethods: Record<string, Make[]> = {
  addAddress: [address, family],
  addRange: [address, address, family],
  addSubnet: [address, one(8, 24, 64), family],
  check: [address, family],
  addAddresses: [one(['10.0.0.1']), family],
  addCIDR: [one('10.0.0.0/8', '::/64')],
  addCIDRs: [one(['10.0.0.0/8'])],
  removeAddress: [address, family],
  removeRange: [address, address, family],
  removeSubnet: [address, one(8, 24, 64), family],
  removeCIDR: [one('10.0.0.0/8')],
  clear: [],
  toJSON: [],
  fromJSON: [one([], ['Address: IPv4 10.0.0.1'], '[]')],
};

/** Of a socket that goes nowhere, and of one that is connected: each that does not end it. */
const socketMethods: Record<string, Make[]> = {
  setTimeout: [one(0, 1000), one(undefined, () => {})],
  setNoDelay: [one(true, undefined)],
  setKeepAlive: [one(true), one(0, 1000, undefined)],
  setTypeOfService: [one(0, 16)],
  getTypeOfService: [],
  setEncoding: [one('utf8', 'hex')],
  setDefaultEncoding: [one('utf8', 'hex')],
  setMaxListeners: [one(0, 10)],
  address: [],
  ref: [],
  unref: [],
  pause: [],
  resume: [],
  read: [one(undefined, 1)],
  write: [one('text', Buffer.from('bytes')), one('utf8', undefined)],
  cork: [],
  uncork: [],
  isPaused: [],
  unshift: [one(Buffer.from('back'))],
};

/** And those that do. */
const endMethods: Record<string, Make[]> = {
  end: [one('text', undefined), one('utf8', undefined)],
  destroySoon: [],
  resetAndDestroy: [],
  destroy: [one(undefined, new Error('why'))],
};

const serverMethods: Record<string, Make[]> = {
  address: [],
  getConnections: [one(() => {})],
  ref: [],
  unref: [],
  close: [one(undefined, () => {})],
};

/** As they should be, or one odd. */
function argumentsOf(makes: readonly Make[], draw: Draw): { args: unknown[]; faults: number } {
  const args = makes.map((make) => make(draw));
  if (makes.length === 0 || draw(4) === 0) return { args, faults: 0 };
  args[draw(makes.length)] = oddValue(draw);
  return { args, faults: 1 };
}

const has = (object: object, name: string): boolean => typeof (object as Functions)[name] === 'function';

/** Who is called echoes, and keeps what it has heard. */
const peer = nodeNet.createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {}).on('end', () => socket.end());
  socket.on('data', (data) => heard.push(data));
});
let heard: Buffer[] = [];
peer.listen(0, '127.0.0.1').unref();
await once(peer, 'listening');
const { port } = peer.address() as AddressInfo;

async function ended(socket: nodeNet.Socket): Promise<void> {
  const close = socket.closed ? undefined : firstOf(socket, ['close']);
  socket.destroy();
  await close;
}

const ofSocket =
  (name: string, makes: readonly Make[], isConnected: boolean, ends: boolean): Target['call'] =>
  async ({ net }, draw) => {
    const { args, faults } = argumentsOf(makes, draw);
    heard = [];
    const socket = isConnected ? net.connect(port, '127.0.0.1') : new net.Socket();
    if (isConnected) await once(socket, 'connect');
    const events = record(socket, ['end', 'finish', 'error', 'close']);
    const outcome = await outcomeOf(() => {
      const result = (socket as unknown as Functions)[name]!(...args);
      // It is no result to be closed, and no port is the same twice.
      if (result === socket) return 'itself';
      return name === 'address' ? Object.keys(result as object) : result;
    });
    const close = ends && socket.destroyed === false ? firstOf(socket, ['close', 'error']) : undefined;
    const threw = outcome instanceof Object && 'thrown' in outcome;
    if (isConnected && ends && !threw) await close;
    else await turns(2);
    const told = events.map((event) => event);
    await ended(socket);
    const all = { outcome, told, heard: isConnected && ends ? Buffer.concat(heard).toString('latin1') : '' };
    return { outcome: all, faults };
  };

const constructed: Target['call'] = async ({ net }, draw) => {
  const key = ['fd', 'allowHalfOpen', 'readable', 'writable', 'highWaterMark', 'onread', 'signal', 'handle'][
    draw(8)
  ]!;
  const value = oddValue(draw);
  const options = draw(5) === 0 ? value : { [key]: value };
  const isNew = draw(2) === 0;
  const outcome = await outcomeOf(() => {
    const make = net.Socket as unknown as Call & (new (...args: unknown[]) => nodeNet.Socket);
    const socket = (isNew ? new make(options) : make(options)) as nodeNet.Socket;
    socket.on('error', () => {}).destroy();
    return 'made';
  });
  return { outcome, faults: 1 };
};

/** A port that the socket is bound to: whoever comes second finds it in use. */
const isPort = (value: unknown): boolean => typeof value === 'number' && (value & 0xffff) !== 0;

const connected =
  (connect: (net: Net) => Call): Target['call'] =>
  async ({ net }, draw) => {
    let args: unknown[];
    if (draw(2) === 0) {
      const keys = [
        'port',
        'host',
        'path',
        'family',
        'localPort',
        'localAddress',
        'lookup',
        'timeout',
        'signal',
      ];
      const more = [
        'hints',
        'noDelay',
        'keepAlive',
        'keepAliveInitialDelay',
        'autoSelectFamily',
        'onread',
        'blockList',
      ];
      const all = [...keys, ...more, 'autoSelectFamilyAttemptTimeout', 'allowHalfOpen', 'highWaterMark'];
      const key = all[draw(all.length)]!;
      const value = oddValue(draw);
      if (key === 'localPort' && isPort(value)) return { outcome: 'spared', faults: 0 };
      args = [{ port, host: '127.0.0.1', [key]: value }];
    } else {
      args = [[oddValue(draw)], [port, oddValue(draw)], [port, '127.0.0.1', oddValue(draw)]][draw(3)]!;
    }
    const path = (args[0] as { path?: unknown } | null)?.path ?? args[0];
    // Longer than an address has room for: node 20 cuts it.
    if (typeof path === 'string' && path.length > 100) return { outcome: 'spared', faults: 0 };
    let socket: nodeNet.Socket;
    try {
      socket = connect(net)(...args) as nodeNet.Socket;
    } catch (error) {
      return { outcome: { thrown: facts(error) }, faults: 1 };
    }
    const events = record(socket, ['error', 'connect', 'timeout']);
    await firstOf(socket, ['error', 'connect', 'close']);
    const outcome = [...events];
    await ended(socket);
    return { outcome, faults: 1 };
  };

const createdServer =
  (create: (net: Net, args: unknown[]) => unknown): Target['call'] =>
  async ({ net }, draw) => {
    const keys = [
      'allowHalfOpen',
      'pauseOnConnect',
      'keepAlive',
      'keepAliveInitialDelay',
      'highWaterMark',
      'noDelay',
      'blockList',
    ];
    const key = keys[draw(keys.length)]!;
    const value = oddValue(draw);
    const args = [[value], [{ [key]: value }], [{}, value], [value, () => {}]][draw(4)]!;
    // A server that does not listen has nothing to close.
    const outcome = await outcomeOf(() => (create(net, args), 'made'));
    return { outcome, faults: 1 };
  };

const listened: Target['call'] = async ({ net }, draw) => {
  const server = net.createServer();
  const keys = [
    'port',
    'host',
    'path',
    'backlog',
    'exclusive',
    'ipv6Only',
    'signal',
    'fd',
    'readableAll',
    'reusePort',
  ];
  const value = oddValue(draw);
  const options: Record<string, unknown> = { port: 0, host: '127.0.0.1', [keys[draw(keys.length)]!]: value };
  const args = [[options], [value], [0, value], [0, '127.0.0.1', value]][draw(4)]!;
  // node throws that where nobody can catch it.
  const path = typeof args[0] === 'string' ? args[0] : options['path'];
  const isSpared = args.some((arg) => typeof arg === 'symbol') || typeof options['backlog'] === 'symbol';
  if (isSpared || (typeof path === 'string' && path.length > 100)) return { outcome: 'spared', faults: 0 };
  const events = record(server, ['error', 'listening']);
  let outcome: unknown;
  try {
    const first = firstOf(server, ['error', 'listening']);
    (server.listen as Call)(...args);
    await first;
    outcome = [...events];
  } catch (error) {
    outcome = { thrown: facts(error) };
  }
  if (server.listening) {
    server.close();
    await once(server, 'close');
  }
  return { outcome, faults: 1 };
};

const ofServer =
  (name: string, makes: readonly Make[]): Target['call'] =>
  async ({ net }, draw) => {
    const { args, faults } = argumentsOf(makes, draw);
    const server = net.createServer();
    const listens = draw(2) === 0;
    if (listens) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    const events = record(server, ['error', 'close']);
    const outcome = await outcomeOf(() => {
      const result = (server as unknown as Functions)[name]!(...args);
      if (result === server) return 'itself';
      return name === 'address' && result !== null ? Object.keys(result as object) : result;
    });
    await turns(4);
    const told = [...events];
    if (server.listening) {
      server.close();
      await once(server, 'close');
    }
    return { outcome: { outcome, told }, faults };
  };

const ofList =
  (name: string, makes: readonly Make[]): Target['call'] =>
  async ({ net }, draw) => {
    const { args, faults } = argumentsOf(makes, draw);
    const list = new net.BlockList();
    list.addSubnet('10.0.0.0', 8);
    const outcome = await outcomeOf(() => (list as unknown as Functions)[name]!(...args));
    return { outcome: { outcome, rules: facts(list.rules) }, faults };
  };

const madeWithOptions =
  (make: (net: Net, options: unknown) => unknown, keys: readonly string[]): Target['call'] =>
  async ({ net }, draw) => {
    const value = oddValue(draw);
    const options = draw(4) === 0 ? value : { [keys[draw(keys.length)]!]: value };
    return { outcome: await outcomeOf(() => facts(make(net, options))), faults: 1 };
  };

const setDefault =
  (setting: string): Target['call'] =>
  async ({ net }, draw) => {
    const functions = net as unknown as Functions;
    const before = functions[`get${setting}`]!();
    const value = oddValue(draw);
    const outcome = await outcomeOf(() => functions[`set${setting}`]!(value));
    const after = functions[`get${setting}`]!();
    functions[`set${setting}`]!(before);
    return { outcome: { outcome, after }, faults: 1 };
  };

const inOrder =
  (name: string, count: number): Target['call'] =>
  async ({ net }, draw) => {
    const args = Array.from({ length: count }, () => oddValue(draw));
    return { outcome: await outcomeOf(() => (net as unknown as Functions)[name]!(...args)), faults: 1 };
  };

const iterated: Target['call'] = async ({ net }) => {
  const server = net.createServer() as nodeNet.Server & AsyncIterable<unknown>;
  const iterator = server[Symbol.asyncIterator]();
  const next = iterator.next();
  next.catch(() => {});
  await turns(2);
  const outcome = await outcomeOf(() => iterator.return!());
  return { outcome, faults: 0 };
};

const all: Target[] = [
  ...Object.entries(plain).map(([name, count]) => ({ name: `net.${name}`, call: inOrder(name, count) })),
  ...['DefaultAutoSelectFamily', 'DefaultAutoSelectFamilyAttemptTimeout'].map((setting) => ({
    name: `net.set${setting}`,
    call: setDefault(setting),
  })),
  ...Object.entries(socketMethods).flatMap(([name, makes]) => [
    { name: `net.Socket.${name}`, call: ofSocket(name, makes, false, false) },
    { name: `net.Socket.${name}`, call: ofSocket(name, makes, true, false) },
  ]),
  ...Object.entries(endMethods).flatMap(([name, makes]) => [
    { name: `net.Socket.${name}`, call: ofSocket(name, makes, false, true) },
    { name: `net.Socket.${name}`, call: ofSocket(name, makes, true, true) },
  ]),
  ...Object.entries(serverMethods).map(([name, makes]) => ({
    name: `net.Server.${name}`,
    call: ofServer(name, makes),
  })),
  { name: 'net.Server.listen', call: listened },
  { name: 'net.Server.asyncIterator', alone: true, call: iterated },
  {
    name: 'net.Socket.connect',
    call: connected(
      (net) =>
        (...args) =>
          (new net.Socket().connect as Call)(...args),
    ),
  },
  { name: 'net.connect', call: connected((net) => net.connect as Call) },
  { name: 'net.createConnection', call: connected((net) => net.createConnection as Call) },
  { name: 'net.createServer', call: createdServer((net, args) => (net.createServer as Call)(...args)) },
  {
    name: 'net.Server',
    call: createdServer(
      (net, args) => new (net.Server as unknown as new (...args: unknown[]) => unknown)(...args),
    ),
  },
  { name: 'net.Socket', call: constructed },
  { name: 'net.Stream', call: constructed },
  ...Object.entries(listMethods).map(([name, makes]) => ({
    name: `net.BlockList.${name}`,
    call: ofList(name, makes),
  })),
  {
    name: 'net.BlockList',
    call: madeWithOptions(
      (net, options) => [
        (net.BlockList as unknown as { isBlockList?: Call }).isBlockList?.(options),
        new net.BlockList(),
      ],
      ['x'],
    ),
  },
  {
    name: 'net.SocketAddress',
    call: madeWithOptions(
      (net, options) => new net.SocketAddress(options as object).address,
      ['address', 'port', 'family', 'flowlabel'],
    ),
  },
];

const socket = new nodeNet.Socket();
const owners: Record<string, object> = {
  'net.': nodeNet,
  'net.Socket.': socket,
  'net.Server.': new nodeNet.Server(),
  'net.BlockList.': new nodeNet.BlockList(),
};

/** What the running node has, or only ringcore. */
export const netTargets = all.filter(({ name, alone }) => {
  const end = name.lastIndexOf('.') + 1;
  return alone === true || has(owners[name.slice(0, end)]!, name.slice(end));
});
export const ourNet = ringNet as unknown as Net;
