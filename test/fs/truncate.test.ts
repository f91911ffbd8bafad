/* eslint-disable @typescript-eslint/no-explicit-any,
   @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access,
   @typescript-eslint/no-unsafe-return -- wrong arguments on purpose */
// truncate, ftruncate, fsync, fdatasync: the same calls on node:fs and on ringcore.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect, promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { backend, probe, stats } from 'ringcore/core';
import fs from 'ringcore/fs';
import fsPromises from 'ringcore/fs/promises';
import t from 'tap';
import { calledBack, descriptors, outcome, settledDescriptors } from './helpers.js';

type Loose = any;

const dir = t.testdir({ file: '', directory: {} });
const file = join(dir, 'file');
const ring = { skip: backend.name === 'io_uring' ? false : 'this is the node backend' };
const prepare = (): void => nodeFs.writeFileSync(file, '0123456789');
const content = (): string => nodeFs.readFileSync(file, 'latin1');

const lengths = [undefined, null, 0, 3, 20, -1, -0, 1.5, NaN, 2 ** 53, 'x', {}, 1n];
const paths = [
  Buffer.from(file),
  pathToFileURL(file),
  join(dir, 'absent'),
  join(dir, 'directory'),
  `${file}/below`,
  '',
  'a\0b',
  undefined,
  null,
  {},
];

t.test('truncate', async (t) => {
  const before = descriptors();
  const cases = [
    [file],
    ...lengths.map((length) => [file, length]),
    ...lengths.map((length) => [join(dir, 'absent'), length]),
    ...paths.map((path) => [path, 3]),
    [null, 'x'],
  ];
  for (const args of cases) {
    const run = async (module: Loose, promises: Loose): Promise<unknown> => {
      prepare();
      const promise = await outcome(() => promises.truncate(...args));
      const behindPromise = content();
      prepare();
      const callback = await calledBack((done) => module.truncate(...args, done));
      return { promise, behindPromise, callback, behindCallback: content() };
    };
    const expected = await run(nodeFs, nodePromises);
    t.same(await run(fs, fsPromises), expected, inspect(args));
  }
  t.equal(await settledDescriptors(before), before);
});

t.test('truncate of a descriptor is up to node', async (t) => {
  const fd = nodeFs.openSync(file, 'r+');
  for (const args of [[fd, 3], [fd], [-1, 3], [999_999, 3], [1.5, 3], [fd, 'x']]) {
    const run = async (module: Loose): Promise<unknown> => {
      prepare();
      return [await calledBack((done) => module.truncate(...args, done)), content()];
    };
    t.same(await run(fs), await run(nodeFs), inspect(args));
  }
  nodeFs.closeSync(fd);
});

t.test('ftruncate, fsync, fdatasync', async (t) => {
  const fd = nodeFs.openSync(file, 'r+');
  const readOnly = nodeFs.openSync(file, 'r');
  const descriptorsTried = [fd, readOnly, 999_999, -1, -0, 1.5, NaN, 2 ** 31, 'x', undefined, null, {}];
  const cases: [string, ...unknown[]][] = [
    ...lengths.map((length): [string, ...unknown[]] => ['ftruncate', fd, length]),
    ['ftruncate', fd],
    ['ftruncate', 'x', 'x'],
    ...descriptorsTried.flatMap((tried): [string, ...unknown[]][] => [
      // -0 is standard input: not to be cut.
      ...(tried === 0 ? [] : [['ftruncate', tried, 3] as [string, ...unknown[]]]),
      ['fsync', tried],
      ['fdatasync', tried],
    ]),
  ];
  for (const [method, ...args] of cases) {
    const run = async (module: Loose): Promise<unknown> => {
      prepare();
      return [await calledBack((done) => module[method](...args, done)), content()];
    };
    t.same(await run(fs), await run(nodeFs), `${method} ${inspect(args)}`);
  }
  for (const args of [[], [fd], [fd, 3], [fd, 3, 5], ['x', 3, 5], ['x', 5], ['x', 'x', 5]]) {
    for (const method of ['truncate', 'ftruncate', 'fsync', 'fdatasync']) {
      // truncate(fd, …) is node's own, and warns.
      if (method === 'truncate' && args[0] === fd) continue;
      const run = (module: Loose): Promise<unknown> => outcome(() => module[method](...args));
      t.same(await run(fs), await run(nodeFs), `${method} ${inspect(args)} without a callback`);
    }
  }
  nodeFs.closeSync(fd);
  nodeFs.closeSync(readOnly);
});

