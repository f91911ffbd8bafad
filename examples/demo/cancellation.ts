// An accept and a read that wait for what never comes, and two ways to give up: an AbortSignal, and a time limit.
import { once } from 'node:events';
import { getSystemErrorName } from 'node:util';
import { createServer, connect } from 'ringcore';
import {
  accept,
  bind,
  close,
  constants,
  listen,
  read,
  socket,
  TimeoutError,
  type Operation,
} from 'ringcore/core';
import type { AddressInfo } from 'node:net';
import { expect, timed } from './checks.js';

const { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM } = constants;

const limitMs = 50;

async function errorOf(pending: PromiseLike<unknown>): Promise<unknown> {
  try {
    await pending;
  } catch (error) {
    return error;
  }
  throw new Error('it was to be cancelled, and completed');
}

/** The kernel's own last word on an operation whose promise has been rejected. */
async function expectCancelledInKernel(operation: Operation<number>): Promise<void> {
  const result = await operation.released;
  const name = result < 0 ? getSystemErrorName(result) : String(result);
  expect(name === 'ECANCELED', `in the kernel it ended with ${name}, not ECANCELED`);
}

/** An AbortSignal becomes an IORING_OP_ASYNC_CANCEL. */
export async function abortAccept(): Promise<string> {
  const listener = await socket(AF_INET, SOCK_STREAM);
  try {
    await bind(listener, { address: '127.0.0.1', port: 0 });
    await listen(listener);
    const controller = new AbortController();
    const pending = accept(listener, { signal: controller.signal });
    setTimeout(() => controller.abort('nobody came'), limitMs);
    const [error, ms] = await timed(() => errorOf(pending));
    expect(isAbort(error, 'nobody came'), `not an AbortError with the signal's reason: ${String(error)}`);
    await expectCancelledInKernel(pending);
    return `AbortError after ${ms.toFixed(1)} ms, ECANCELED in the kernel`;
  } finally {
    await close(listener);
  }
}

/** A `timeout` becomes an IORING_OP_LINK_TIMEOUT: the kernel watches the time. */
export async function limitRead(): Promise<string> {
  // A socket without an address: nobody can send to it.
  const lonely = await socket(AF_UNIX, SOCK_DGRAM);
  try {
    const pending = read(lonely, Buffer.alloc(64), { timeout: limitMs });
    const [error, ms] = await timed(() => errorOf(pending));
    expect(error instanceof TimeoutError, `not a TimeoutError: ${String(error)}`);
    await expectCancelledInKernel(pending);
    return `TimeoutError after ${ms.toFixed(1)} ms, ECANCELED in the kernel`;
  } finally {
    await close(lonely);
  }
}

function isAbort(error: unknown, reason?: string): boolean {
  const { code, cause } = error as { code?: string; cause?: unknown };
  return code === 'ABORT_ERR' && (reason === undefined || cause === reason);
}

/** Without a ring: node's own signals. They end the waiting; the kernel does not hear of it. */
export async function abortWithoutRing(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const signal = AbortSignal.timeout(limitMs);
    const [error, ms] = await timed(() => errorOf(once(server, 'connection', { signal })));
    expect(isAbort(error), `not an AbortError: ${String(error)}`);
    return `AbortError after ${ms.toFixed(1)} ms (node's own: nothing is cancelled in the kernel)`;
  } finally {
    server.close();
  }
}

export async function limitWithoutRing(): Promise<string> {
  const server = createServer((peer) => void peer.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  try {
    await once(client, 'connect');
    const signal = AbortSignal.timeout(limitMs);
    const [error, ms] = await timed(() => errorOf(once(client, 'data', { signal })));
    expect(isAbort(error), `not an AbortError: ${String(error)}`);
    return `AbortError after ${ms.toFixed(1)} ms (node's own: nothing is cancelled in the kernel)`;
  } finally {
    client.destroy();
    server.close();
  }
}
