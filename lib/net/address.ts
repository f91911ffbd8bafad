/**
 * Addresses of sockets, as node shows them and as the kernel takes them.
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import { AF_INET, AF_INET6, AF_UNIX, SOL_SOCKET } from '../core/constants.js';
import { loadBinding } from '../core/binding.js';

/** socket(7); not among the constants that users of the core need. */
const SO_DOMAIN = 39;

/** Node's number for the address family of TCP sockets. */
export type Family = 4 | 6;

/** Where to connect to, or to listen: an internet address, or the path of a Unix socket. */
export type Endpoint = { address: string; port: number; family: Family } | { path: string };

/** The kernel's number for the endpoint's address family. */
export function domainOf(endpoint: Endpoint): number {
  if ('path' in endpoint) return AF_UNIX;
  return endpoint.family === 6 ? AF_INET6 : AF_INET;
}

/** A raw sockaddr, or -errno: EINVAL for what is no address, ENAMETOOLONG or EINVAL for a path over 107 bytes. */
export function encode(endpoint: Endpoint): Uint8Array | number {
  if ('path' in endpoint) return loadBinding().encodeAddress(AF_UNIX, endpoint.path, 0);
  return loadBinding().encodeAddress(domainOf(endpoint), endpoint.address, endpoint.port);
}

/** What `address()` returns before there is one, and for Unix sockets. */
export type MaybeAddress = AddressInfo | Record<string, never>;

/** Puts an address into `out`; nothing for Unix sockets. 0, or -errno. */
function decode(sockaddr: Uint8Array | number, out: object): number {
  if (typeof sockaddr === 'number') return sockaddr;
  const decoded = loadBinding().decodeAddress(sockaddr);
  if (decoded !== undefined && !('path' in decoded)) {
    const { address, family, port } = decoded;
    Object.assign(out, { address, family, port });
  }
  return 0;
}

/** AF_UNIX, AF_INET or AF_INET6, or -errno. */
export function socketDomain(fd: number): number {
  return loadBinding().getsockopt(fd, SOL_SOCKET, SO_DOMAIN);
}

/** The socket's own address, into `out`, as node's handles give it. 0, or -errno. */
export function localAddress(fd: number, out: object): number {
  return decode(loadBinding().getsockname(fd), out);
}

/** The peer's address, into `out`. 0, or -errno: it is no longer connected. */
export function remoteAddress(fd: number, out: object): number {
  return decode(loadBinding().getpeername(fd), out);
}

/** What `read` puts into its argument. */
export function addressBy(read: (out: object) => number): MaybeAddress {
  const out = {};
  read(out);
  return out;
}
