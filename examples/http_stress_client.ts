// --requests N of URL, --connections M at once; every reply is checked, byte for byte.
import { get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { backend, readFile } from 'ringcore';
import { httpUrl, RingAgent } from './support/http_agent.js';
import { run } from './support/run.js';

const usage = 'usage: http_stress_client [--requests N] [--connections M] [--file PATH] [--timeout MS] URL';

interface Limits {
  agent: RingAgent;
  timeoutMs: number;
}

async function fetchReply(url: URL, { agent, timeoutMs }: Limits): Promise<IncomingMessage> {
  const request = get(url, { agent, signal: AbortSignal.timeout(timeoutMs) });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

/** What every reply is to be: the first one, unless a file says it. */
async function firstBody(url: URL, limits: Limits): Promise<Buffer> {
  const response = await fetchReply(url, limits);
  if (response.statusCode !== 200) throw new Error(`the first reply is ${response.statusCode}`);
  return Buffer.concat((await response.toArray()) as Buffer[]);
}

/** One request. Throws if its reply is not exactly `expected`. */
async function check(url: URL, limits: Limits, expected: Buffer): Promise<void> {
  const response = await fetchReply(url, limits);
  let at = 0;
  let same = true;
  // To the end, so that the connection can be used again.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    same &&= chunk.equals(expected.subarray(at, at + chunk.length));
    at += chunk.length;
  }
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  if (at !== expected.length) throw new Error(`${at} bytes instead of ${expected.length}`);
  if (!same) throw new Error('other bytes');
}

class Tally {
  readonly latencies: number[] = [];
  readonly failures = new Map<string, number>();

  fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.failures.set(reason, (this.failures.get(reason) ?? 0) + 1);
  }

  report(seconds: number, bytesEach: number): void {
    const good = this.latencies.length;
    const sorted = Float64Array.from(this.latencies).sort();
    const percentile = (part: number): string =>
      `${(sorted[Math.min(good - 1, Math.floor(good * part))] ?? NaN).toFixed(2)} ms`;
    const mebibytes = (good * bytesEach) / 2 ** 20;
    console.log(`${good} good replies of ${bytesEach} bytes in ${seconds.toFixed(2)} s`);
    console.log(`${(good / seconds).toFixed(0)} replies/s, ${(mebibytes / seconds).toFixed(1)} MiB/s`);
    if (good > 0) {
      console.log(`latency: median ${percentile(0.5)}, 99 % ${percentile(0.99)}, most ${percentile(1)}`);
    }
    const failed = [...this.failures.values()].reduce((sum, count) => sum + count, 0);
    console.log(`${failed} failures`);
    for (const [reason, count] of this.failures) console.log(`  ${count} times: ${reason}`);
    if (failed > 0) process.exitCode = 1;
  }
}

await run('http_stress_client', async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      requests: { type: 'string', default: '10000' },
      connections: { type: 'string', default: '50' },
      file: { type: 'string' },
      timeout: { type: 'string', default: '10000' },
    },
  });
  const [target] = positionals;
  const [requests, connections, timeoutMs] = [values.requests, values.connections, values.timeout].map(
    Number,
  );
  const isCount = (value: number | undefined): value is number => Number.isInteger(value) && value! >= 1;
  if (target === undefined || positionals.length > 1) throw new Error(usage);
  if (!isCount(requests) || !isCount(connections) || !isCount(timeoutMs)) throw new Error(usage);

  console.log(`backend: ${backend.name}; ${requests} requests, ${connections} at once`);
  const url = httpUrl(target);
  const agent = new RingAgent({ keepAlive: true, maxSockets: connections });
  const limits = { agent, timeoutMs };
  const expected = values.file === undefined ? await firstBody(url, limits) : await readFile(values.file);

  const tally = new Tally();
  let begun = 0;
  const begin = performance.now();
  const worker = async (): Promise<void> => {
    while (begun++ < requests) {
      const from = performance.now();
      try {
        await check(url, limits, expected);
        tally.latencies.push(performance.now() - from);
      } catch (error) {
        tally.fail(error);
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  tally.report((performance.now() - begin) / 1000, expected.length);
  agent.destroy();
});
