/**
 * Socket addresses: between node's way to write them and the kernel's struct sockaddr.
 *
 * @module
 */
import { loadBinding } from './binding.js';
import { AF_INET, AF_INET6, AF_UNIX } from './constants.js';
import { invalidArgType, invalidArgValue, systemError } from './errors.js';
import { validatedFd, validatedPath, validatedPort, validateObject, validateString } from './validate.js';

/** An internet address: a literal, not a host name. */
export interface InternetAddress {
  /** Default: what the address looks like. */
  family?: 'IPv4' | 'IPv6';
  /** `'127.0.0.1'`, `'::1'`, `'fe80::1%eth0'`. */
  address: string;
  /** 0 to 65535. */
  port: number;
}

/** The address of a Unix socket; a path that begins with a null byte is in the abstract name space. */
export interface UnixAddress {
  /** At most 107 bytes. */
  path: string;
}

/** An address of either kind. */
export type SocketAddress = InternetAddress | UnixAddress;

/** An address, checked and encoded: the raw sockaddr, and what errors say of it. */
export interface EncodedAddress {
  /** As the kernel takes it. */
  sockaddr: Uint8Array;
  /** The host, or the path. */
  address: string;
  /** Undefined for Unix sockets. */
  port: number | undefined;
}

/** Encodes an address as `struct sockaddr_in`, `sockaddr_in6` or `sockaddr_un`. */
export function encodeAddress(address: SocketAddress): EncodedAddress {
  validateObject(address, 'address');
  const binding = loadBinding();
  if ('path' in address) {
    const path: unknown = address.path;
    const bytes =
      typeof path === 'string' && path.startsWith('\0') ? path : validatedPath(path, 'address.path');
    const sockaddr = binding.encodeAddress(AF_UNIX, bytes, 0);
    // 108 bytes are all that sun_path holds.
    if (typeof sockaddr === 'number') throw systemError(sockaddr, 'bind', { path: bytes });
    return { sockaddr, address: String(path), port: undefined };
  }
  validateString(address.address, 'address.address');
  const { family } = address;
  if (family !== undefined && family !== 'IPv4' && family !== 'IPv6') {
    throw invalidArgValue('address.family', family, "must be 'IPv4' or 'IPv6'");
  }
  const port = validatedPort(address.port, 'address.port');
  const isV6 = family === undefined ? address.address.includes(':') : family === 'IPv6';
  const sockaddr = binding.encodeAddress(isV6 ? AF_INET6 : AF_INET, address.address, port);
  if (typeof sockaddr === 'number') {
    throw invalidArgValue('address.address', address.address, 'must be an IP address');
  }
  return { sockaddr, address: address.address, port };
}

/** Decodes a struct sockaddr; undefined for families other than IPv4, IPv6 and Unix, and for unnamed sockets. */
export function decodeAddress(sockaddr: Uint8Array): SocketAddress | undefined {
  if (!(sockaddr instanceof Uint8Array)) {
    throw invalidArgType('sockaddr', 'an instance of Uint8Array', sockaddr);
  }
  return loadBinding().decodeAddress(sockaddr);
}

/** The address that a socket is bound to: getsockname(2), at once. */
export function localAddress(fd: number): SocketAddress | undefined {
  const sockaddr = loadBinding().getsockname(validatedFd(fd));
  if (typeof sockaddr === 'number') throw systemError(sockaddr, 'getsockname');
  return decodeAddress(sockaddr);
}

/** The address that a socket is connected to: getpeername(2), at once. */
export function peerAddress(fd: number): SocketAddress | undefined {
  const sockaddr = loadBinding().getpeername(validatedFd(fd));
  if (typeof sockaddr === 'number') throw systemError(sockaddr, 'getpeername');
  return decodeAddress(sockaddr);
}
