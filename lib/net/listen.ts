/**
 * The forms of `server.listen()`, and the places where a server can listen.
 *
 * @module
 */
import dns from 'node:dns';
import { nodeMajor } from '../core/node_version.js';
import { validateAbortSignal } from '../core/validate.js';
import type { Family } from './address.js';
import { isPath, normalizeArguments, toNumber, validatePort } from './arguments.js';
import { invalidArgValue } from './errors.js';
import { Listener } from './listener.js';
import { isNativeHandle, takeBound, type NativeHandle } from './native_handle.js';
import type { Server } from './server.js';

/** Options of `server.listen()`. */
export interface ListenOptions {
  port?: number | string | null;
  host?: string;
  path?: string;
  backlog?: number;
  exclusive?: boolean;
  readableAll?: boolean;
  writableAll?: boolean;
  ipv6Only?: boolean;
  reusePort?: boolean;
  signal?: AbortSignal;
  fd?: number;
}

/** The kernel makes it 512, the next power of two above. */
const defaultBacklog = 511;

/** What a call of listen() asks for. */
export interface ListenRequest {
  options: ListenOptions;
  backlog: number;
  callback: ((...args: unknown[]) => void) | null;
}

/** A handle that somebody else has made. `path`: of a `BoundSocket` with one. */
export interface Adopted {
  handle: Listener | NativeHandle;
  path?: string | undefined;
}

/** The form of a request: exactly one of these. */
export type ListenTarget = { fd: number } | { port: number } | { path: string };

/** The arguments of listen(): `(options)`, `(port, host, backlog)`, `(path, backlog)` or `(handle, backlog)`. */
export function parseListen(args: unknown[]): ListenRequest {
  const [given, callback] = normalizeArguments<ListenOptions & Record<string, unknown>>(args);
  const backlogArgument = toNumber(args.length > 1 && args[1]) || toNumber(args.length > 2 && args[2]);
  const options = (given._handle || given.handle || given) as ListenOptions;
  return { options, callback, backlog: options.backlog || backlogArgument || defaultBacklog };
}

/** The handle to listen with, if it is one that is asked for. */
export function adoptedBy({ options }: ListenRequest): Adopted | undefined {
  if (options instanceof Listener || isNativeHandle(options)) return { handle: options };
  return takeBound(options);
}

/** What is to be listened on, checked. No port at all is any port. */
export function targetOf({ options }: ListenRequest, args: unknown[]): ListenTarget {
  if (typeof options.fd === 'number' && options.fd >= 0) return { fd: options.fd };
  const noPort = args.length === 0 || typeof args[0] === 'function';
  const port = noPort || ('port' in options && options.port == null) ? 0 : options.port;
  if (typeof port === 'number' || typeof port === 'string') {
    validatePort(port, 'options.port');
    return { port: Number(port) };
  }
  const { path, readableAll, writableAll } = options;
  if (path && isPath(path)) {
    if (path.startsWith('\0') && (readableAll || writableAll)) {
      const reason = 'can not set readableAll or writableAllt to true when path is abstract unix socket';
      throw invalidArgValue('options', options, reason);
    }
    return { path };
  }
  if (!('port' in options || 'path' in options)) {
    throw invalidArgValue('options', options, 'must have the property "port" or "path"');
  }
  throw invalidArgValue('options', options);
}

/** The `signal` option: an abort closes the server. */
export function closeOnAbort(server: Server, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  validateAbortSignal(signal);
  const onAbort = (): void => void server.close();
  if (signal.aborted) {
    process.nextTick(onAbort);
    return;
  }
  signal.addEventListener('abort', onAbort, { once: true });
  server.once('close', () => signal.removeEventListener('abort', onAbort));
}

/** A link-local address is usable only on its own link: fe80::/10. */
const isLinkLocal = (address: string): boolean => /^fe[89ab]/i.test(address);

type Found = (error: Error | null, address: string, family: Family) => void;

/** The address of a host: the first; since node 22 the first that is not link-local, if there is one. */
export function lookUpOne(host: string, callback: Found): void {
  if (nodeMajor < 22) {
    dns.lookup(host, callback as Parameters<typeof dns.lookup>[1]);
    return;
  }
  dns.lookup(host, { all: true }, (error, found) => {
    const chosen = found?.find(({ address }) => !isLinkLocal(address)) ?? found?.[0];
    callback(error, chosen?.address as string, (chosen?.family ?? 4) as Family);
  });
}
