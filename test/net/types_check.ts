// Checked by the compiler alone, here and by types.test.ts: who takes node:net takes ringcore/net.
import type nodeNetDefault from 'node:net';
import type * as nodeNet from 'node:net';
import { net as exported } from 'ringcore';
import netDefault, * as net from 'ringcore/net';

export const namespace: typeof nodeNet = net;
export const defaults: (typeof nodeNetDefault)[] = [netDefault, exported];
export const server: () => nodeNet.Server = () => net.createServer();
export const made: nodeNet.Server = new net.Server();
export const socket: () => nodeNet.Socket = () => net.connect(1);
export const asNodes = (given: nodeNet.Socket): net.Socket => given;
export const options: nodeNet.ListenOptions = { port: 0, reusePort: true } as net.ListenOptions;
