// What the modules export; and that all of it is node's own where io_uring is not used.
import { spawnSync } from 'node:child_process';
import nodeDefault, * as nodeFs from 'node:fs';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
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
});

/** What can be told of a function or class without calling it. */
function shape(value: unknown): unknown {
  if (typeof value !== 'function') return typeof value;
  const statics = Reflect.ownKeys(value).filter((key) => key !== 'prototype');
  const { name, length } = value;
  // Of a class; any function may have a prototype with its constructor in it.
  const members = Object.getOwnPropertyNames(value.prototype ?? {}).filter((key) => key !== 'constructor');
  return { name, length, statics: statics.map(String).sort(), members: members.sort() };
}

/** Every property of a module's object: what it is, and whether it can be seen, written, configured. */
function properties(module: object): Record<string, unknown> {
  const described = Object.entries(Object.getOwnPropertyDescriptors(module)).map(([name, descriptor]) => {
    const { enumerable, configurable, writable } = descriptor;
    const isValue = 'value' in descriptor;
    const kind = isValue ? shape(descriptor.value) : [typeof descriptor.get, typeof descriptor.set];
    return [name, { enumerable, configurable, writable, kind }];
  });
  return Object.fromEntries(described) as Record<string, unknown>;
}

t.test('each looks as node has it', async (t) => {
  for (const [own, nodes] of [
    [fs.default, nodeDefault],
    [fsPromises.default, promisesDefault],
  ] as [object, object][]) {
    const [actual, expected] = [properties(own), properties(nodes)];
    for (const name of Object.keys(expected)) {
      // Node's getter, until the module is first asked for; ours is there from the beginning.
      if (name === 'promises') continue;
      // Streams inherit what node's classes have of their own.
      const isStream = /^(File)?(Read|Write)Stream$/.test(name);
      if (isStream) t.equal(typeof actual[name], typeof expected[name], name);
      else t.same(actual[name], expected[name], name);
    }
  }
  for (const name of Object.keys(nodeFs)) {
    if (name === 'default' || name === 'promises') continue;
    const [own, nodes] = [fs, nodeFs].map((module) => (module as Record<string, unknown>)[name]);
    t.equal(typeof own, typeof nodes, `export ${name}`);
    t.equal(
      own,
      (fs.default as Record<string, unknown>)[name],
      `${name} by name is that of the default export`,
    );
  }
  for (const [name, own] of Object.entries(fsPromises)) {
    if (['default', 'module.exports'].includes(name)) continue;
    t.equal(own, (fsPromises.default as Record<string, unknown>)[name], `promises.${name}`);
  }
});

t.test('util.promisify', async (t) => {
  const path = join(t.testdir({ file: 'some text' }), 'file');
  t.equal(await promisify(fs.default.exists)(path), true);
  t.equal(String(await promisify(fs.default.readFile)(path)), 'some text');
  const fd = await promisify(fs.default.open)(path, 'r+');
  const buffer = Buffer.alloc(4);
  for (const [own, nodes] of [
    [fs.default.read, nodeDefault.read],
    [fs.default.write, nodeDefault.write],
  ] as [typeof nodeDefault.read, typeof nodeDefault.read][]) {
    t.same(await promisify(own)(fd, buffer, 0, 4, 0), await promisify(nodes)(fd, buffer, 0, 4, 0));
  }
  for (const [own, nodes] of [
    [fs.default.readv, nodeDefault.readv],
    [fs.default.writev, nodeDefault.writev],
  ] as [typeof nodeDefault.readv, typeof nodeDefault.readv][]) {
    t.same(await promisify(own)(fd, [buffer], 0), await promisify(nodes)(fd, [buffer], 0));
  }
  await promisify(fs.default.close)(fd);
});

t.test("what they make is of node's classes", async (t) => {
  const dir = t.testdir({ file: '' });
  const path = join(dir, 'file');
  const promises = fs.default.promises;
  for (const stats of [await promises.stat(path), fs.default.statSync(path)]) {
    t.ok(stats instanceof nodeDefault.Stats);
    t.ok(stats instanceof fs.default.Stats);
  }
  const bigint = Object.getPrototypeOf(nodeDefault.statSync(path, { bigint: true })) as object;
  t.equal(Object.getPrototypeOf(await promises.stat(path, { bigint: true })), bigint);
  const handle = await promises.open(path);
  t.equal(Object.getPrototypeOf(await handle.stat({ bigint: true })), bigint);
  t.ok((await handle.stat()) instanceof nodeDefault.Stats);
  await handle.close();
  const [entry] = await promises.readdir(dir, { withFileTypes: true });
  t.ok(entry instanceof nodeDefault.Dirent);
  const opened = await promises.opendir(dir);
  t.ok(opened instanceof nodeDefault.Dir);
  await opened.close();
  const reading = fs.default.createReadStream(path);
  t.ok(reading instanceof nodeDefault.ReadStream);
  t.ok(reading instanceof fs.default.ReadStream);
  const writing = fs.default.createWriteStream(path);
  t.ok(writing instanceof nodeDefault.WriteStream);
  t.ok(writing instanceof fs.default.WriteStream);
  await Promise.all([once(reading.resume(), 'close'), once(writing.end(), 'close')]);
});

t.test('require() gives the same', async (t) => {
  const require = createRequire(import.meta.url);
  t.equal(require('ringcore/fs'), fs.default);
  t.equal(require('ringcore/fs/promises'), fsPromises.default);
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
