/**
 * Operations on sockets.
 *
 * Every constructor also takes `{ signal, timeout, ring, flags }` ({@link OperationOptions}). `fd` is a descriptor or
 * a DirectDescriptor; EBADF and ENOTSOCK are errors of all of them. MSG_NOSIGNAL is always set: a broken connection is
 * the error EPIPE, never a signal.
 *
 * @module
 */
import { decodeAddress, encodeAddress, type SocketAddress } from './address.js';
import { OWNED } from './binding.js';
import { validatedBuffers, type ProvidedBufferOptions } from './buffers.js';
import { MSG_NOSIGNAL, SHUT_WR, SOCK_CLOEXEC, SOCK_STREAM, SOMAXCONN } from './constants.js';
import type { DirectDescriptor } from './direct.js';
import {
  closeUnwanted,
  descriptorResult,
  ordinary,
  ringOfBoth,
  validatedDescriptor,
  validatedFileIndex,
  type Descriptor,
} from './direct.js';
import { invalidArgType, invalidArgValue } from './errors.js';
import { MultishotOperation, type MultishotOptions } from './multishot.js';
import { Operation, type OperationOptions } from './operation.js';
import {
  validatedRange,
  validatedView,
  totalBytes,
  unchanged,
  validatedViews,
  validateBoolean,
  validateInt32,
  validateOneOf,
} from './validate.js';

/** Options of {@link socket} and {@link accept}. */
export interface NewSocketOptions extends OperationOptions {
  /** SOCK_NONBLOCK and the like. io_uring needs no non-blocking sockets. SOCK_CLOEXEC is always set. */
  socketFlags?: number;
  /** A direct descriptor, at an index of the kernel's choice (true) or this one. */
  direct?: boolean | number;
}

/** Direct descriptors are never inherited, and the kernel refuses the flag there. */
function socketFlagsOf(options: NewSocketOptions, fileIndex: number): number {
  const { socketFlags = 0 } = options;
  validateInt32(socketFlags, 'options.socketFlags', 0);
  return fileIndex === ordinary ? socketFlags | SOCK_CLOEXEC : socketFlags;
}

/**
 * Makes a socket: AF_*, SOCK_*; resolves to its descriptor. Errors: EAFNOSUPPORT, EPROTONOSUPPORT, EACCES, EMFILE,
 * ENFILE. Since 5.19. socket(2).
 */
export function socket(
  domain: number,
  type: number,
  options: NewSocketOptions & { protocol?: number; direct: true | number },
): Operation<DirectDescriptor>;
export function socket(
  domain: number,
  type?: number,
  options?: NewSocketOptions & { protocol?: number; direct?: false },
): Operation<number>;
export function socket(
  domain: number,
  type: number = SOCK_STREAM,
  options: NewSocketOptions & { protocol?: number } = {},
): Operation<Descriptor> {
  validateInt32(domain, 'domain', 0);
  validateInt32(type, 'type', 0);
  const { protocol = 0 } = options;
  validateInt32(protocol, 'options.protocol', 0);
  const fileIndex = validatedFileIndex(options.direct);
  const typeAndFlags = type | socketFlagsOf(options, fileIndex);
  return new Operation<Descriptor>(
    'socket',
    (native, f, t) => native.socket(f, t, domain, typeAndFlags, protocol, fileIndex),
    options,
    descriptorResult(fileIndex),
  );
}

/**
 * Gives the socket an address. Errors: EADDRINUSE, EADDRNOTAVAIL, EACCES, EINVAL (bound already), ENOENT. Since 6.11.
 * bind(2).
 */
export function bind(
  fd: Descriptor,
  address: SocketAddress,
  options: OperationOptions = {},
): Operation<void> {
  const file = validatedDescriptor(fd);
  const { sockaddr, ...error } = encodeAddress(address);
  return new Operation<void>('bind', (native, f, t) => native.bind(f, t, file.fd, sockaddr), options, {
    ...file,
    error,
    decode: () => {},
  });
}

/**
 * Begins to listen. `backlog` is cut to net.core.somaxconn. Errors: EADDRINUSE, EOPNOTSUPP, EINVAL. Since 6.11.
 * listen(2).
 */
export function listen(
  fd: Descriptor,
  backlog: number = SOMAXCONN,
  options: OperationOptions = {},
): Operation<void> {
  const file = validatedDescriptor(fd);
  validateInt32(backlog, 'backlog', 0);
  return new Operation<void>('listen', (native, f, t) => native.listen(f, t, file.fd, backlog), options, {
    ...file,
    decode: () => {},
  });
}

