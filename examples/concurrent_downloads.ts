// 100 HTTP downloads side by side; each step of all of them is one io_uring_enter.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { close, connect, constants, recv, ring, send, socket, stats, type Operation } from 'ringcore/core';
import { run } from './support/run.js';

const { AF_INET, MSG_WAITALL, SOCK_STREAM } = constants;

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** What the server has under `/0`, `/1`, …: some hundred KiB, another size and other bytes each. */
function content(index: number): Buffer {
  const bytes = Buffer.alloc(10_000 + 1_713 * index);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (at * 31 + index * 7 + (at >> 8)) & 0xff;
  return bytes;
}

/** Node's own HTTP server: it does not use the ring, so that the ring's counters are all the client's. */
async function startServer(contents: Buffer[]): Promise<Server> {
  const server = createServer((request, response) => {
    const body = contents[Number(request.url?.slice(1))];
    response.shouldKeepAlive = false;
    if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-length': body.length }).end(body);
  });
  server.listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  return server;
}

/**
 * Submits all operations of one step, and waits for them. `submit()` only fills the SQEs; `enter()` hands them to the
 * kernel, all at once. (It would happen by itself before the event loop sleeps. Here it is to be counted.)
 */
async function step<T>(name: string, operations: Operation<T>[]): Promise<T[]> {
  const before = stats();
  for (const operation of operations) operation.submit();
  ring().enter();
  const after = stats();
  const submitted = after.submitted - before.submitted;
  const enters = after.enters - before.enters;
  const calls = `${enters} io_uring_enter${enters === 1 ? '' : 's'}`;
  console.log(`${name.padEnd(8)} ${submitted} operations submitted by ${calls}`);
  return Promise.all(operations);
}

/** The body of a response, if it is as its header says. */
function bodyOf(response: Buffer): Buffer {
  const end = response.indexOf('\r\n\r\n');
  const header = response.toString('latin1', 0, end);
  const body = response.subarray(end + 4);
  const length = /^content-length: *(\d+)/im.exec(header)?.[1];
  if (!header.startsWith('HTTP/1.1 200 ') || body.length !== Number(length)) {
    throw new Error(`an unexpected response of ${response.length} bytes: ${header.split('\r\n', 1)[0]}`);
  }
  return body;
}

async function download(port: number, contents: Buffer[]): Promise<Buffer[]> {
  const sockets = await step(
    'socket',
    contents.map(() => socket(AF_INET, SOCK_STREAM)),
  );
  await step(
    'connect',
    sockets.map((fd) => connect(fd, { address: '127.0.0.1', port })),
  );
  const requests = sockets.map((_, index) =>
    Buffer.from(`GET /${index} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
  );
  await step(
    'send',
    sockets.map((fd, index) => send(fd, requests[index]!, { msgFlags: MSG_WAITALL })),
  );
  // MSG_WAITALL: one request receives the whole response, up to the server's FIN, however many packets it takes.
  const buffers = contents.map(({ length }) => Buffer.allocUnsafe(length + 1024));
  const lengths = await step(
    'recv',
    sockets.map((fd, index) => recv(fd, buffers[index]!, { msgFlags: MSG_WAITALL })),
  );
  await step(
    'close',
    sockets.map((fd) => close(fd)),
  );
  return buffers.map((buffer, index) => buffer.subarray(0, lengths[index]));
}

await run('concurrent_downloads', async () => {
  const { values } = parseArgs({ options: { count: { type: 'string', default: '100' } } });
  const count = Number(values.count);
  if (!(Number.isInteger(count) && count >= 1 && count <= 200)) {
    throw new Error('usage: concurrent_downloads [--count N], N from 1 to 200');
  }

  ring(); // Opened by now, or else this says why it cannot be.
  const contents = Array.from({ length: count }, (_, index) => content(index));
  const server = await startServer(contents);
  try {
    const begin = performance.now();
    const responses = await download((server.address() as AddressInfo).port, contents);
    const ms = performance.now() - begin;

    const good = responses.filter(
      (response, index) => sha256(bodyOf(response)) === sha256(contents[index]!),
    ).length;
    const bytes = responses.reduce((sum, { length }) => sum + length, 0);
    console.log(`verified ${good} of ${count} downloads by SHA-256: ${bytes} bytes in ${ms.toFixed(1)} ms`);
    const { submitted, enters } = stats();
    console.log(`in all   ${submitted} operations, ${enters} io_uring_enters, waits included`);
    if (good !== count) throw new Error(`${count - good} downloads differ from what the server has`);
  } finally {
    server.close();
  }
});
