/**
 * How a socket gets its connection: checks the options, looks the host up, and tries one address after the other.
 *
 * @module
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import type { LookupAddress, LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { ring as threadRing } from '../core/backend.js';
import { nodeMajor } from '../core/node_version.js';
import { dns } from '../core/seldom.js';
import { validateBoolean, validateFunction, validateInt32, validateString } from '../core/validate.js';
import { AF_INET, AF_UNIX } from '../core/constants.js';
import { domainOf, encode, type Endpoint, type Family } from './address.js';
import { normalizeArguments, validatePort } from './arguments.js';
import { isBlocked } from './block_list.js';
import { bindConnection, ConnectAttempt } from './connect_attempt.js';
import { Connection } from './connection.js';
import {
  allFailed,
  connectionTimeout,
  EADDRINUSE,
  ECANCELED,
  hostPortError,
  invalidAddressFamily,
  invalidArgType,
  invalidIpAddress,
  ipBlocked,
  missingConnectArguments,
} from './errors.js';
import type { SystemError } from '../core/errors.js';
import { nodeNet } from './node_net.js';
import { Socket } from './socket.js';
import type { SocketOptions } from './socket_options.js';

/** Options of {@link connect}. */
export interface ConnectOptions extends SocketOptions {
  port?: number | string;
  host?: string;
  path?: string;
  localAddress?: string;
  localPort?: number;
  family?: number | 'IPv4' | 'IPv6';
  hints?: number;
  lookup?: LookupFunction;
  timeout?: number;
  autoSelectFamily?: boolean;
  autoSelectFamilyAttemptTimeout?: number;
}

const clientChannel = diagnosticsChannel.channel('net.client.socket');

/** Sockets are published when connect() makes them; since node 22 when any begins to connect. */
const announcesAll = nodeMajor >= 22;

function announceMade(socket: Socket): void {
  if (!announcesAll && clientChannel.hasSubscribers) clientChannel.publish({ socket });
}

/** @internal */
export function announceConnecting(socket: Socket): void {
  if (announcesAll && clientChannel.hasSubscribers) clientChannel.publish({ socket });
}

/** Makes a socket and connects it: `(options, callback)`, `(port, host, callback)` or `(path, callback)`. */
export function connect(...args: unknown[]): Socket {
  const normalized = normalizeArguments<ConnectOptions>(args);
  const [options] = normalized;
  const socket = new Socket(options);
  announceMade(socket);
  if (options.timeout) socket.setTimeout(options.timeout);
  return socket.connect(normalized);
}

/** One address of the host, with the local end that was asked for. */
interface Target {
  remote: Endpoint;
  localAddress?: string | undefined;
  localPort?: number | undefined;
}

/** @internal */
export function beginConnect(socket: Socket, options: ConnectOptions): void {
  const { path } = options;
  // A port of null is refused below, as no port at all is here.
  if (options.port === undefined && (path === undefined || path === null)) throw missingConnectArguments();
  socket._reuse();
  // There before the host is looked up, as node's handle.
  if (socket._handle === null) unopened(socket, path ? AF_UNIX : AF_INET);
  socket._unrefTimer();
  socket.connecting = true;
  if (path) {
    validateString(path, 'options.path');
    connectOne(socket, { remote: { path } });
  } else {
    lookUp(socket, checked(options));
  }
}

interface Checked {
  options: ConnectOptions;
  host: string;
  port: number;
  autoSelect: boolean;
  attemptTimeoutMs: number;
}

function checked(options: ConnectOptions): Checked {
  const { localAddress, localPort, port, autoSelectFamily, autoSelectFamilyAttemptTimeout } = options;
  if (localAddress && !nodeNet.isIP(localAddress)) throw invalidIpAddress(localAddress);
  if (localPort && typeof localPort !== 'number') {
    throw invalidArgType('options.localPort', 'of type number', localPort);
  }
  if (typeof port !== 'number' && typeof port !== 'string') {
    throw invalidArgType('options.port', 'one of type number or string', port);
  }
  validatePort(port);
  if (autoSelectFamily != null) validateBoolean(autoSelectFamily, 'options.autoSelectFamily');
  let attemptTimeoutMs = nodeNet.getDefaultAutoSelectFamilyAttemptTimeout();
  if (autoSelectFamilyAttemptTimeout != null) {
    validateInt32(autoSelectFamilyAttemptTimeout, 'options.autoSelectFamilyAttemptTimeout', 1);
    attemptTimeoutMs = Math.max(autoSelectFamilyAttemptTimeout, 10);
  }
  return {
    options,
    host: options.host || 'localhost',
    port: Number(port),
    autoSelect: autoSelectFamily ?? nodeNet.getDefaultAutoSelectFamily(),
    attemptTimeoutMs,
  };
}

