// The twin of http_client (and http_stress_client) on plain node: URL's content to the standard output.
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import process from 'node:process';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { run } from '../support/run.js';

await run('http_client', async () => {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [url] = positionals;
  if (url === undefined || positionals.length > 1) throw new Error('usage: http_client URL');
  const [response] = (await once(get(url), 'response')) as [IncomingMessage];
  await pipeline(response, process.stdout, { end: false });
  if ((response.statusCode ?? 0) >= 400) throw new Error(`${response.statusCode} ${response.statusMessage}`);
});
