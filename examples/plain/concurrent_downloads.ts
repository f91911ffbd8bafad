// The twin of concurrent_downloads on plain node: fetch, --count N of them side by side.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { run } from '../support/run.js';

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

await run('concurrent_downloads', async () => {
  const { values } = parseArgs({ options: { count: { type: 'string', default: '100' } } });
  const count = Number(values.count);
  if (!(Number.isInteger(count) && count >= 1)) throw new Error('usage: concurrent_downloads [--count N]');
  const contents = Array.from({ length: count }, (_, index) =>
    Buffer.alloc(10_000 + 1_713 * index, `${index}`),
  );
  const server = createServer((request, response) => {
    response.setHeader('connection', 'close').end(contents[Number(request.url?.slice(1))]);
  }).listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const begin = performance.now();
  const bodies = await Promise.all(
    contents.map(async (_, index) => {
      const response = await fetch(`http://127.0.0.1:${port}/${index}`);
      return Buffer.from(await response.arrayBuffer());
    }),
  );
  const ms = performance.now() - begin;
  const good = bodies.filter((body, index) => sha256(body) === sha256(contents[index]!)).length;
  console.log(`verified ${good} of ${count} downloads by SHA-256 in ${ms.toFixed(1)} ms`);
  server.close();
});
