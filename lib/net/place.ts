/**
 * Where a server listens: what it was asked for, the socket for it, and what errors and node's cluster module call it.
 *
 * @module
 */
import { ring as threadRing } from '../core/backend.js';
import type { Endpoint } from './address.js';
import { isStreamSocket } from './descriptors.js';
import { EADDRINUSE, EINVAL } from './errors.js';
import { openListening, type ListenFlags } from './listener.js';

/** What a server wants to listen on. `place` null: the descriptor `fd`. A port alone: every address there is. */
export interface Wanted {
  place: Endpoint | { port: number } | null;
  fd?: number;
  flags?: ListenFlags;
  backlog: number;
  readableAll?: boolean | undefined;
  writableAll?: boolean | undefined;
}

/** How a place is told of. */
export interface PlaceName {
  /** `server._connectionKey`. */
  key: string;
  address: string | null;
  port: number | null;
}

const anyAddress = '::';
const noFlags: ListenFlags = { ipv6Only: false, reusePort: false };

/** The number that node has for the kind of address: 4, 6, -1 for a path, null for a descriptor. */
export function addressTypeOf({ place }: Wanted): number | null {
  if (place === null) return null;
  if ('path' in place) return -1;
  return 'family' in place ? place.family : 4;
}

/** The name of what was asked for. */
export function nameOf(wanted: Wanted): PlaceName {
  const { place } = wanted;
  const address =
    place === null ? null : 'path' in place ? place.path : 'address' in place ? place.address : null;
  const port = place === null ? null : 'path' in place ? -1 : place.port;
  return { key: `${addressTypeOf(wanted)}:${address}:${port}`, address, port };
}

/** A socket, bound but not listening yet, or -errno as `fd`; with its name. `endpoint`: where we have bound it. */
export interface Opened extends PlaceName {
  fd: number;
  endpoint?: Endpoint;
}

/** Opens the socket that is wanted, in this process. */
export function openWanted(wanted: Wanted): Opened {
  const { place, flags = noFlags } = wanted;
  if (place === null) return { fd: usableDescriptor(wanted.fd!), ...nameOf(wanted) };
  if ('path' in place || 'address' in place) return openAt(place, flags);
  // Both families where there is IPv6. A port in use is in use for both.
  const both = openAt({ address: anyAddress, port: place.port, family: 6 }, flags);
  if (both.fd >= 0 || both.fd === EADDRINUSE) return both;
  return openAt({ address: '0.0.0.0', port: place.port, family: 4 }, flags);
}

function openAt(endpoint: Endpoint, flags: ListenFlags): Opened {
  return {
    fd: openListening(threadRing(), endpoint, flags),
    endpoint,
    ...nameOf({ place: endpoint, backlog: 0 }),
  };
}

/** The user's own descriptor, or EINVAL if it is no stream socket's. */
function usableDescriptor(fd: number): number {
  // No fraction: the kernel would take what is before the point.
  const isDescriptor = Number.isInteger(fd) && fd < 2 ** 31;
  return isDescriptor && isStreamSocket(fd) ? fd : EINVAL;
}
