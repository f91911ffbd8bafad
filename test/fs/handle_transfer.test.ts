// FileHandles are node's as well: instances of its class, good for its own functions, and they go to other threads.
import nodeFs from 'node:fs';
import nodePromises, { type FileHandle } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { MessageChannel, Worker, type TransferListItem } from 'node:worker_threads';
import fsPromises from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, outcome, settledDescriptors } from './helpers.js';

const dir = t.testdir({ file: 'contents' });
const path = join(dir, 'file');
const list = (handle: FileHandle): TransferListItem[] => [handle];
const busy = { name: 'DataCloneError', message: 'Cannot transfer FileHandle while in use' };

t.test('an instance of the class of node', async (t) => {
  const [own, nodes] = [await fsPromises.open(path), await nodePromises.open(path)];
  t.ok(own instanceof (nodes.constructor as new () => object));
  const members = (handle: object): string[] =>
    Reflect.ownKeys(Object.getPrototypeOf(handle) as object).map(String);
  const missing = Reflect.ownKeys(Object.getPrototypeOf(nodes) as object).filter((key) => !(key in own));
  t.same(missing, []);
  t.same(
    Reflect.ownKeys(own).map(String),
    Reflect.ownKeys(nodes).map(String),
    'own properties, and their order',
  );
  const beyond = members(own).filter((name) => !members(nodes).includes(name));
  t.same(
    beyond,
    ['ref', 'unref', 'use', 'fallocate', 'fadvise', 'getxattr', 'setxattr'],
    "what is ringcore's alone is not enumerable",
  );
  t.same(Object.keys(Object.getPrototypeOf(own) as object), []);
  await own.close();
  await nodes.close();
});

t.test("node's own functions take it", async (t) => {
  const handle = await fsPromises.open(path);
  t.equal(await nodePromises.readFile(handle, 'utf8'), 'contents');
  const stream = nodeFs.createReadStream('', { fd: handle, start: 2, encoding: 'utf8' });
  let text = '';
  stream.on('data', (chunk) => (text += String(chunk)));
  await once(stream, 'close');
  t.equal(text, 'ntents');
  t.equal(handle.fd, -1, 'the stream has closed it');
});

t.test('to another port', async (t) => {
  const baseline = descriptors();
  const handle = await fsPromises.open(path);
  const { fd } = handle;
  const { port1, port2 } = new MessageChannel();
  port1.postMessage({ handle }, list(handle));
  t.equal(handle.fd, -1);
  await t.rejects(handle.read(Buffer.alloc(1)), { code: 'EBADF', message: 'file closed' });
  await handle.close();
  const [{ handle: received }] = (await once(port2, 'message')) as [{ handle: FileHandle }];
  t.equal(received.fd, fd, 'the same descriptor');
  t.equal(await fsPromises.readFile(received, 'utf8'), 'contents');
  await received.close();
  port1.close();
  t.equal(await settledDescriptors(baseline), baseline);
});

t.test('to a worker thread', async (t) => {
  const handle = await fsPromises.open(path);
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    workerData.handle.readFile('utf8').then(async (text) => {
      await workerData.handle.close();
      parentPort.postMessage(text);
    });`;
  const worker = new Worker(program, { eval: true, workerData: { handle }, transferList: list(handle) });
  const exited = once(worker, 'exit');
  t.same(await once(worker, 'message'), ['contents']);
  await exited;
});

t.test('not while in use, not without being asked to', async (t) => {
  const { port1 } = new MessageChannel();
  const handle = await fsPromises.open(path);
  const reading = handle.readFile('utf8');
  t.throws(() => port1.postMessage(handle, list(handle)), busy);
  t.equal(await reading, 'contents');
  const nodes = await nodePromises.open(path);
  const refusal = (sent: FileHandle): Promise<unknown> => outcome(() => port1.postMessage(sent));
  t.same(await refusal(handle), await refusal(nodes));
  t.match(await refusal(handle), { thrown: {} });
  await nodes.close();
  const closing = handle.close();
  t.throws(() => port1.postMessage(handle, list(handle)), busy);
  await closing;
  t.throws(() => port1.postMessage(handle, list(handle)), busy);
  port1.close();
});

t.test('a message that cannot be sent leaves it as it was', async (t) => {
  const { port1 } = new MessageChannel();
  const handle = await fsPromises.open(path);
  const message = { handle, unsendable() {} };
  t.throws(() => port1.postMessage(message, list(handle)), { name: 'DataCloneError' });
  // If the descriptor belonged to two, the collector would close it.
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    global.gc!();
  }
  t.equal(await handle.readFile('utf8'), 'contents');
  await handle.close();
  port1.close();
});
