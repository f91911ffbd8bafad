// Checked by the compiler alone: whatever takes node's modules takes ringcore's.
import type nodeFsDefault from 'node:fs';
import type * as nodeFs from 'node:fs';
import type nodePromisesDefault from 'node:fs/promises';
import type * as nodePromises from 'node:fs/promises';
import type nodeNetDefault from 'node:net';
import type * as nodeNet from 'node:net';
import fsDefault, * as fs from 'ringcore/fs';
import promisesDefault, * as promises from 'ringcore/fs/promises';
import netDefault, * as net from 'ringcore/net';
import { fs as exportedFs, fsPromises as exportedPromises, net as exportedNet } from 'ringcore';

export const namespaces: [typeof nodeFs, typeof nodePromises, typeof nodeNet] = [fs, promises, net];

export const defaults: [typeof nodeFsDefault, typeof nodePromisesDefault, typeof nodeNetDefault] = [
  fsDefault,
  promisesDefault,
  netDefault,
];

export const members: typeof defaults = [exportedFs, exportedPromises, exportedNet];

export const promisesOfFs: typeof nodePromises = fs.promises;

// Types of instances, where programs name them.
export const stream = (path: string): nodeFs.ReadStream => fs.createReadStream(path);
export const named = (reading: fs.ReadStream, writing: fs.WriteStream, stats: fs.Stats): boolean =>
  reading.pending && writing.pending && stats.isFile();
export const server: () => nodeNet.Server = () => net.createServer();
export const socket: () => nodeNet.Socket = () => net.connect(1);
