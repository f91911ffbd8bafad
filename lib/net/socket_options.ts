/**
 * The options of a socket, checked as node checks them.
 *
 * @module
 */
import type { BlockList } from 'node:net';
import type { DuplexOptions } from 'node:stream';
import { ring as threadRing } from '../core/backend.js';
import { validatedFd, validateInt32 } from '../core/validate.js';
import { Connection } from './connection.js';
import { isStreamSocket } from './descriptors.js';
import { errnoError, invalidArgType, invalidArgValue, outOfRange } from './errors.js';
import { isNativeHandle, takeConnection, type NativeHandle } from './native_handle.js';
import { nodeNet } from './node_net.js';
import type { OnRead } from './socket_user.js';

/** Options of a {@link Socket}. */
export interface SocketOptions extends Omit<DuplexOptions, 'objectMode'> {
  fd?: number;
  readable?: boolean;
  writable?: boolean;
  /** A connection of the ring, or a handle of node's. */
  handle?: Connection | NativeHandle;
  /** @internal */
  pauseOnCreate?: boolean;
  /** @internal */
  manualStart?: boolean;
  onread?: OnRead;
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  typeOfService?: number;
  blockList?: BlockList;
}

/** What `socket.setKeepAlive()` has been told. Seconds. */
export interface KeepAlive {
  enable: boolean;
  delay: number;
  interval?: number | undefined;
  count?: number | undefined;
}

/** The arguments of `socket.setKeepAlive()`; times in ms. Node 20 and 22 take the first two. */
export type KeepAliveArguments = [
  enable?: boolean | { enable?: boolean; initialDelay?: number; interval?: number; count?: number },
  initialDelay?: number,
  interval?: number,
  count?: number,
];

const takesProbes = nodeNet.Socket.prototype.setKeepAlive.length > 2;
const seconds = (ms: number | undefined): number => ~~(ms! / 1000);

/** As the node that runs reads them. */
export function keepAliveOf([enable, initialDelay, interval, count]: KeepAliveArguments): KeepAlive {
  if (!takesProbes) return { enable: Boolean(enable), delay: seconds(initialDelay) };
  if (typeof enable === 'object' && enable !== null) ({ enable, initialDelay, interval, count } = enable);
  return {
    enable: Boolean(enable),
    delay: seconds(initialDelay),
    interval: interval === undefined ? undefined : seconds(interval),
    count,
  };
}

/** The longest time that node's timers take. */
const timeoutMax = 2 ** 31 - 1;

/** A copy of the options, with what a socket's stream has in any case; a number is a descriptor. */
export function checkedOptions(options: SocketOptions | number | undefined): SocketOptions {
  const given: SocketOptions & Record<string, unknown> = {
    ...(typeof options === 'number' ? { fd: options } : options),
    emitClose: false,
    autoDestroy: true,
    decodeStrings: false,
  };
  given.allowHalfOpen = Boolean(given.allowHalfOpen);
  for (const mode of ['objectMode', 'readableObjectMode', 'writableObjectMode']) {
    if (given[mode]) throw invalidArgValue(`options.${mode}`, given[mode], 'is not supported');
  }
  const delay = given.keepAliveInitialDelay;
  if (delay !== undefined) {
    if (typeof delay !== 'number') {
      throw invalidArgType('options.keepAliveInitialDelay', 'of type number', delay);
    }
    given.keepAliveInitialDelay = Math.max(delay, 0);
  }
  if (given.typeOfService !== undefined) validateInt32(given.typeOfService, 'options.typeOfService', 0, 255);
  return given;
}

/** A descriptor that the user brings: a stream socket's, since {@link isForNode} has not taken it. */
export function openDescriptor(fd: number): Connection {
  validatedFd(fd);
  return Connection.on(threadRing(), fd);
}

/** The connection of the `handle` option. */
export function adoptedConnection(handle: Connection | NativeHandle): Connection {
  if (handle instanceof Connection) return handle;
  const connection = takeConnection(handle);
  if (typeof connection === 'number') throw errnoError(connection, 'open');
  return connection;
}

/**
 * Whether node's own Socket is for these options: a handle that is no connected socket's (one of tls, a `BoundSocket`, or
 * the user's own); a pipe or FIFO, or what else is no stream socket, which node refuses; or standard input and output, which
 * have to be written before process.exit() ends the process.
 */
export function isForNode({ handle, fd }: SocketOptions): boolean {
  if (handle) return !(handle instanceof Connection || isNativeHandle(handle));
  if (typeof fd !== 'number' || !Number.isInteger(fd) || fd < 0 || fd > 2 ** 31 - 1) return false;
  return fd <= 2 || !isStreamSocket(fd);
}

/** A time of a timer, in ms. */
export function timerDuration(msecs: unknown): number {
  if (typeof msecs !== 'number') throw invalidArgType('msecs', 'of type number', msecs);
  if (msecs < 0 || !Number.isFinite(msecs)) {
    throw outOfRange('msecs', 'a non-negative finite number', msecs);
  }
  if (msecs <= timeoutMax) return msecs;
  process.emitWarning(
    `${msecs} does not fit into a 32-bit signed integer.\nTimer duration was truncated to ${timeoutMax}.`,
    'TimeoutOverflowWarning',
  );
  return timeoutMax;
}