/** Errors of the look-up come later than the call of connect(): nobody listens before that. */
function failLater(socket: Socket, error: Error): void {
  process.nextTick(() => socket.destroy(error));
}

function lookUp(socket: Socket, request: Checked): void {
  const { options, host, port, autoSelect } = request;
  const { localAddress, localPort } = options;
  const lookup = options.lookup ?? dns().lookup;
  const literal = nodeNet.isIP(host);
  if (literal !== 0) {
    const remote = { address: host, port, family: literal as Family };
    process.nextTick(() => {
      if (socket.connecting) connectOne(socket, { remote, localAddress, localPort });
    });
    return;
  }
  if (options.lookup != null) validateFunction(options.lookup, 'options.lookup');
  const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : options.family;
  const single = family === 4 || family === 6;
  const query: LookupOptions = {
    family: family!,
    hints: options.hints || (single ? 0 : dns().ADDRCONFIG),
  };
  socket._host = host;
  if (!single && !localAddress && autoSelect) {
    query.all = true;
    lookup(host, query, (error, found) =>
      onAddresses(socket, request, error, found as unknown as LookupAddress[]),
    );
    return;
  }
  lookup(host, query, (error, address, foundFamily) => {
    socket.emit('lookup', error, address, foundFamily, host);
    if (!socket.connecting) return;
    const fault = error ?? faultOf(address, foundFamily, options);
    if (fault) return failLater(socket, fault);
    socket._unrefTimer();
    const remote = { address: address as string, port, family: foundFamily as Family };
    connectOne(socket, { remote, localAddress, localPort });
  });
}

function faultOf(address: unknown, family: unknown, options: ConnectOptions): Error | undefined {
  if (!nodeNet.isIP(address as string)) return invalidIpAddress(address);
  if (family !== 4 && family !== 6) return invalidAddressFamily(family, options.host, options.port);
  return undefined;
}

function onAddresses(socket: Socket, request: Checked, error: Error | null, found: LookupAddress[]): void {
  if (!socket.connecting) return;
  const { host, port, options } = request;
  if (error) {
    socket.emit('lookup', error, undefined, undefined, host);
    return failLater(socket, error);
  }
  for (const { address, family } of found) {
    socket.emit('lookup', error, address, family, host);
    if (!socket.connecting) return;
  }
  const usable = found.filter(({ address, family }) => !faultOf(address, family, options));
  if (usable.length === 0) {
    const fault = faultOf(found[0]?.address, found[0]?.family, options);
    if (fault) failLater(socket, fault);
    return;
  }
  socket._unrefTimer();
  const targets = alternating(usable).map(({ address, family }): Target => {
    return { remote: { address, port, family: family as Family }, localPort: options.localPort };
  });
  if (targets.length === 1) return connectOne(socket, targets[0]!);
  socket.autoSelectFamilyAttemptedAddresses = [];
  new Sequence(socket, targets, request.attemptTimeoutMs).next();
}

/** One of each family in turn, each address once, the first one's family first. */
function alternating(addresses: LookupAddress[]): LookupAddress[] {
  const unique = addresses.filter(
    ({ address }, at) => addresses.findIndex((other) => other.address === address) === at,
  );
  const first = unique.filter(({ family }) => family === unique[0]!.family);
  const second = unique.filter(({ family }) => family !== unique[0]!.family);
  const mixed: LookupAddress[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    mixed.push(...first.slice(i, i + 1), ...second.slice(i, i + 1));
  }
  return mixed;
}

/** Tries the only address there is: its error is the socket's. */
function connectOne(socket: Socket, target: Target): void {
  attempt(socket, target, 0, true, (error) => {
    if (error === undefined) socket._connected();
    else socket.destroy(error);
  });
}

/** Several addresses, one after the other; all but the last for a bounded time. */
class Sequence {
  readonly #socket: Socket;
  readonly #targets: Target[];
  readonly #timeoutMs: number;
  readonly #errors: Error[] = [];
  #next = 0;

