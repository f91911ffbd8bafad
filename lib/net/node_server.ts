/**
 * Node's own Server with the async iterator: what `ringcore/net` exports on the node backend. Node's server cannot be
 * told to accept less, so the bound of an iteration does not hold here.
 *
 * @module
 */
import type * as nodeTypes from 'node:net';
import { takeTarget } from './callable.js';
import { Incoming, type IncomingOptions } from './incoming.js';
import { nodeNet } from './node_net.js';

/** Node's Server; `for await (const socket of server)` works. */
export class NodeServer extends nodeNet.Server {
  #incoming: Incoming<nodeTypes.Socket> | undefined;

  /** Made when first needed: node's constructor emits 'newListener'. */
  get #connections(): Incoming<nodeTypes.Socket> {
    return (this.#incoming ??= new Incoming(() => {}));
  }

  constructor(...args: ConstructorParameters<typeof nodeNet.Server>) {
    const existing = takeTarget();
    if (existing === undefined) {
      super(...args);
    } else {
      (nodeNet.Server as unknown as (...args: unknown[]) => void).apply(existing, args);
      return existing as this;
    }
  }

  // The parameters of any event.
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'listening') this.#connections.open();
    if (event !== 'connection') return super.emit(event, ...args);
    return this.#connections.deliver(args[0] as nodeTypes.Socket, () => super.emit(event, ...args));
  }

  override close(callback?: (error?: Error) => void): this {
    super.close(callback);
    this.#connections.close();
    return this;
  }

  /** Iterates over the connections. `break` leaves the server open. */
  [Symbol.asyncIterator](options?: IncomingOptions): AsyncIterableIterator<nodeTypes.Socket, undefined> {
    return this.#connections.iterate(options);
  }
}
