/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-argument,
   @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access,
   @typescript-eslint/no-unsafe-return,
   @typescript-eslint/no-base-to-string -- wrong arguments on purpose */
// The same calls, good and bad, on node:fs and on ringcore: results and errors are equal.
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fs from 'ringcore/fs';
import fsPromises from 'ringcore/fs/promises';
import t, { type Test } from 'tap';
import { errorFacts, outcome } from './helpers.js';

type Fs = typeof nodeFs;
type Promises = typeof nodePromises;
type Loose = any;

const dir = t.testdir({ text: 'some text\n', empty: '', sub: {} });
const text = join(dir, 'text');
const absent = join(dir, 'absent', 'file');

/** Calls the callback form; what it throws, or calls back with. */
function called(call: (done: (...results: unknown[]) => void) => void): Promise<unknown> {
  return new Promise((resolve) => {
    try {
      call((...results) =>
        resolve({ called: results.map((value) => (value instanceof Error ? errorFacts(value) : value)) }),
      );
    } catch (error) {
      resolve({ thrown: errorFacts(error) });
    }
  });
}

const badPaths = [undefined, null, 1.5, {}, [], true, 'a\0b', Buffer.from('a\0b'), absent, '', dir];
const goodPaths = [text, Buffer.from(text), pathToFileURL(text), new Uint8Array(Buffer.from(text))];
const badOptions = [
  1,
  true,
  Symbol.iterator,
  'no-such',
  { encoding: 'no-such' },
  { signal: 'x' },
  { flag: 'zz' },
];

async function same(
  t: Test,
  name: string,
  ring: () => Promise<unknown>,
  node: () => Promise<unknown>,
): Promise<void> {
  const [actual, expected] = [await ring(), await node()];
  t.same(actual, expected, name);
}

t.test('readFile', async (t) => {
  for (const path of [...badPaths, ...goodPaths] as Loose[]) {
    const name = `readFile ${String(path)}`;
    const promise = (promises: Promises) => () => outcome(() => promises.readFile(path));
    await same(t, name, promise(fsPromises), promise(nodePromises));
    const callback = (module: Fs) => () => called((done) => module.readFile(path, done));
    await same(t, `${name}, callback`, callback(fs), callback(nodeFs));
  }
  for (const options of [
    ...badOptions,
    'utf8',
    'hex',
    'base64',
    'buffer',
    { encoding: 'latin1', flag: 'r+' },
  ]) {
    const name = `readFile with ${typeof options === 'object' ? JSON.stringify(options) : String(options)}`;
    const promise = (promises: Promises) => () => outcome(() => promises.readFile(text, options as Loose));
    await same(t, name, promise(fsPromises), promise(nodePromises));
    const callback = (module: Fs) => () => called((done) => module.readFile(text, options as Loose, done));
    await same(t, `${name}, callback`, callback(fs), callback(nodeFs));
  }
  // node calls back with a TypeError of its own making here; the error of fstat is meant.
  t.match(await called((done) => fs.readFile(999_999, done)), {
    called: [{ message: 'EBADF: bad file descriptor, fstat' }],
  });
  const without = (module: Fs) => () => outcome(() => (module.readFile as Loose)(text));
  await same(t, 'without a callback', without(fs), without(nodeFs));
});

t.test('writeFile, appendFile', async (t) => {
  const target = join(dir, 'target');
  const datas = [
    undefined,
    null,
    5,
    {},
    true,
    'text',
    '',
    Buffer.from('bytes'),
    new Uint16Array([1, 2]),
    ['a', 'b'],
  ];
  const options = [
    ...badOptions,
    { mode: 'x' },
    { mode: -1 },
    { flush: 1 },
    { flush: true },
    { flag: 'ax' },
    'latin1',
  ];
  const cases: [unknown, unknown, unknown][] = [
    ...datas.map((data): [unknown, unknown, unknown] => [target, data, undefined]),
    ...options.map((option): [unknown, unknown, unknown] => [target, 'é', option]),
    ...badPaths.map((path): [unknown, unknown, unknown] => [path, 'x', undefined]),
  ];
  for (const method of ['writeFile', 'appendFile'] as const) {
    for (const [path, data, option] of cases) {
      const name = `${method} ${String(path)} ${String(data)} ${JSON.stringify(option) ?? String(option)}`;
      const written = (): string | undefined =>
        nodeFs.existsSync(target) ? nodeFs.readFileSync(target, 'latin1') : undefined;
      const promise = (promises: Promises) => async () => {
        nodeFs.rmSync(target, { force: true });
        return [
          await outcome(() => promises[method](path as Loose, data as Loose, option as Loose)),
          written(),
        ];
      };
      await same(t, name, promise(fsPromises), promise(nodePromises));
      const callback = (module: Fs) => async () => {
        nodeFs.rmSync(target, { force: true });
        const call = (done: Loose): void =>
          module[method](path as Loose, data as Loose, option as Loose, done);
        return [await called(call), written()];
      };
      await same(t, `${name}, callback`, callback(fs), callback(nodeFs));
    }
  }
});