/**
 * Accepts one connection; resolves to its descriptor (`peerAddress(fd)` tells whose). One that a cancelled accept
 * brings late is closed. Errors: ECONNABORTED, EMFILE, ENFILE, ENOBUFS, EINVAL (not listening). Since 5.5. accept4(2).
 */
export function accept(
  fd: Descriptor,
  options: NewSocketOptions & { direct: true | number },
): Operation<DirectDescriptor>;
export function accept(fd: Descriptor, options?: NewSocketOptions & { direct?: false }): Operation<number>;
export function accept(fd: Descriptor, options: NewSocketOptions = {}): Operation<Descriptor> {
  const file = validatedDescriptor(fd);
  const fileIndex = validatedFileIndex(options.direct);
  const acceptFlags = socketFlagsOf(options, fileIndex);
  return new Operation<Descriptor>(
    'accept',
    (native, f, t) => native.accept(f, t, file.fd, acceptFlags, fileIndex),
    options,
    { ...file, ...descriptorResult(fileIndex) },
  );
}

/** ECONNABORTED: the peer has given up before its turn. EINTR, EAGAIN: nothing has happened. */
const transientAcceptErrors = [-103, -4, -11] as const;

/**
 * Accepts connections, each as a descriptor, from one request. Leaving the loop stops it and closes the connections
 * that nobody took. Errors: EMFILE, ENFILE, ENOBUFS, EINVAL. Since 5.19.
 */
export function acceptMultishot(
  fd: Descriptor,
  options: NewSocketOptions & MultishotOptions & { direct: true },
): MultishotOperation<DirectDescriptor>;
export function acceptMultishot(
  fd: Descriptor,
  options?: NewSocketOptions & MultishotOptions & { direct?: false },
): MultishotOperation<number>;
export function acceptMultishot(
  fd: Descriptor,
  options: NewSocketOptions & MultishotOptions = {},
): MultishotOperation<Descriptor> {
  const file = validatedDescriptor(fd);
  const { direct = false } = options;
  validateBoolean(direct, 'options.direct');
  const fileIndex = validatedFileIndex(direct);
  const acceptFlags = socketFlagsOf(options, fileIndex);
  return new MultishotOperation<Descriptor>(
    'accept',
    (native, f, t) => native.acceptMultishot(f | OWNED, t, file.fd, acceptFlags, direct),
    options,
    {
      ...file,
      // From here on it is the caller's to close, in whatever way.
      handOver: (file, ring) => void (typeof file === 'number' && ring.native.disown(file)),
      decode: descriptorResult(fileIndex).decode,
      transient: transientAcceptErrors,
      discard: closeUnwanted,
    },
  );
}

/**
 * Connects. A Unix server that has no room for another connection is waited for, by a kernel worker, unless the socket is
 * SOCK_NONBLOCK. Errors: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, EISCONN, EACCES, ENOENT (Unix),
 * EAGAIN (Unix, SOCK_NONBLOCK). Since 5.5. connect(2).
 */
export function connect(
  fd: Descriptor,
  address: SocketAddress,
  options: OperationOptions = {},
): Operation<void> {
  const file = validatedDescriptor(fd);
  const { sockaddr, ...error } = encodeAddress(address);
  return new Operation<void>('connect', (native, f, t) => native.connect(f, t, file.fd, sockaddr), options, {
    ...file,
    error,
    decode: () => {},
  });
}

/** Which part of a buffer, and MSG_* flags. */
export interface MessageOptions extends OperationOptions {
  /** First byte of the buffer. Default 0. */
  offset?: number;
  /** How many bytes. Default: to the end of the buffer. */
  length?: number;
  /** MSG_* flags. MSG_WAITALL makes a stream send or receive everything before it completes. */
  msgFlags?: number;
}

function msgFlagsOf(options: { msgFlags?: number }): number {
  const { msgFlags = 0 } = options;
  validateInt32(msgFlags, 'options.msgFlags');
  return msgFlags;
}

/**
 * Sends; resolves to the count of bytes, which may be short without MSG_WAITALL. The buffer is held, and must not be
 * changed, until then. Errors: EPIPE, ECONNRESET, ENOTCONN, EMSGSIZE, EAGAIN (MSG_DONTWAIT). Since 5.6. send(2).
 */