  constructor(socket: Socket, targets: Target[], timeoutMs: number) {
    this.#socket = socket;
    this.#targets = targets;
    this.#timeoutMs = timeoutMs;
  }

  next(): void {
    const socket = this.#socket;
    const target = this.#targets[this.#next++];
    if (target === undefined) {
      socket.destroy(this.#errors.length === 0 ? connectionTimeout() : allFailed(this.#errors));
      return;
    }
    if ('address' in target.remote) {
      socket.autoSelectFamilyAttemptedAddresses!.push(`${target.remote.address}:${target.remote.port}`);
    }
    const bounded = this.#next < this.#targets.length;
    attempt(socket, target, bounded ? this.#timeoutMs : 0, false, (error) => {
      if (error === undefined) return socket._connected();
      this.#errors.push(error);
      // A listener may have destroyed the socket.
      if (socket.connecting) this.next();
    });
  }
}

/**
 * Errors that connect(2) gives at once, without having asked the network: node tells the local end with them, and of an
 * only address it emits no 'connectionAttemptFailed'.
 */
const immediateErrors = ['EACCES', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL', 'ENETUNREACH', 'EPERM'];
const isImmediate = ({ code, port }: SystemError): boolean =>
  port !== undefined && immediateErrors.includes(code);

/** `only`: there is no other address. */
function attempt(
  socket: Socket,
  { remote, localAddress, localPort }: Target,
  timeoutMs: number,
  only: boolean,
  done: (error?: Error) => void,
): void {
  const [address, port, family] =
    'path' in remote ? [remote.path, undefined, undefined] : [remote.address, remote.port, remote.family];
  const connection = unopened(socket, domainOf(remote));
  const opened = connection.open(remote);
  if (opened < 0) return done(hostPortError(opened, 'connect', address, port, 'undefined:undefined'));
  if (family !== undefined && (localAddress || localPort)) {
    const own = { address: localAddress || (family === 4 ? '0.0.0.0' : '::'), port: localPort ?? 0, family };
    const errno = bindConnection(connection, own);
    // The kernel takes the number's lower half.
    const failure =
      errno === 0 && localPort! > 0 && connection.local().port !== localPort ? EADDRINUSE : errno;
    if (failure < 0) return done(hostPortError(failure, 'bind', own.address, own.port));
    localAddress = own.address;
  }
  const blocked = isBlocked(socket.blockList, address);
  if (blocked && !only) {
    const error = ipBlocked(address);
    socket.emit('connectionAttemptFailed', address, port, family, error);
    return done(error);
  }
  socket.emit('connectionAttempt', address, port, family);
  if (!socket.connecting) return;
  if (blocked) return done(ipBlocked(address));
  const failed = (errno: number): SystemError => {
    const error = hostPortError(errno, 'connect', address, port);
    if (family === undefined) return error;
    if (isImmediate(error)) {
      return hostPortError(errno, 'connect', address, port, localText(connection));
    }
    if (!localAddress || !localPort) return error;
    const detailed = hostPortError(errno, 'connect', address, port, `${localAddress}:${localPort}`);
    return Object.assign(detailed, { localAddress, localPort });
  };
  const sockaddr = encode(remote);
  if (typeof sockaddr === 'number') {
    process.nextTick(() => done(failed(sockaddr)));
    return;
  }
  const ended = (errno: number, timedOut: boolean): void => {
    if (errno === 0) return done();
    const error = failed(errno);
    if (timedOut) socket.emit('connectionAttemptTimeout', address, port, family);
    else if (errno !== ECANCELED && !(only && isImmediate(error))) {
      socket.emit('connectionAttemptFailed', address, port, family, error);
    }
    done(error);
  };
  socket._whenLeft(() => {
    if (socket._handle === connection) new ConnectAttempt(connection, sockaddr, timeoutMs, ended);
  });
}

/** The socket's connection if it has no descriptor yet; else a new one in its place. */
function unopened(socket: Socket, domain: number): Connection {
  const { _handle: present } = socket;
  if (present?.isUnopened) return present;
  const connection = new Connection(threadRing(), -1, domain);
  socket._adopt(connection);
  return connection;
}

function localText(connection: Connection): string {
  const { address, port } = connection.local();
  return `${address}:${port}`;
}
