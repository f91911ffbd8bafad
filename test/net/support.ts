// What the tests of lib/net share.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { AddressInfo, Server as NodeServer } from 'node:net';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import net, { type Server, type Socket } from 'ringcore/net';
import { ended, type Outcome } from '../shared/child.js';
import { scaled } from '../slowness.js';

export { hashOf, pattern } from '../shared/bytes.js';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

const [kernelMajor = 0, kernelMinor = 0] = release().split('.').map(Number);
export const kernelAtLeast = (major: number, minor: number): boolean =>
  kernelMajor > major || (kernelMajor === major && kernelMinor >= minor);

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, scaled(ms)));

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;

export async function listening(listener?: (socket: Socket) => void, options = {}): Promise<Server> {
  const server = net.createServer(options, listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export async function connected(server: Server, options = {}): Promise<Socket> {
  const socket = net.connect({ port: portOf(server), host: '127.0.0.1', ...options });
  await once(socket, 'connect');
  return socket;
}

export async function closed(server: NodeServer): Promise<void> {
  if (!server.listening) return;
  server.close();
  await once(server, 'close');
}

/** Everything until the end. */
export async function collect(socket: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** How many descriptors this process has open. */
export const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** Waits until `condition` holds; false if it does not within the time. */
export async function until(condition: () => boolean, ms = 2000): Promise<boolean> {
  const end = Date.now() + scaled(ms);
  while (!condition()) {
    if (Date.now() > end) return false;
    await sleep(5);
  }
  return true;
}

/** Runs a module's source in a process of its own. */
export async function run(
  source: string,
  env: Record<string, string> = {},
  limitMs = 10_000,
): Promise<Outcome> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: scaled(limitMs),
  });
  return ended(child);
}
