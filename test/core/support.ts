/** What several tests of lib/core need. */
import { execFile, type ExecFileOptions } from 'node:child_process';
import { closeSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  accept,
  bind as bindByRing,
  BufferRing,
  close,
  connect,
  constants,
  getsockopt,
  listen as listenByRing,
  localAddress,
  pipe as pipeByRing,
  probe,
  socket,
  stats,
  timeoutMultishot,
  type InternetAddress,
} from 'ringcore/core';

/** The rejection of a promise. */
export async function rejection(promise: PromiseLike<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('it should have been rejected');
}

/** What a function throws. */
export function exception(action: () => unknown): Error & Record<string, unknown> {
  try {
    action();
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('it should have thrown');
}

/** tap's `skip` option: a reason, where the running kernel lacks an operation. */
export function lacking(...operations: string[]): { skip?: string } {
  const kernel = probe();
  const missing = operations.filter((operation) => !kernel.supports(operation));
  return missing.length > 0 ? { skip: `the kernel lacks IORING_OP_${missing.join(', ').toUpperCase()}` } : {};
}

interface Calls {
  encodeAddress(domain: number, address: string, port: number): Uint8Array;
  bind(fd: number, address: Uint8Array): number;
  listen(fd: number, backlog: number): number;
  pipe(bytes: number): [number, number];
}

/** The addon's own system calls, for what older kernels have no operation for. */
const calls = createRequire(import.meta.url)('../../Release/ringcore.node') as Calls;

/** Both ends of a pipe; without the ring before 6.16. */
export async function pipe(): Promise<[number, number]> {
  return probe().supports('pipe') ? pipeByRing() : calls.pipe(65536);
}

/** As core's; without the ring before 6.11. */
export async function bind(fd: number, address: InternetAddress): Promise<void> {
  if (probe().supports('bind')) return bindByRing(fd, address);
  calls.bind(fd, calls.encodeAddress(constants.AF_INET, address.address, address.port));
}

/** As core's; without the ring before 6.11. */
export async function listen(fd: number, backlog = 511): Promise<void> {
  if (probe().supports('listen')) return listenByRing(fd, backlog);
  calls.listen(fd, backlog);
}

/** For what cannot be tried. */
export const olderThan = (version: string): boolean => {
  const number = (text: string): number => {
    const [major, minor] = text.split('.').map((part) => Number.parseInt(part));
    return major! * 1000 + minor!;
  };
  return number(release()) < number(version);
};

/**
 * tap's `skip` option: a reason, where an older kernel refuses what no opcode tells of. A newer one's refusal is a fault.
 */
async function refused(
  what: string,
  since: string,
  attempt: () => Promise<unknown>,
): Promise<{ skip?: string }> {
  if (!olderThan(since)) return {};
  try {
    await attempt();
    return {};
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EINVAL' && code !== 'ENOTSUP') throw error;
    return { skip: `the kernel refuses ${what} (${code}), which came with ${since}` };
  }
}

export const multishotTimers = (): Promise<{ skip?: string }> =>
  refused('a multishot timer', '6.4', async () => {
    await timeoutMultishot(0.01, { repeats: 1 })[Symbol.asyncIterator]().next();
  });

export const socketOptions = (): Promise<{ skip?: string }> =>
  refused("a socket's options as an operation", '6.7', async () => {
    const fd = await socket(constants.AF_INET, constants.SOCK_STREAM);
    try {
      await getsockopt(fd, constants.SOL_SOCKET, constants.SO_KEEPALIVE);
    } finally {
      closeSync(fd);
    }
  });

export const incrementalBuffers = (): Promise<{ skip?: string }> =>
  refused('buffers that are used up piece by piece', '6.12', async () => {
    new BufferRing({ incremental: true }).close();
  });

/** Open descriptors of this process, except those of the directory that is read to find out. */
export function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return [];
    }
  });
}

/** {@link openDescriptors}, when nothing is in flight: what came late before is closed then, and not counted. */
export async function descriptorsAtRest(): Promise<string[]> {
  for (let turn = 0; turn < 10_000 && stats().inFlight > 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  return openDescriptors();
}

/** Waits until no more descriptors are open than `before`: what came late is closed by operations of its own. */
export async function descriptorsBackAt(before: string[]): Promise<string[]> {
  for (let turn = 0; turn < 10_000 && openDescriptors().length > before.length; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  return openDescriptors();
}

/** A temporary directory whose path leaves room in the 108 bytes of a Unix socket's address. */
export function shortDirectory(t: Tap.Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'ringcore-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Both ends of a pipe, closed when the test ends. */
export async function makePipe(t: Tap.Test): Promise<[number, number]> {
  const ends = await pipe();
  t.teardown(() => {
    for (const end of ends) closeQuietly(end);
  });
  return ends;
}

export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // The test has closed it.
  }
}

/** A listening socket at a port of the kernel's choice. */
export async function listeningSocket(t: Tap.Test): Promise<{ fd: number; address: InternetAddress }> {
  const fd = await socket(constants.AF_INET, constants.SOCK_STREAM);
  t.teardown(() => closeQuietly(fd));
  await bind(fd, { address: '127.0.0.1', port: 0 });
  await listen(fd);
  return { fd, address: localAddress(fd) as InternetAddress };
}

/** Two connected TCP sockets. */
export async function socketPair(t: Tap.Test): Promise<[client: number, server: number]> {
  const listener = await listeningSocket(t);
  const client = await socket(constants.AF_INET, constants.SOCK_STREAM);
  const [server] = await Promise.all([accept(listener.fd), connect(client, listener.address)]);
  t.teardown(() => {
    closeQuietly(client);
    closeQuietly(server);
  });
  await close(listener.fd);
  return [client, server];
}

/** A server of node:net that gives each connection to `onConnection`. */
export async function nodeServer(
  t: Tap.Test,
  onConnection: (socket: Socket) => void,
): Promise<InternetAddress> {
  const server: Server = createServer(onConnection).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
  });
  const { address, port } = server.address() as AddressInfo;
  return { address, port };
}

export interface Outcome {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** A machine that is emulated needs more: scripts/kernel_test.mjs. */
const scriptLimitMs = Number(process.env['RINGCORE_TEST_LIMIT_MS'] ?? 60_000);

/** Runs a script (an ES module) in a process of its own. */
export function runScript(
  script: string,
  { args = [], wrapper = [], ...options }: ExecFileOptions & { args?: string[]; wrapper?: string[] } = {},
): Promise<Outcome> {
  const [command, ...rest] = [
    ...wrapper,
    process.execPath,
    '--expose-gc',
    '--input-type=module',
    '-e',
    script,
    ...args,
  ] as [string, ...string[]];
  return new Promise((resolve) => {
    const child = execFile(
      command,
      rest,
      { timeout: scriptLimitMs, ...options },
      (_error, stdout, stderr) => {
        resolve({
          code: child.exitCode,
          signal: child.signalCode,
          stdout: String(stdout),
          stderr: String(stderr),
        });
      },
    );
  });
}

/** tap's test object, as far as the helpers need it. */
// eslint-disable-next-line @typescript-eslint/no-namespace
export declare namespace Tap {
  interface Test {
    teardown(action: () => unknown): void;
  }
}
