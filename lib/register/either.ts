/**
 * One method for the ring's servers and node's: node's http calls some by name, whatever the server is.
 *
 * @module
 */
import { hasFields } from '../net/callable.js';
import net from '../net/index.js';

type Method = (this: object, ...args: unknown[]) => unknown;

/** Whether a server is the ring's, also where its class is node's (see loaded.ts). */
const isRings = (server: object): boolean =>
  hasFields(server) || Object.prototype.isPrototypeOf.call(net.Server.prototype, server);

/** `ring` for the ring's servers, `node` for the others. */
export function either(ring: unknown, node: unknown): Method | undefined {
  if (typeof ring !== 'function') return undefined;
  return function (...args) {
    return ((isRings(this) ? ring : node) as Method | undefined)?.apply(this, args);
  };
}
