// A path that is a Buffer is the one that it was in the call: the program may write another one over it when that has returned.
// Node, which copies it, is the control. Broken to see it fail: validatedPath gives the Buffer itself.
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import { openat, unlinkat } from 'ringcore/core';
import fs from 'ringcore/fs';
import promises from 'ringcore/fs/promises';
import t from 'tap';
import { newTurn, useUpTurn } from './at_once.js';

const root = t.testdir();

interface Api {
  fs: typeof nodeFs;
  promises: typeof nodePromises;
}
type Done = (...results: unknown[]) => void;

/** Calls by name: each gets the path of a file, of one that is not there, and of one to be made. */
const calls: Record<string, (api: Api, there: Buffer, gone: Buffer, made: Buffer, done: Done) => unknown> = {
  'fs.open': ({ fs }, _there, gone, _made, done) => fs.open(gone, 'r', done),
  'promises.open': ({ promises }, _there, gone) => promises.open(gone),
  'fs.readFile': ({ fs }, there, _gone, _made, done) => fs.readFile(there, done),
  'fs.readFile, not there': ({ fs }, _there, gone, _made, done) => fs.readFile(gone, done),
  'promises.readFile': ({ promises }, _there, gone) => promises.readFile(gone),
  'fs.writeFile': ({ fs }, _there, _gone, made, done) => fs.writeFile(made, 'x', done),
  'promises.writeFile': ({ promises }, _there, _gone, made) => promises.writeFile(made, 'x'),
  'promises.writeFile, flushed': ({ promises }, _there, _gone, made) =>
    promises.writeFile(made, 'x', { flush: true }),
  'fs.appendFile': ({ fs }, _there, _gone, made, done) => fs.appendFile(made, 'x', done),
  'promises.appendFile': ({ promises }, _there, _gone, made) => promises.appendFile(made, 'x'),
  'fs.copyFile': ({ fs }, there, _gone, made, done) => fs.copyFile(there, made, done),
  'promises.copyFile': ({ promises }, there, _gone, made) => promises.copyFile(there, made),
  'promises.copyFile, not there': ({ promises }, _there, gone, made) => promises.copyFile(gone, made),
  'fs.stat': ({ fs }, _there, gone, _made, done) => fs.stat(gone, done),
  'fs.mkdir': ({ fs }, _there, _gone, made, done) => fs.mkdir(made, { recursive: true }, done),
  'fs.unlink': ({ fs }, there, _gone, _made, done) => fs.unlink(there, done),
  'promises.truncate': ({ promises }, there) => promises.truncate(there, 1),
};

/** What one has come to: its error, and the names and contents of the files. */
async function outcome(api: Api, name: string, dir: string, before: () => void): Promise<object> {
  nodeFs.rmSync(dir, { recursive: true, force: true });
  nodeFs.mkdirSync(dir);
  for (const file of ['there_AAA', 'there_BBB']) nodeFs.writeFileSync(join(dir, file), file);
  const paths = ['there', 'gone', 'made'].map((file) => Buffer.from(join(dir, `${file}_AAA`)));
  const [there, gone, made] = paths as [Buffer, Buffer, Buffer];
  before();
  const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    const result = calls[name]!(api, there, gone, made, resolve as Done) as Promise<unknown> | undefined;
    result?.then(() => resolve(null), resolve);
    for (const path of paths) path.write('BBB', path.length - 3);
  });
  const files = nodeFs.readdirSync(dir).map((file) => [file, nodeFs.statSync(join(dir, file)).size]);
  return { message: error?.message, path: error?.path && String(error.path), files };
}

for (const name of Object.keys(calls)) {
  t.test(name, async (t) => {
    const dir = join(root, 'dir');
    const nodes = await outcome({ fs: nodeFs, promises: nodePromises }, name, dir, () => {});
    await newTurn();
    t.same(await outcome({ fs, promises }, name, dir, () => {}), nodes);
    await newTurn();
    t.same(await outcome({ fs, promises }, name, dir, useUpTurn), nodes, 'of which the ring is asked');
  });
}

t.test('operations that are submitted later', async (t) => {
  const path = Buffer.from(join(root, 'core_AAA'));
  nodeFs.writeFileSync(path, '');
  const [opened, removed] = [openat(path), unlinkat(path)];
  path.write('BBB', path.length - 3);
  nodeFs.closeSync(await opened);
  await removed;
  t.strictSame(nodeFs.existsSync(join(root, 'core_AAA')), false);
});
