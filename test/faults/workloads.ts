// Work whose outcome can be checked: each resolves when everything was right, and rejects with the error that a
// function gave. A wrong outcome is a `Wrong`.
import { once } from 'node:events';
import nodeFs from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { chain, close, nop, openat, read, sleep, timeout, write } from 'ringcore/core';
import * as fs from 'ringcore/fs';
import net from 'ringcore/net';
import { pipe } from '../core/support.js';
import { pattern, treeOf } from '../fs/helpers.js';

export class Wrong extends Error {}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Wrong(what);
}

type Draw = (limit: number) => number;
export type Workload = (directory: string, draw: Draw) => Promise<unknown>;

/** All settle before the first failure counts: nothing of this workload goes on behind it. */
async function all(work: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(work);
  const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
  const worst = failures.find((error) => error instanceof Wrong) ?? failures[0];
  if (worst !== undefined) throw worst;
}

const same = (path: string, expected: Uint8Array): boolean => nodeFs.readFileSync(path).equals(expected);

async function wholeFiles(directory: string, draw: Draw): Promise<void> {
  const one = async (i: number): Promise<void> => {
    const path = join(directory, `whole-${i}`);
    const data = pattern([0, 1, 4096, 70_000, 700_000][draw(5)]! + draw(100));
    await fs.promises.writeFile(path, data);
    check(same(path, data), `writeFile ${i} wrote something else`);
    check((await fs.promises.readFile(path)).equals(data), `readFile ${i} read something else`);
    await fs.promises.appendFile(path, 'more');
    check(same(path, Buffer.concat([data, Buffer.from('more')])), `appendFile ${i}`);
  };
  await all(Array.from({ length: 8 }, (_, i) => one(i)));
}

async function copies(directory: string, draw: Draw): Promise<void> {
  const one = async (i: number): Promise<void> => {
    const [from, to] = [join(directory, `from-${i}`), join(directory, `to-${i}`)];
    const data = pattern(1 + draw(600_000));
    nodeFs.writeFileSync(from, data);
    await fs.promises.copyFile(from, to);
    check(same(to, data), `copyFile ${i}: ${data.length} bytes`);
    const streamed = join(directory, `streamed-${i}`);
    await pipeline(fs.createReadStream(from), fs.createWriteStream(streamed));
    check(same(streamed, data), `pipeline of files ${i}: ${data.length} bytes`);
  };
  await all(Array.from({ length: 3 }, (_, i) => one(i)));
}

async function trees(directory: string, draw: Draw): Promise<void> {
  const from = join(directory, 'tree');
  for (let i = 0; i < 30; i++) {
    const folder = join(from, String(draw(4)), String(draw(4)));
    nodeFs.mkdirSync(folder, { recursive: true });
    nodeFs.writeFileSync(join(folder, `f${i}`), pattern(draw(20_000)));
  }
  nodeFs.symlinkSync('nowhere', join(from, 'link'));
  const to = join(directory, 'copy');
  await fs.promises.cp(from, to, { recursive: true, verbatimSymlinks: true });
  check(JSON.stringify(treeOf(to)) === JSON.stringify(treeOf(from)), 'cp made another tree');
  await fs.promises.rm(to, { recursive: true });
  check(!nodeFs.existsSync(to), 'rm left something');
}

/** An error behind the first bytes: the count says how many went, as node's does. */
class Interrupted extends Error {
  readonly code = 'SHORT';
}

async function handles(directory: string, draw: Draw): Promise<void> {
  const path = join(directory, 'handle');
  const data = pattern(300_000);
  const handle = await fs.promises.open(path, 'w+');
  try {
    const parts: Buffer[] = [];
    for (let at = 0; at < data.length; at += 7000) parts.push(data.subarray(at, at + 7000));
    const { bytesWritten } = await handle.writev(parts, 0);
    check(same(path, data.subarray(0, bytesWritten)), 'writev wrote something else');
    if (bytesWritten < data.length) throw new Interrupted(`writev settled with ${bytesWritten} bytes`);
    const at = draw(data.length);
    const { bytesWritten: written } = await handle.write(data, 0, data.length - at, at);
    if (written < data.length - at) throw new Interrupted(`write settled with ${written} bytes`);
    const into = Buffer.alloc(50_000);
    for (let i = 0; i < 10; i++) {
      const position = draw(250_000);
      const { bytesRead } = await handle.read(into, 0, into.length, position);
      const expected = Buffer.concat([data.subarray(0, at), data]).subarray(position, position + bytesRead);
      check(bytesRead > 0 && into.subarray(0, bytesRead).equals(expected), 'read something else');
    }
    await handle.truncate(1000);
    await handle.sync();
    check(nodeFs.statSync(path).size === 1000, 'truncate');
  } finally {
    await handle.close().catch((error: unknown) => {
      if (!(error instanceof Error)) throw error;
    });
  }
}

