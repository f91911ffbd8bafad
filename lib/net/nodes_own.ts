/**
 * The sockets and servers that node's own constructors make, even if they are asked of ringcore's: node's tls, tty,
 * http2 and child_process hand over handles of node's C++ that only node's own classes can work with, and TLS is faster
 * where it encrypts below JavaScript.
 *
 * @module
 */
import { Connection } from './connection.js';

/** A socket on one of node's handles. */
export function isNodesSocket([options]: unknown[]): boolean {
  const { handle } = (options ?? {}) as { handle?: unknown };
  return Boolean(handle) && !(handle instanceof Connection);
}

/** A server of node's tls, https or http2. */
export function isNodesServer(_args: unknown[], self: object | undefined): boolean {
  return typeof (self as { setSecureContext?: unknown } | undefined)?.setSecureContext === 'function';
}
