// ringcore/register: node's fs, fs/promises and net have the ring's functions, and are what they were otherwise.
import { join } from 'node:path';
import t from 'tap';
import { facts, ways } from './support.js';

for (const way of ways) {
  t.test(`${way}: CommonJS and ES modules see the ring's functions`, async (t) => {
    const commonjs = `
      const fs = require('fs'), promises = require('node:fs/promises'), net = require('node:net');
      const own = { fs: require('ringcore/fs'), promises: require('ringcore/fs/promises'), net: require('ringcore/net') };
      module.exports = {
        callbacks: fs.readFile === own.fs.readFile && fs.ReadStream === own.fs.ReadStream,
        promises: promises.open === own.promises.open && fs.promises === promises,
        net: net.Socket === own.net.Socket && net.Server === own.net.Server && net.connect === net.createConnection,
        stats: fs.statSync('.') instanceof fs.Stats,
        stream: fs.createReadStream(__filename).destroy() instanceof fs.ReadStream,
        called: net.Server() instanceof net.Server,
      };`;
    const modules = `
      import { readFile } from 'node:fs';
      import * as promises from 'fs/promises';
      import { Socket } from 'net';
      import own from 'ringcore/fs';
      import ownPromises from 'ringcore/fs/promises';
      import ownNet from 'ringcore/net';
      import commonjs from './commonjs.cjs';
      import { stats } from 'ringcore/core';
      const file = await promises.open(new URL(import.meta.url));
      await file.read(Buffer.alloc(10));
      await file.close();
      console.log(JSON.stringify({
        ...commonjs,
        named: readFile === own.readFile && promises.stat === ownPromises.stat && Socket === ownNet.Socket,
        ring: stats().submitted > 0,
      }));`;
    t.same(await facts(t, 'main.mjs', modules, { way, files: { 'commonjs.cjs': commonjs } }), {
      callbacks: true,
      promises: true,
      net: true,
      stats: true,
      stream: true,
      called: true,
      named: true,
      ring: true,
    });
  });
}

t.test('the modules have the members that they had, and as enumerable', async (t) => {
  const source = `
    const modules = ['fs', 'fs/promises', 'net'].map((name) => require(name));
    const shape = () => modules.map((exported) => Object.entries(Object.getOwnPropertyDescriptors(exported))
      .map(([name, { enumerable, configurable }]) => [name, enumerable, configurable].join(' ')));
    const before = shape();
    const { constants } = Object.getOwnPropertyDescriptors(modules[0]);
    require('ringcore/register');
    const after = shape();
    console.log(JSON.stringify({
      before, after, constant: constants.writable, sync: modules[0].readFileSync.toString().includes('[native'),
    }));`;
  const { before, after, constant } = (await facts(t, 'main.cjs', source)) as Record<string, unknown>;
  t.ok(before);
  t.same(after, before);
  t.equal(constant, false);
});

t.test('what programs patch over it is noticed, in streams and elsewhere', async (t) => {
  const source = `
    const fs = require('graceful-fs');
    require('graceful-fs').gracefulify(require('fs'));
    const patched = require('fs');
    const extra = require('fs-extra');
    const calls = [];
    for (const name of ['open', 'openSync', 'close']) {
      const original = patched[name];
      patched[name] = (...args) => (calls.push(name), original(...args));
    }
    (async () => {
      for await (const chunk of patched.createReadStream(__filename));
      await new Promise((resolve) => patched.writeFile(__filename + '.new', 'text', resolve));
      patched.writeFileSync(__filename + '.new', 'more');
      await extra.outputJson(__dirname + '/deep/er/file.json', { a: 1 });
      const json = await extra.readJson(__dirname + '/deep/er/file.json');
      await extra.copy(__dirname + '/deep', __dirname + '/copy');
      await extra.remove(__dirname + '/deep');
      const read = await new Promise((resolve, reject) =>
        fs.readFile(__filename + '.new', 'utf8', (error, text) => (error ? reject(error) : resolve(text))));
      console.log(JSON.stringify({ calls, json, left: fs.existsSync(__dirname + '/deep'),
        copied: fs.readdirSync(__dirname + '/copy/er'), read }));
    })();`;
  type Facts = { calls: string[]; read: string };
  const { calls: nodes, ...node } = (await facts(t, 'main.cjs', source)) as Facts;
  t.equal(node.read, 'more');
  const { calls, ...ring } = (await facts(t, 'main.cjs', source, { way: '--require' })) as Facts;
  t.same(ring, node);
  // graceful-fs opens by itself. Later versions of node write through the exports no more.
  t.match(calls.join(), /^close,open,close/);
  if (nodes.length > 1) t.same(calls, nodes);
});

t.test('loaded twice, as both kinds of module, it is one registration', async (t) => {
  const source = `
    import { createRequire } from 'node:module';
    import fs from 'node:fs';
    const { readFile } = fs;
    const again = createRequire(import.meta.url)('ringcore/register');
    const { register, unregister } = await import('ringcore/register?again').catch(() => import('ringcore/register'));
    console.log(JSON.stringify({
      same: fs.readFile === readFile, one: again.register === register, there: again.register(),
      patchable: again.unregister === unregister,
    }));`;
  for (const way of ways) {
    const expected = { same: true, one: true, there: true, patchable: true };
    t.same(await facts(t, 'main.mjs', source, { way }), expected, way);
  }
});

