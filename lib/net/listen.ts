/**
 * The forms of `server.listen()`, and the places where a server can listen.
 *
 * @module
 */
import { validateAbortSignal } from '../core/validate.js';
import type { Endpoint } from './address.js';
import { isPath, normalizeArguments, toNumber, validatePort } from './arguments.js';
import { invalidArgValue } from './errors.js';
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

/** The form of a request: exactly one of these. */
export type ListenTarget = { fd: number } | { port: number } | { path: string };

/** The arguments of listen(): `(options)`, `(port, host, backlog)`, `(path, backlog)` or `(handle, backlog)`. */
export function parseListen(args: unknown[]): ListenRequest {
  const [given, callback] = normalizeArguments<ListenOptions & Record<string, unknown>>(args);
  const backlogArgument = toNumber(args.length > 1 && args[1]) || toNumber(args.length > 2 && args[2]);
  const options = (given._handle || given.handle || given) as ListenOptions;
  return { options, callback, backlog: options.backlog || backlogArgument || defaultBacklog };
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

/** Where a server listens, as it was asked for and as errors tell it. */
export interface Place {
  endpoint: Endpoint;
  ipv6Only: boolean;
}

/** What node's cluster module calls the place. */
export function keyOf(place: Place | null): string {
  if (place === null) return 'null:null:null';
  const { endpoint } = place;
  return 'path' in endpoint
    ? `-1:${endpoint.path}:-1`
    : `${endpoint.family}:${endpoint.address}:${endpoint.port}`;
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
