// Checked by the compiler alone: whatever takes node's modules takes ringcore's.
import type nodeFsDefault from 'node:fs';
import type nodePromisesDefault from 'node:fs/promises';
import type nodeNetDefault from 'node:net';
import fsDefault, * as fs from 'ringcore/fs';
import promisesDefault, * as promises from 'ringcore/fs/promises';
import netDefault, * as net from 'ringcore/net';
import { fs as exportedFs, fsPromises as exportedPromises, net as exportedNet } from 'ringcore';

export const namespaces: [
  typeof import('node:fs'),
  typeof import('node:fs/promises'),
  typeof import('node:net'),
] = [fs, promises, net];

export const defaults: [typeof nodeFsDefault, typeof nodePromisesDefault, typeof nodeNetDefault] = [
  fsDefault,
  promisesDefault,
  netDefault,
];

export const members: typeof defaults = [exportedFs, exportedPromises, exportedNet];

export const promisesOfFs: typeof import('node:fs/promises') = fs.promises;

// Types of instances, where programs name them.
export const stream = (path: string): import('node:fs').ReadStream => fs.createReadStream(path);
export const named = (reading: fs.ReadStream, writing: fs.WriteStream, stats: fs.Stats): boolean =>
  reading.pending && writing.pending && stats.isFile();
export const server: () => import('node:net').Server = () => net.createServer();
export const socket: () => import('node:net').Socket = () => net.connect(1);
