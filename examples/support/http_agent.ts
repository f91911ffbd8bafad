// node's HTTP client over ringcore's sockets: an Agent that makes the connections itself.
import { Agent, type ClientRequestArgs } from 'node:http';
import type { NetConnectOpts } from 'node:net';
import { connect, type Socket } from 'ringcore';

export class RingAgent extends Agent {
  override createConnection(options: ClientRequestArgs): Socket {
    return connect(options as NetConnectOpts);
  }
}

/** A URL that begins with http://: there is no TLS here. */
export function httpUrl(text: string): URL {
  const url = new URL(text);
  if (url.protocol !== 'http:') throw new Error(`${text}: only http: URLs`);
  return url;
}