t.test('open, close', async (t) => {
  const flags = [undefined, null, 'r', 'rs+', 'r+', 'q', 2 ** 31, 1.5, {}, 0];
  const modes = [undefined, null, 0o644, '644', '9', -1, 2 ** 32, {}];
  for (const path of badPaths as Loose[]) {
    const promise = (promises: Promises) => () => outcome(async () => (await promises.open(path)).close());
    await same(t, `open ${String(path)}`, promise(fsPromises), promise(nodePromises));
  }
  for (const [flag, mode] of [...flags.map((flag) => [flag, 0o666]), ...modes.map((mode) => ['r', mode])]) {
    const name = `open ${String(flag)} ${String(mode)}`;
    const promise = (promises: Promises) => () =>
      outcome(async () => (await promises.open(text, flag as Loose, mode as Loose)).close());
    await same(t, name, promise(fsPromises), promise(nodePromises));
    const callback = (module: Fs) => async () => {
      const result = (await called((done) => module.open(text, flag as Loose, mode as Loose, done))) as Loose;
      if (typeof result.called?.[1] === 'number') nodeFs.closeSync(result.called.splice(1)[0]);
      return result;
    };
    await same(t, `${name}, callback`, callback(fs), callback(nodeFs));
  }
  for (const fd of [-1, 1.5, 'x', null, undefined, 2 ** 31, 999_999] as Loose[]) {
    const callback = (module: Fs) => () => called((done) => module.close(fd, done));
    await same(t, `close ${String(fd)}`, callback(fs), callback(nodeFs));
  }
  const noCallback = (module: Fs) => () => outcome(() => module.close(0, 5 as Loose));
  await same(t, 'close with a wrong callback', noCallback(fs), noCallback(nodeFs));
});

/** The arguments of a read or a write behind the descriptor. */
const readCases = (): Loose[][] => [
  [Buffer.alloc(4)],
  [Buffer.alloc(4), 1, 2, 3],
  [Buffer.alloc(4), 1, 2, null],
  [Buffer.alloc(4), { position: 5, length: 2 }],
  [Buffer.alloc(4), null],
  [{ buffer: Buffer.alloc(3), offset: 1 }],
  [Buffer.alloc(0), 0, 0, 0],
  [Buffer.alloc(0), 0, 1, 0],
  [Buffer.alloc(4), 0, 5, 0],
  [Buffer.alloc(4), -1, 1, 0],
  [Buffer.alloc(4), 5, 1, 0],
  [Buffer.alloc(4), 'x', 1, 0],
  [Buffer.alloc(4), 0, -1, 0],
  [Buffer.alloc(4), 1.5, 1, 0],
  [new Uint32Array(2), 0, 8, 0],
  [new DataView(new ArrayBuffer(8)), 0, 8, 0],
  ['text'],
  [5],
  [new Uint8Array(new SharedArrayBuffer(4)), 0, 4, 0],
];

const writeCases = (): Loose[][] => [
  [Buffer.from('abc')],
  [Buffer.from('abc'), 1],
  [Buffer.from('abc'), 1, 1],
  [Buffer.from('abc'), 1, 1, 20],
  [Buffer.from('abc'), { offset: 1, position: 2 }],
  [Buffer.from('abc'), 4],
  [Buffer.from('abc'), 0, 4],
  [Buffer.from('abc'), -1],
  [Buffer.from('abc'), 0, -1],
  [new Uint16Array([65, 66]), 0, 4, 0],
  ['text'],
  ['text', 3],
  ['text', null, 'latin1'],
  ['abc', 0, 'hex'],
  [''],
  [{}],
  [5],
  [undefined],
];

t.test('read and write by callback', async (t) => {
  for (const [method, cases] of [
    ['read', readCases],
    ['write', writeCases],
  ] as const) {
    for (let index = 0; index < cases().length; index++) {
      for (const fd of [undefined, -1, 'x', 999_999]) {
        const run = (module: Fs) => async () => {
          const file = join(dir, 'rw');
          nodeFs.writeFileSync(file, '0123456789');
          const own = nodeFs.openSync(file, 'r+');
          const args = cases()[index]!;
          const result = await called((done) => (module[method] as Loose)(fd ?? own, ...args, done));
          // Where the file's position is now.
          const rest = nodeFs.readFileSync(own, 'latin1');
          nodeFs.closeSync(own);
          return [result, rest, nodeFs.readFileSync(file, 'latin1')];
        };
        await same(t, `${method} case ${index} of ${fd ?? 'a file'}`, run(fs), run(nodeFs));
      }
    }
  }
});

