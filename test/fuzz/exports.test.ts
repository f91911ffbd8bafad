// Every function that fs, net and core export, and every method of what they make, is among the calls of the fuzz.
import nodeFs from 'node:fs';
import nodeNet from 'node:net';
import * as core from 'ringcore/core';
import * as ringFs from 'ringcore/fs';
import ringNet from 'ringcore/net';
import t from 'tap';
import { targets } from './targets.js';

const called = new Set(targets.map(({ name }) => name.split(' ')[0]));

/** What is left out, and why. */
const spared: Record<string, string> = {
  'net._createServerHandle': 'gives a handle of libuv, which nobody but node closes',
  'net._TransferredBoundSocket': 'node makes it, of a message',
  'net.BoundSocket': 'a socket of libuv, which is given to listen() and connect()',
  'net.Socket._connected': 'internal',
  'net.Server.emit': 'of EventEmitter',
  'net.BlockList.addAddresses': 'newer than most nodes',
  'fs.Utf8Stream': "node's own, and opens what it is told to",
  'core.Ring.start': 'for what makes native calls: it must be given their slots',
  'core.Ring.admit': 'the same',
  'core.Ring.withdraw': 'the same',
  'core.Ring.admitAtExit': 'internal',
  'core.BufferRing.take': 'for completion handlers: its arguments come from the kernel',
  'core.BufferRing.use': 'internal',
  'core.BufferRing.release': 'internal',
  'core.BufferRing.awaitReturn': 'internal',
};

/** Completion handlers and chains call these; what they are given comes from the ring. */
const internal =
  /\.(Multishot)?Operation\.(admit|refuse|fits|join|abandonWith|prepare|started|complete|limit)$/;

const functionsOf = (object: object): string[] =>
  Object.getOwnPropertyNames(object).filter((name) => {
    const value: unknown = Object.getOwnPropertyDescriptor(object, name)!.value;
    return typeof value === 'function' && !/^(constructor|default|module\.exports)$/.test(name);
  });

const prototypeOf = (make: unknown): object => (make as { prototype: object }).prototype;

async function handlePrototype(fs: typeof nodeFs): Promise<object> {
  const handle = await fs.promises.open('/dev/null');
  await handle.close();
  return Object.getPrototypeOf(handle) as object;
}

/** Methods whose names begin so are node's own affair. */
const isPublic = (name: string): boolean => !name.startsWith('_');

const fs = ringFs as unknown as typeof nodeFs;
const net = ringNet as unknown as typeof nodeNet;
const surface: Record<string, string[]> = {
  fs: [...functionsOf(nodeFs), ...functionsOf(fs)],
  'fs.promises': [...functionsOf(nodeFs.promises), ...functionsOf(fs.promises)],
  FileHandle: [
    ...functionsOf(await handlePrototype(nodeFs)),
    ...functionsOf(await handlePrototype(fs)),
  ].filter((name) => !/^(ref|unref|use)$/.test(name)),
  Dir: functionsOf(nodeFs.Dir.prototype).filter(
    (name) => !/^(processReadResult|readSyncRecursive)$/.test(name),
  ),
  net: [...functionsOf(nodeNet), ...functionsOf(net)],
  'net.Socket': [...functionsOf(nodeNet.Socket.prototype), ...functionsOf(net.Socket.prototype)].filter(
    isPublic,
  ),
  'net.Server': [...functionsOf(nodeNet.Server.prototype), ...functionsOf(net.Server.prototype)].filter(
    isPublic,
  ),
  'net.BlockList': functionsOf(nodeNet.BlockList.prototype),
  core: functionsOf(core),
  ...Object.fromEntries(
    (
      [
        'Ring',
        'Operation',
        'MultishotOperation',
        'BufferRing',
        'RegisteredBuffer',
        'DirectDescriptor',
      ] as const
    ).map((name) => [`core.${name}`, functionsOf(prototypeOf(core[name]))]),
  ),
};

for (const [owner, names] of Object.entries(surface)) {
  t.test(owner, async (t) => {
    t.ok(names.length > 0);
    const missing = [...new Set(names)]
      .map((name) => `${owner}.${name}`)
      .filter((name) => !called.has(name) && !(name in spared) && !internal.test(name));
    t.strictSame(missing, []);
  });
}
