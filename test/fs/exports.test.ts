// What the modules export; and that all of it is node's own where io_uring is not used.
import { spawnSync } from 'node:child_process';
import nodeDefault, * as nodeFs from 'node:fs';
import promisesDefault, * as nodePromises from 'node:fs/promises';
import * as fs from 'ringcore/fs';
import * as fsPromises from 'ringcore/fs/promises';
import t from 'tap';

/** What ringcore has and node does not. */
const beyond = ['fadvise', 'fallocate', 'getxattr', 'setxattr'];
const beyondPromises = [...beyond, 'readFiles'];

const names = (module: object, more: string[] = []): string[] =>
  [...Object.keys(module).filter((name) => name !== 'module.exports'), ...more].sort();

t.test('every export of node is there, and what ringcore has beyond', async (t) => {
  t.same(names(fs), names(nodeFs, beyond));
  t.same(names(fsPromises), names(nodePromises, beyondPromises));
  t.same(names(fs.default), names(nodeDefault, beyond));
  t.same(names(fsPromises.default), names(promisesDefault, beyondPromises));
  t.equal(fs.promises, fsPromises.default);
  t.equal(fs.default.promises, fsPromises.default);
  for (const [name, value] of Object.entries(nodeDefault)) {
    const own = fs.default[name as keyof typeof fs.default] as unknown;
    t.equal(typeof own, typeof value, name);
    if (typeof value === 'function')
      t.equal((own as { name: string }).name, (value as { name: string }).name);
  }
});

t.test('the default export can be patched', async (t) => {
  const { stat } = fs.default;
  const mutable = fs.default as { stat: unknown };
  mutable.stat = 5;
  t.equal(mutable.stat, 5);
  t.not(nodeDefault.stat, 5, "node's own is as it was");
  mutable.stat = stat;
});

t.test('RINGCORE_BACKEND=node: it is node that does it', async (t) => {
  const program = `
    import { backend } from 'ringcore/core';
    import fs, * as exported from 'ringcore/fs';
    import promises, { readFile, writeFile, open } from 'ringcore/fs/promises';
    import nodeFs from 'node:fs';
    const same = ['readFile', 'open', 'read', 'ReadStream', 'createWriteStream'].every(
      (name) => fs[name] === nodeFs[name] && exported[name] === nodeFs[name]);
    const samePromises = promises.readFile === nodeFs.promises.readFile && readFile === nodeFs.promises.readFile;
    const path = ${JSON.stringify(t.testdir())} + '/file';
    await writeFile(path, 'through node');
    const handle = await open(path);
    const text = await handle.readFile('utf8');
    await handle.close();
    console.log(JSON.stringify([backend.name, same, samePromises, text, await readFile(path, 'utf8')]));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, RINGCORE_BACKEND: 'node' },
  });
  t.same(
    JSON.parse(String(stdout) || '0'),
    ['node', true, true, 'through node', 'through node'],
    String(stderr),
  );
});