t.test('read and write of a FileHandle', async (t) => {
  for (const [method, cases] of [
    ['read', readCases],
    ['write', writeCases],
  ] as const) {
    for (let index = 0; index < cases().length; index++) {
      const run = (promises: Promises) => async () => {
        const file = join(dir, 'rw');
        nodeFs.writeFileSync(file, '0123456789');
        const handle = await promises.open(file, 'r+');
        const args = cases()[index]!;
        const result = await outcome(() => (handle[method] as Loose)(...args));
        const rest = await handle.readFile('latin1');
        await handle.close();
        const closed = await outcome(() => (handle[method] as Loose)(...args));
        return [result, rest, nodeFs.readFileSync(file, 'latin1'), closed];
      };
      await same(t, `${method} case ${index}`, run(fsPromises), run(nodePromises));
    }
  }
});

t.test('vectors', async (t) => {
  const vectors: Loose[] = [
    [],
    [Buffer.alloc(3), Buffer.alloc(4)],
    [new Uint16Array(2)],
    ['x'],
    'x',
    undefined,
  ];
  for (const method of ['readv', 'writev'] as const) {
    for (const vector of vectors) {
      const run = (module: Fs) => async () => {
        const file = join(dir, 'rw');
        nodeFs.writeFileSync(file, '0123456789');
        const fd = nodeFs.openSync(file, 'r+');
        const result = await called((done) => module[method](fd, vector, 1, done));
        nodeFs.closeSync(fd);
        return [JSON.stringify(result), nodeFs.readFileSync(file, 'latin1')];
      };
      await same(t, `${method} ${JSON.stringify(vector)}`, run(fs), run(nodeFs));
    }
  }
});

t.test('methods of a FileHandle', async (t) => {
  const calls: ((handle: Loose) => unknown)[] = [
    (handle) => handle.stat(),
    (handle) => handle.stat({ bigint: true }),
    (handle) => handle.sync(),
    (handle) => handle.datasync(),
    (handle) => handle.truncate(3),
    (handle) => handle.truncate(-1),
    (handle) => handle.truncate('x'),
    (handle) => handle.chmod(0o600),
    (handle) => handle.utimes(1, 2),
    (handle) => handle.readFile(),
    (handle) => handle.readFile('utf8'),
    (handle) => handle.readFile({ encoding: 'no-such' }),
    (handle) => handle.writeFile('abc'),
    (handle) => handle.writeFile(5),
    (handle) => handle.appendFile('abc'),
    (handle) => handle.readv([Buffer.alloc(2)]),
    (handle) => handle.writev([Buffer.from('ab')], 2),
    (handle) => handle.writev('x'),
    (handle) => handle.close(),
  ];
  // Times that differ from one file to the next.
  const facts = (value: Loose): unknown =>
    value && typeof value === 'object' && 'ino' in value
      ? [
          Object.getPrototypeOf(value) as unknown,
          Object.keys(value as object),
          value.size,
          value.mode,
          value.isFile(),
        ]
      : value;
  for (const call of calls) {
    const run = (promises: Promises) => async () => {
      const file = join(dir, 'methods');
      nodeFs.writeFileSync(file, '0123456789');
      const handle = await promises.open(file, 'r+');
      const result = await outcome(() => call(handle), facts);
      await handle.close();
      return [
        result,
        nodeFs.readFileSync(file, 'latin1'),
        handle.fd,
        await outcome(() => call(handle), facts),
      ];
    };
    await same(t, String(call), run(fsPromises), run(nodePromises));
  }
});

t.test('stat of a handle is the same as of node', async (t) => {
  const [handle, nodes] = [await fsPromises.open(text), await nodePromises.open(text)];
  t.same(await handle.stat(), await nodes.stat());
  t.same(await handle.stat({ bigint: true }), await nodes.stat({ bigint: true }));
  await handle.close();
  await nodes.close();
});

t.test('stream constructors refuse what node refuses', async (t) => {
  const options: Loose[] = [
    5,
    'no-such',
    { start: 'x' },
    { start: -1 },
    { start: 5, end: 2 },
    { end: 'x' },
    { fd: 'x' },
    { fd: -1 },
    { flush: 1 },
    { fs: {} },
    { encoding: 'no-such' },
  ];
  for (const method of ['createReadStream', 'createWriteStream'] as const) {
    for (const option of options) {
      const run = (module: Fs) => () =>
        outcome(() => {
          const stream: Loose = (module[method] as Loose)(join(dir, 'stream'), option);
          stream.on('error', () => {});
          stream.destroy();
        });
      await same(t, `${method} ${JSON.stringify(option)}`, run(fs), run(nodeFs));
    }
    for (const path of badPaths.filter(
      (path) => typeof path !== 'string' || path.includes('\0'),
    ) as Loose[]) {
      const run = (module: Fs) => () => outcome(() => void module[method](path));
      await same(t, `${method} ${String(path)}`, run(fs), run(nodeFs));
    }
  }
});
