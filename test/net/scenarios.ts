// The same scenario on node:net and on ringcore/net: what is seen of it, in its order, must be equal.
import { once } from 'node:events';
import nodeNet from 'node:net';
import t from 'tap';
import ringNet from 'ringcore/net';
import { scaled, slowness } from '../slowness.js';
import { sleep } from './support.js';

export type Net = typeof nodeNet;
export type Log = (...entries: unknown[]) => void;
export type Scenario = (net: Net, log: Log) => Promise<void> | void;

const withoutPort = (text: string): string => text.replace(/:\d{4,5}\b/g, ':PORT');

/** An error as programs look at it; ports that the kernel chose are told apart by nothing. */
export function describe(error: unknown): unknown {
  if (Array.isArray(error)) return error.map(String).map(withoutPort);
  if (!(error instanceof Error)) return error;
  const { name, message, stack, ...rest } = error as Error & Record<string, unknown>;
  const own = Object.keys(error);
  const described: Record<string, unknown> = {
    class: error.constructor.name,
    name,
    message: withoutPort(message),
    own,
  };
  for (const [key, value] of Object.entries(rest)) {
    if (key === 'port' || key === 'localPort') described[key] = typeof value;
    else if (key === 'errors') described.errors = (value as Error[]).map(describe);
    else described[key] = value;
  }
  if ('code' in error) described.firstLine = withoutPort(stack?.split('\n')[0] ?? '');
  if (error instanceof AggregateError) described.errors = error.errors.map(describe);
  return described;
}

const events = [
  'lookup',
  'connectionAttempt',
  'connectionAttemptFailed',
  'connect',
  'ready',
  'data',
  'readable',
];
export const ends = ['end', 'finish', 'drain', 'timeout', 'error', 'close'];

/** Notes the events of a socket. */
export function watch(
  log: Log,
  name: string,
  socket: nodeNet.Socket,
  names = [...events, ...ends],
): nodeNet.Socket {
  for (const event of names) {
    if (event === 'readable') continue;
    socket.on(event, (...args: unknown[]) => {
      const shown = args.map((arg) => (Buffer.isBuffer(arg) ? arg.toString() : describe(arg)));
      log(
        name,
        event,
        ...(event === 'connectionAttempt' ? [] : shown.filter((arg) => typeof arg !== 'number')),
      );
    });
  }
  return socket;
}

/** What a socket says of itself. Ports are not the same twice. */
export function fieldsOf(socket: nodeNet.Socket): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name of fieldNames)
    fields[name] = describe((socket as unknown as Record<string, unknown>)[name]);
  for (const name of ['localPort', 'remotePort'] as const) fields[name] = typeof socket[name];
  const { port, ...address } = socket.address() as nodeNet.AddressInfo;
  return { ...fields, ...address, port: typeof port };
}

const fieldNames = [
  ...['connecting', 'pending', 'readyState', 'destroyed', 'closed', 'timeout', 'allowHalfOpen', 'errored'],
  ...['bytesRead', 'bytesWritten', 'bufferSize', '_connecting', 'autoSelectFamilyAttemptedAddresses'],
  ...['localAddress', 'localFamily', 'remoteAddress', 'remoteFamily'],
  ...['readable', 'readableLength', 'readableFlowing', 'readableEnded', 'readableHighWaterMark'],
  ...['writable', 'writableLength', 'writableEnded', 'writableFinished', 'writableNeedDrain'],
  ...['writableHighWaterMark', 'writableCorked'],
];

/** Arguments of which none is right for anything that takes a number, a name, or a function. */
// prettier-ignore
export const wrong: readonly unknown[] = [
  -1, 65536, 1.5, NaN, Infinity, 'x y', '', {}, [], true, false, null, 5n, Symbol('s'),
];

export const port = (server: nodeNet.Server): number => (server.address() as nodeNet.AddressInfo).port;

export async function serving(
  net: Net,
  options: nodeNet.ServerOpts,
  listener?: (socket: nodeNet.Socket) => void,
): Promise<nodeNet.Server> {
  const server = net.createServer(options, listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Calls; false if it throws. */
export const attempted = (log: Log, what: string, action: () => unknown): boolean => {
  try {
    const result = action();
    log(what, typeof result);
    return true;
  } catch (error) {
    log(what, describe(error));
    return false;
  }
};

/** Resolves at 'close', with or without an error before. */
export const ending = (socket: nodeNet.Socket): Promise<unknown> =>
  new Promise((resolve) => socket.once('close', resolve));

export async function closedPort(): Promise<number> {
  const server = nodeNet.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const free = port(server);
  server.close();
  await once(server, 'close');
  return free;
}

async function logOf(run: Scenario, net: Net): Promise<unknown[]> {
  const entries: unknown[] = [];
  await run(net, (...entry) => entries.push(entry));
  // What the other side of a connection is still to see.
  await sleep(20);
  return entries;
}

/** Two sides of a connection have no order between them: each side's own is compared. */
function bySide(entries: unknown[]): Record<string, unknown[]> {
  const sides: Record<string, unknown[]> = {};
  for (const entry of entries as unknown[][]) {
    const side = String(entry[0]).split(' ')[0]!;
    (sides[side] ??= []).push(entry);
  }
  return sides;
}

// They wait most of the time. (On a slow machine they compute.)
t.jobs = Math.ceil(8 / slowness);

/** Runs a scenario on both, and compares. */
export function scenario(name: string, run: Scenario): void {
  void t.test(name, { timeout: scaled(20_000), buffered: true }, async (t) => {
    const expected = await logOf(run, nodeNet);
    const actual = await logOf(run, ringNet);
    t.ok(expected.length > 0);
    t.strictSame(bySide(actual), bySide(expected));
  });
}