async function paths(directory: string, draw: Draw): Promise<void> {
  const one = async (i: number): Promise<void> => {
    const folder = join(directory, `paths-${i}`, 'a', 'b');
    await fs.promises.mkdir(folder, { recursive: true });
    check(nodeFs.statSync(folder).isDirectory(), 'mkdir');
    const file = join(folder, 'file');
    nodeFs.writeFileSync(file, pattern(draw(1000)));
    const { size } = await fs.promises.stat(file);
    check(size === nodeFs.statSync(file).size, 'stat');
    await fs.promises.rename(file, `${file}2`);
    check(!nodeFs.existsSync(file) && nodeFs.existsSync(`${file}2`), 'rename');
    await fs.promises.link(`${file}2`, file);
    await fs.promises.unlink(`${file}2`);
    check(nodeFs.existsSync(file) && !nodeFs.existsSync(`${file}2`), 'link and unlink');
  };
  await all(Array.from({ length: 4 }, (_, i) => one(i)));
}

/** A connection; every byte that arrives must be the next one that was sent. */
async function echoed(port: number, data: Buffer): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  let received = 0;
  let failure: Error | undefined;
  socket.on('error', (error: Error) => (failure = error));
  socket.on('data', (chunk: Buffer) => {
    if (!chunk.equals(data.subarray(received, received + chunk.length))) {
      failure = new Wrong(`echo differs behind byte ${received}`);
      socket.destroy();
    }
    received += chunk.length;
  });
  for (let at = 0; at < data.length; at += 50_000) socket.write(data.subarray(at, at + 50_000));
  socket.end();
  await new Promise((resolve) => socket.once('close', resolve));
  if (failure !== undefined) throw failure;
  if (received !== data.length) throw new Cut(`${received} of ${data.length} bytes came back`);
}

/** The peer failed, and this side saw a proper end: an error only if the peer had none. */
class Cut extends Error {
  readonly code = 'CUT';
}

async function echo(_directory: string, draw: Draw): Promise<void> {
  const serverErrors: Error[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', (error: Error) => serverErrors.push(error));
    socket.pipe(socket);
  });
  server.on('error', (error: Error) => serverErrors.push(error));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    await all(Array.from({ length: 6 }, () => echoed(port, pattern(1 + draw(300_000)))));
  } catch (error) {
    if (error instanceof Cut && serverErrors.length === 0)
      throw new Wrong(`${error.message}, and no error anywhere`);
    throw error;
  } finally {
    server.close();
    await new Promise((resolve) => server.once('close', resolve));
  }
}

async function aborts(directory: string, draw: Draw): Promise<void> {
  const path = join(directory, 'aborted');
  nodeFs.writeFileSync(path, pattern(200_000));
  const one = async (): Promise<void> => {
    const controller = new AbortController();
    const { signal } = controller;
    const work = [
      () => fs.promises.readFile(path, { signal }),
      () => timeout(10_000, { signal }),
      () => nop({ signal }),
      () => sleep(10_000, { signal }),
      async () => close(await openat(path, { signal })),
    ][draw(5)]!();
    // It may fail before it is waited for.
    work.then(undefined, () => {});
    const turns = draw(4);
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await work;
  };
  const outcomes = await Promise.allSettled(Array.from({ length: 30 }, one));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') check(outcome.reason instanceof Error, 'rejected with no error');
  }
}

async function chains(directory: string, draw: Draw): Promise<void> {
  const path = join(directory, 'chained');
  nodeFs.writeFileSync(path, pattern(40_000));
  const [reader, writer] = await pipe();
  try {
    const count = 1 + draw(20_000);
    const into = Buffer.alloc(count);
    const [, got] = await chain([write(writer, pattern(count)), read(reader, into)], {
      timeout: 5000,
    });
    check(into.subarray(0, got).equals(pattern(count).subarray(0, got)), 'a chain read something else');
  } finally {
    nodeFs.closeSync(reader);
    nodeFs.closeSync(writer);
  }
}

export const workloads: Record<string, Workload> = {
  wholeFiles,
  copies,
  trees,
  handles,
  paths,
  echo,
  aborts,
  chains,
};