export function send(
  fd: Descriptor,
  buffer: NodeJS.ArrayBufferView,
  options: MessageOptions = {},
): Operation<number> {
  const file = validatedDescriptor(fd);
  const { view, offset, length } = validatedRange(buffer, options.offset, options.length);
  const msgFlags = msgFlagsOf(options) | MSG_NOSIGNAL;
  return new Operation(
    'send',
    (native, f, t) =>
      native.send(f, t, file.fd, validatedRange(view, offset, length).view, offset, length, msgFlags, false),
    options,
    { ...file, keep: view },
  );
}

/**
 * Sends without a copy: the network card reads the buffer itself. Resolves to the count of bytes at the first
 * completion; the buffer stays held, and must not be changed, until `released` resolves (the peer has acknowledged the
 * data, or the kernel has made a copy). Pays from some 10 KiB on. Errors as {@link send}; EOPNOTSUPP where the
 * protocol cannot do it, ENOMEM over the limit of locked memory. Since 6.0.
 *
 * Not with `flags: { drain: true }`: such a send waits for its own notification, and everything behind it does, too.
 */
export function sendZc(
  fd: Descriptor,
  buffer: NodeJS.ArrayBufferView,
  options: MessageOptions = {},
): Operation<number> {
  const file = validatedDescriptor(fd);
  const { view, offset, length } = validatedRange(buffer, options.offset, options.length);
  const msgFlags = msgFlagsOf(options) | MSG_NOSIGNAL;
  if (options.flags?.drain) {
    throw invalidArgValue('options.flags', options.flags, 'must not have drain for a send without a copy');
  }
  return new Operation(
    'send',
    (native, f, t) =>
      native.sendZc(f, t, file.fd, validatedRange(view, offset, length).view, offset, length, msgFlags),
    options,
    { ...file, keep: view },
  );
}

/**
 * Sends several buffers, one after the other, to `address` if there is one. At most 1024 buffers. Resolves to the
 * count of bytes. Errors as {@link send}; EISCONN, EDESTADDRREQ. Since 5.3. sendmsg(2).
 */
export function sendmsg(
  fd: Descriptor,
  buffers: readonly NodeJS.ArrayBufferView[],
  options: OperationOptions & { address?: SocketAddress; msgFlags?: number } = {},
): Operation<number> {
  const file = validatedDescriptor(fd);
  const views = validatedViews(buffers);
  const bytes = totalBytes(views);
  const sockaddr = options.address === undefined ? null : encodeAddress(options.address).sockaddr;
  const msgFlags = msgFlagsOf(options) | MSG_NOSIGNAL;
  return new Operation(
    'sendmsg',
    (native, f, t) => native.sendmsg(f, t, file.fd, unchanged(views, bytes), sockaddr, msgFlags),
    options,
    { ...file, keep: views },
  );
}

/**
 * Receives into `buffer`; resolves to the count of bytes, 0 after the peer's FIN. A receive that is cancelled in the
 * moment when data comes has still put it into the buffer: `released` resolves to how much. Errors: ECONNRESET,
 * ENOTCONN, EAGAIN (MSG_DONTWAIT). Since 5.6. recv(2).
 */
export function recv(
  fd: Descriptor,
  buffer: NodeJS.ArrayBufferView,
  options: MessageOptions = {},
): Operation<number> {
  const file = validatedDescriptor(fd);
  const { view, offset, length } = validatedRange(buffer, options.offset, options.length);
  const msgFlags = msgFlagsOf(options);
  return new Operation(
    'recv',
    (native, f, t) =>
      native.recv(f, t, file.fd, validatedRange(view, offset, length).view, offset, length, msgFlags),
    options,
    { ...file, keep: view },
  );
}

/** A message that {@link recvmsg} has received. */
export interface ReceivedMessage {
  /** How many came. */
  bytes: number;
  /** The sender's address, of datagrams. */
  address: SocketAddress | undefined;
  /** MSG_TRUNC: the datagram was longer than the buffers. */
  msgFlags: number;
}

/** What recvmsg provides for an address: more than any sockaddr takes. */
const addressBytes = 128;

/**
 * Receives into several buffers, one after the other, with the sender's address. At most 1024 buffers. Errors as
 * {@link recv}. Since 5.3. recvmsg(2).
 */
export function recvmsg(
  fd: Descriptor,
  buffers: readonly NodeJS.ArrayBufferView[],
  options: OperationOptions & { msgFlags?: number } = {},
): Operation<ReceivedMessage> {
  const file = validatedDescriptor(fd);
  const views = validatedViews(buffers);
  const bytes = totalBytes(views);
  const msgFlags = msgFlagsOf(options);
  const address = new Uint8Array(addressBytes);
  return new Operation<ReceivedMessage>(
    'recvmsg',
    (native, f, t) => native.recvmsg(f, t, file.fd, unchanged(views, bytes), address, msgFlags),
    options,
    {
      ...file,
      keep: [views, address],
      decode: (bytes, _flags, aux) => {
        const nameBytes = Math.min(aux & 0xffff, addressBytes);
        return {
          bytes,
          address: nameBytes > 0 ? decodeAddress(address.subarray(0, nameBytes)) : undefined,
          msgFlags: aux >>> 16,
        };
      },
    },
  );
}

