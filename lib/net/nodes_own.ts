/**
 * The sockets and servers that node's own constructors make, even if they are asked of ringcore's: node's tls, tty,
 * http2 and child_process hand over handles of node's C++ that only node's own classes can work with, and TLS is faster
 * where it encrypts below JavaScript.
 *
 * @module
 */
import { isForNode, type SocketOptions } from './socket_options.js';

/** A socket on one of node's handles; `self` is undefined where child_process makes the pipes to a child. */
export function isNodesSocket([options]: unknown[], self: object | undefined): boolean {
  const { handle } = (options ?? {}) as SocketOptions;
  return Boolean(handle) && (self === undefined || isForNode({ handle: handle! }));
}

/** A server of node's tls, https or http2, whose sessions work on node's handles, too. */
export function isNodesServer(_args: unknown[], self: object | undefined): boolean {
  const { setSecureContext, updateSettings } = (self ?? {}) as Record<string, unknown>;
  return typeof (setSecureContext ?? updateSettings) === 'function';
}
