/**
 * The errors of node:net, in its words: class, `code`, message and order of properties.
 *
 * @module
 */
import { format } from '../core/node_util.js';
import {
  codedError,
  CodedError,
  CodedRangeError,
  CodedTypeError,
  describeErrno,
  networkError,
  type SystemError,
} from '../core/errors.js';

export { invalidArgType, invalidArgValue, outOfRange } from '../core/errors.js';

/** Errors of libuv's numbering, which on Linux is the kernel's, negative. */
export const ENOENT = -2;
export const EINTR = -4;
export const EBADF = -9;
export const EAGAIN = -11;
export const ENOMEM = -12;
export const EACCES = -13;
export const EFAULT = -14;
export const EINVAL = -22;
export const ENFILE = -23;
export const EMFILE = -24;
export const EPIPE = -32;
export const EPROTO = -71;
export const EADDRINUSE = -98;
export const ECONNABORTED = -103;
export const ECONNRESET = -104;
export const ENOBUFS = -105;
export const ENOTCONN = -107;
export const ETIMEDOUT = -110;
export const ECANCELED = -125;

/** `read ECONNRESET`. */
export function errnoError(errno: number, syscall: string): SystemError {
  const [code] = describeErrno(errno);
  const error = new Error(`${syscall} ${code}`) as SystemError;
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  return error;
}

/** `connect ECONNREFUSED 127.0.0.1:1 - Local (127.0.0.1:2)`. */
export function hostPortError(
  errno: number,
  syscall: string,
  address: string,
  port?: number,
  local?: string,
): SystemError {
  const error = networkError(errno, syscall, address, port);
  if (local) error.message += ` - Local (${local})`;
  return error;
}

/** `listen EADDRINUSE: address already in use :::8080`. */
export function listenError(errno: number, address: string | null, port: number | null): SystemError {
  const [code, text] = describeErrno(errno);
  const where = port !== null && port > 0 ? ` ${address}:${port}` : address ? ` ${address}` : '';
  const error = new Error(`listen ${code}: ${text}${where}`) as SystemError;
  error.code = code;
  error.errno = errno;
  error.syscall = 'listen';
  error.address = address!;
  if (port) error.port = port;
  return error;
}

export const socketClosed = (): Error =>
  codedError(CodedError, 'ERR_SOCKET_CLOSED', 'Socket is closed', socketClosed);

export const closedBeforeConnection = (): Error =>
  codedError(
    CodedError,
    'ERR_SOCKET_CLOSED_BEFORE_CONNECTION',
    'Socket closed before the connection was established',
    closedBeforeConnection,
  );

export const connectionTimeout = (): Error =>
  codedError(CodedError, 'ERR_SOCKET_CONNECTION_TIMEOUT', 'Socket connection timeout', connectionTimeout);

export const alreadyListening = (): Error =>
  codedError(
    CodedError,
    'ERR_SERVER_ALREADY_LISTEN',
    'Listen method has been called more than once without closing.',
    alreadyListening,
  );

export const notRunning = (): Error =>
  codedError(CodedError, 'ERR_SERVER_NOT_RUNNING', 'Server is not running.', notRunning);

export const missingConnectArguments = (): Error =>
  codedError(
    CodedTypeError,
    'ERR_MISSING_ARGS',
    'The "options" or "port" or "path" argument must be specified',
    missingConnectArguments,
  );

export const invalidIpAddress = (address: unknown): Error =>
  codedError(
    CodedTypeError,
    'ERR_INVALID_IP_ADDRESS',
    format('Invalid IP address: %s', address),
    invalidIpAddress,
  );

export const ipBlocked = (address: string): Error => {
  const message = `IP(${address}) is blocked by net.BlockList`;
  return codedError(CodedError, 'ERR_IP_BLOCKED', message, ipBlocked);
};

export const invalidHandleType = (): Error =>
  codedError(CodedTypeError, 'ERR_INVALID_HANDLE_TYPE', 'This handle type cannot be sent', invalidHandleType);

/** ERR_INVALID_ADDRESS_FAMILY. */
export function invalidAddressFamily(family: unknown, host: unknown, port: unknown): Error {
  const message = `Invalid address family: ${String(family)} ${String(host)}:${String(port)}`;
  const error = codedError(CodedRangeError, 'ERR_INVALID_ADDRESS_FAMILY', message, invalidAddressFamily);
  return Object.assign(error, { host, port });
}

/** All addresses of a host have failed: an AggregateError with the first one's code. */
export function allFailed(errors: Error[]): Error {
  const error = new AggregateError(errors, '');
  const { code } = errors[0] as { code?: string };
  Error.captureStackTrace(error, allFailed);
  error.stack = `AggregateError [${code}]: ${error.stack!.replace(/^.*/, '')}`;
  return Object.assign(error, { code });
}

/** Text that is said to be bytes already. */
export function notABuffer(): Error {
  return Object.assign(new TypeError('Second argument must be a buffer'), { code: 'ERR_INVALID_ARG_TYPE' });
}

/** The other side has ended, and this side writes on although it is not half-open. */
export function endedByPeer(): Error {
  return Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' });
}
