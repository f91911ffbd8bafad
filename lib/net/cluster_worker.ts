/**
 * Servers in the workers of a cluster. Node's own cluster module asks the primary for the place. By default
 * (`SCHED_RR`) the primary accepts, and hands connections out in turn; with `SCHED_NONE` every worker accepts from the
 * same socket.
 *
 * @module
 */
import { ring as threadRing } from '../core/backend.js';
import { EADDRINUSE } from './errors.js';
import { Listener } from './listener.js';
import { isNativeHandle, setOwner, type ServerHandle } from './native_handle.js';
import { clusterModule } from './node_net.js';
import { addressTypeOf, nameOf, type Wanted } from './place.js';

/** Libuv's numbers, which the primary passes on. */
const UV_TCP_IPV6ONLY = 1;
const UV_TCP_REUSEPORT = 2;

interface Cluster {
  _getServer(
    server: object,
    query: object,
    callback: (errno: number, handle: ServerHandle | null) => void,
  ): void;
}

/** Calls back with what to listen with, or with -errno. */
export function askPrimary(
  server: object,
  wanted: Wanted,
  callback: (errno: number, handle: ServerHandle | null) => void,
): void {
  const { place, fd, flags, backlog, readableAll, writableAll } = wanted;
  const { address, port } = nameOf(wanted);
  const query = {
    address,
    port,
    addressType: addressTypeOf(wanted),
    fd,
    flags: (flags?.ipv6Only ? UV_TCP_IPV6ONLY : 0) | (flags?.reusePort ? UV_TCP_REUSEPORT : 0),
    backlog,
    ...(place !== null && 'path' in place ? { readableAll, writableAll } : undefined),
  };
  (clusterModule() as unknown as Cluster)._getServer(server, query, (errno, handle) => {
    const failure = errno || wrongPort(port, handle);
    if (failure < 0 || !isNativeHandle(handle)) {
      callback(failure, handle);
      return;
    }
    // A worker that disconnects closes the owners of the handles it has got.
    setOwner(handle, server);
    const listener = Listener.over(threadRing(), handle);
    if (typeof listener === 'number') handle.close();
    if (typeof listener === 'number') callback(listener, null);
    else callback(0, listener);
  });
}

/** Libuv tells of a port in use only when it is asked to listen; until then the socket has another port. */
function wrongPort(port: number | null, handle: ServerHandle | null): number {
  if (port === null || port <= 0 || !handle?.getsockname) return 0;
  const out: { port?: number } = {};
  return handle.getsockname(out) || (out.port === port ? 0 : EADDRINUSE);
}