/**
 * Receives again and again into provided buffers, from one request; iterates over chunks until the peer's FIN. Leaving
 * the loop stops it; data that has arrived and that nobody took begins the next iteration. Errors as {@link recv}.
 * Since 6.0.
 */
export function recvMultishot(
  fd: Descriptor,
  options: ProvidedBufferOptions & { msgFlags?: number } = {},
): MultishotOperation<Buffer> {
  const file = validatedDescriptor(fd);
  const buffers = validatedBuffers(options);
  const msgFlags = msgFlagsOf(options);
  return new MultishotOperation<Buffer>(
    'recv',
    (native, f, t, ring) => native.recvMultishot(f, t, file.fd, buffers(ring).group, msgFlags, 0),
    options,
    {
      ...file,
      ring: ringOfBoth(file, options.buffers),
      buffers,
      zeroEnds: true,
      decode: (res, flags, aux, ring) => buffers(ring).take(flags >>> 16, aux, res, flags),
    },
  );
}

/** Ends one or both directions: SHUT_*. Errors: ENOTCONN, EINVAL. Since 5.11. shutdown(2). */
export function shutdown(
  fd: Descriptor,
  how: number = SHUT_WR,
  options: OperationOptions = {},
): Operation<void> {
  const file = validatedDescriptor(fd);
  validateOneOf(how, 'how', [0, 1, 2]);
  return new Operation<void>('shutdown', (native, f, t) => native.shutdown(f, t, file.fd, how), options, {
    ...file,
    decode: () => {},
  });
}

/**
 * A socket option's value: an int, or with `length` a Buffer of at most so many bytes. The kernel's command covers
 * SOL_SOCKET only. Errors: ENOPROTOOPT, EOPNOTSUPP (another level), EINVAL. Since 6.7. getsockopt(2).
 */
export function getsockopt(
  fd: Descriptor,
  level: number,
  name: number,
  options: OperationOptions & { length: number },
): Operation<Buffer>;
export function getsockopt(
  fd: Descriptor,
  level: number,
  name: number,
  options?: OperationOptions & { length?: undefined },
): Operation<number>;
export function getsockopt(
  fd: Descriptor,
  level: number,
  name: number,
  options: OperationOptions & { length?: number | undefined } = {},
): Operation<Buffer | number> {
  const file = validatedDescriptor(fd);
  validateInt32(level, 'level');
  validateInt32(name, 'name');
  if (options.length !== undefined) validateInt32(options.length, 'options.length', 1, 65536);
  const out = Buffer.alloc(options.length ?? 4);
  return new Operation<Buffer | number>(
    'getsockopt',
    (native, f, t) => native.getsockopt(f, t, file.fd, level, name, out),
    options,
    {
      ...file,
      keep: out,
      decode: (res) => (options.length === undefined ? out.readInt32LE() : out.subarray(0, res)),
    },
  );
}

/**
 * Sets a socket option, to an int or to bytes. Errors: ENOPROTOOPT, EINVAL, EPERM. Since 6.7. setsockopt(2).
 */
export function setsockopt(
  fd: Descriptor,
  level: number,
  name: number,
  value: number | boolean | NodeJS.ArrayBufferView,
  options: OperationOptions = {},
): Operation<void> {
  const file = validatedDescriptor(fd);
  validateInt32(level, 'level');
  validateInt32(name, 'name');
  let bytes: Uint8Array;
  if (typeof value === 'number' || typeof value === 'boolean') {
    validateInt32(Number(value), 'value');
    bytes = Buffer.alloc(4);
    (bytes as Buffer).writeInt32LE(Number(value));
  } else if (ArrayBuffer.isView(value)) {
    bytes = validatedView(value, 'value');
  } else {
    throw invalidArgType(
      'value',
      'of type number or boolean or an instance of Buffer, TypedArray, or DataView',
      value,
    );
  }
  return new Operation<void>(
    'setsockopt',
    (native, f, t) => native.setsockopt(f, t, file.fd, level, name, bytes),
    options,
    { ...file, keep: bytes, decode: () => {} },
  );
}