t.test('another copy of ringcore falls back to node, not to the first', async (t) => {
  const source = `
    const fs = require('fs'), net = require('net');
    const first = { readFile: fs.readFile, Socket: net.Socket };
    const other = require('ringcore');
    const own = require('./own.cjs');
    (async () => {
      const { register, unregister } = require('ringcore/register');
      const there = register();
      unregister();
      const server = other.createServer((socket) => socket.end('text')).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      let text = '';
      for await (const chunk of net.connect(server.address().port, '127.0.0.1')) text += chunk;
      server.close();
      await other.rm(__dirname + '/tree', { recursive: true });
      console.log(JSON.stringify({
        two: other.fs.readFile !== first.readFile && other.net.Socket !== first.Socket,
        untouched: fs.readFile === first.readFile && net.Socket === first.Socket,
        node: other.fs.readdir === own.readdir,
        there, text,
        read: (await other.readFile(__filename, 'utf8')).length === fs.readFileSync(__filename, 'utf8').length,
        removed: !fs.existsSync(__dirname + '/tree'),
      }));
    })();`;
  const files = {
    'own.cjs': "module.exports = { readdir: require('fs').readdir };",
    tree: { deep: { file: 'text' } },
  };
  t.same(await facts(t, 'main.cjs', source, { way: '--import', files, hasCopy: true }), {
    two: true,
    untouched: true,
    node: true,
    there: true,
    text: 'text',
    read: true,
    removed: true,
  });
});

t.test('unregister() puts node back, but not over what a program has put there', async (t) => {
  const source = `
    import fs, { readFile } from 'node:fs';
    import net, { Socket } from 'node:net';
    import { open } from 'node:fs/promises';
    const nodes = { readFile, open, Socket, ReadStream: fs.ReadStream, descriptor: Object.getOwnPropertyDescriptor(fs, 'ReadStream') };
    const { register, unregister } = await import('ringcore/register');
    const ring = { readFile, open, Socket };
    const mine = (fs.stat = () => {});
    unregister();
    unregister();
    const back = readFile === nodes.readFile && open === nodes.open && Socket === nodes.Socket &&
      fs.ReadStream === nodes.ReadStream && fs.ReadStream.prototype === nodes.ReadStream.prototype;
    const kept = fs.stat === mine;
    register();
    console.log(JSON.stringify({
      changed: ring.readFile !== nodes.readFile && ring.open !== nodes.open && ring.Socket !== nodes.Socket,
      getter: Object.getOwnPropertyDescriptor(fs, 'promises').get !== undefined,
      back, kept, again: readFile === ring.readFile && Socket === ring.Socket,
    }));`;
  t.same(await facts(t, 'main.mjs', source), {
    changed: true,
    getter: true,
    back: true,
    kept: true,
    again: true,
  });
});

t.test('on the node backend nothing happens', async (t) => {
  const source = `
    import fs, { readFile } from 'node:fs';
    import net from 'node:net';
    import { createRequire, syncBuiltinESMExports } from 'node:module';
    const before = { ...Object.getOwnPropertyDescriptors(fs), ...Object.getOwnPropertyDescriptors(net) };
    const { register } = await import('ringcore/register');
    const after = { ...Object.getOwnPropertyDescriptors(fs), ...Object.getOwnPropertyDescriptors(net) };
    const same = Object.keys(before).every((name) => before[name].value === after[name].value);
    console.log(JSON.stringify({ same, registered: register() }));`;
  const expected = { same: true, registered: false };
  t.same(await facts(t, 'main.mjs', source, { env: { RINGCORE_BACKEND: 'node' } }), expected);
});

t.test('fs.realpath knows pipes', async (t) => {
  const source = `
    const fs = require('fs');
    fs.realpath('/dev/stdin', (error, path) => fs.realpath(__dirname + '/../', (failure, above) => console.log(JSON.stringify({
      same: path === fs.realpathSync('/dev/stdin'), error, above: above === require('path').dirname(__dirname), failure,
      named: [fs.realpath.name, fs.realpath.length, typeof fs.realpath.native],
    }))));`;
  t.same(await facts(t, 'main.cjs', source, { way: '--import' }), {
    same: true,
    error: null,
    above: true,
    failure: null,
    named: ['realpath', 3, 'function'],
  });
});

t.test('module hooks and the test runner work', async (t) => {
  const hooks = `
    import { readFile } from 'node:fs/promises';
    export async function load(url, context, next) {
      if (!url.endsWith('.text')) return next(url, context);
      const text = await readFile(new URL(url), 'utf8');
      return { format: 'module', shortCircuit: true, source: 'export default ' + JSON.stringify(text) };
    }`;
  const source = `
    import { register } from 'node:module';
    register('./hooks.mjs', import.meta.url);
    const { default: text } = await import('./a.text');
    console.log(JSON.stringify({ text }));`;
  const files = { 'hooks.mjs': hooks, 'a.text': 'words' };
  for (const way of ways) t.same(await facts(t, 'main.mjs', source, { way, files }), { text: 'words' }, way);

  const dir = t.testdir({
    'own.test.mjs': `
      import test from 'node:test';
      import assert from 'node:assert';
      import fs from 'node:fs';
      import own from 'ringcore/fs';
      test('on the ring', () => assert.equal(fs.readFile, own.readFile));`,
  });
  const { start } = await import('./support.js');
  const outcome = await start(join(dir, 'own.test.mjs'), {
    way: '--import',
    nodeArguments: ['--test', '--test-reporter=tap'],
  });
  t.match(outcome.stdout, /# pass 1/);
  t.equal(outcome.code, 0);
});