t.test('beyond 4 GiB, sparse', async (t) => {
  const bytes = 5 * 2 ** 30 + 1;
  await fsPromises.truncate(file, bytes);
  t.equal(nodeFs.statSync(file).size, bytes);
  await promisify(fs.truncate)(file, 5);
  t.equal(nodeFs.statSync(file).size, 5);
});

t.test('a FileHandle: truncate, sync, datasync', async (t) => {
  for (const length of lengths) {
    const run = async (promises: Loose): Promise<unknown> => {
      prepare();
      const handle = await promises.open(file, 'r+');
      const results = [];
      for (const call of [() => handle.truncate(length), () => handle.sync(), () => handle.datasync()]) {
        results.push(await outcome(call));
      }
      await handle.close();
      results.push(await outcome(() => handle.truncate(length)), await outcome(() => handle.sync()));
      return [results, content()];
    };
    t.same(await run(fsPromises), await run(nodePromises), inspect(length));
  }
});

t.test('it is the ring that does it, where the kernel can', ring, async (t) => {
  prepare();
  const byRing = probe().supports('ftruncate') ? 4 : 0;
  const count = (): number => stats().operations.ftruncate ?? 0;
  const before = count();
  await fsPromises.truncate(file, 7);
  await promisify(fs.truncate)(file, 6);
  const handle = await fsPromises.open(file, 'r+');
  await handle.truncate(5);
  await promisify(fs.ftruncate)(handle.fd, 4);
  await handle.close();
  t.equal(count(), before + byRing);
  t.equal(content(), '0123');
});

t.test('a kernel without ftruncate (before 6.9): node does it', ring, (t) => {
  prepare();
  const program = `
    import fs from 'ringcore/fs';
    import { open, truncate } from 'ringcore/fs/promises';
    import { ring, stats } from 'ringcore/core';
    import { promisify } from 'node:util';
    const file = ${JSON.stringify(file)};
    const probe = ring().probe();
    ring().probe = () => ({ ...probe, supports: (name) => name !== 'ftruncate' && probe.supports(name) });
    const sizes = [];
    const note = () => sizes.push(fs.statSync(file).size);
    await truncate(file, 8).then(note);
    await promisify(fs.truncate)(file, 7).then(note);
    const handle = await open(file, 'r+');
    await handle.truncate(6).then(note);
    await promisify(fs.ftruncate)(handle.fd, 5).then(note);
    await handle.truncate('x').catch((error) => sizes.push(error.code));
    await handle.truncate(1, { signal: AbortSignal.abort() }).catch((error) => sizes.push(error.name));
    await handle.close();
    await promisify(fs.ftruncate)(999999, 5).catch((error) => sizes.push(error.message));
    console.log(JSON.stringify([...sizes, stats().operations.ftruncate ?? 0]));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
  t.same(
    JSON.parse(String(stdout) || '0'),
    [8, 7, 6, 5, 'ERR_INVALID_ARG_TYPE', 'AbortError', 'EBADF: bad file descriptor, ftruncate', 0],
    String(stderr),
  );
  t.end();
});

t.test(
  'a worker that is terminated in the midst of truncate or writeFile leaves at most what was just arriving',
  ring,
  async (t) => {
    prepare();
    const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { truncate, writeFile } = require(workerData.library);
    const forEver = async (call, argument) => {
      for (let begun = false; ; begun = true) {
        await call(workerData.file, argument);
        if (!begun) parentPort.postMessage('begun');
      }
    };
    for (let index = 0; index < 10; index++) {
      forEver(truncate, 5);
      forEver(writeFile, 'content');
    }`;
    const workerData = { file, library: createRequire(import.meta.url).resolve('ringcore/fs/promises') };
    const open = (): number =>
      nodeFs.readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return nodeFs.readlinkSync(`/proc/self/fd/${fd}`) === file;
        } catch {
          return false;
        }
      }).length;
    for (let round = 0; round < 10; round++) {
      const worker = new Worker(program, { eval: true, workerData });
      await once(worker, 'message');
      await worker.terminate();
    }
    t.equal(open(), 0, 'descriptors left');
  },
);
