// URL's content to the standard output or a file: node's http.request on ringcore's sockets.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import process from 'node:process';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createReadStream, createWriteStream } from 'ringcore';
import { httpUrl, RingAgent } from './support/http_agent.js';
import { run } from './support/run.js';

const usage =
  'usage: http_client [--method M] [--header "NAME: VALUE"]… [--upload FILE] [--include] [--output FILE] ' +
  '[--timeout MS] URL';

interface Options {
  method: string;
  headers: [name: string, value: string][];
  /** The file whose content is the request's body. */
  upload: string | undefined;
  signal: AbortSignal | undefined;
}

function headerOf(line: string): [name: string, value: string] {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`${line}: not "NAME: VALUE"`);
  return [name, value];
}

/** Sends the request; resolves with the header of the response. */
async function send(url: URL, { method, headers, upload, signal }: Options): Promise<IncomingMessage> {
  const request = httpRequest(url, { method, agent: new RingAgent(), signal });
  for (const [name, value] of headers) request.appendHeader(name, value);
  // It may come before all of the request has been sent: a server that refuses need not read.
  const response = once(request, 'response') as Promise<[IncomingMessage]>;
  const sent = upload === undefined ? request.end() : pipeline(createReadStream(upload), request);
  const first = await Promise.race([response, Promise.resolve(sent).then(() => response)]);
  return first[0];
}

function head(response: IncomingMessage): string {
  const lines = [`HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage}`];
  const { rawHeaders } = response;
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

await run('http_client', async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      method: { type: 'string' },
      header: { type: 'string', multiple: true, default: [] },
      upload: { type: 'string' },
      include: { type: 'boolean', default: false },
      output: { type: 'string' },
      timeout: { type: 'string' },
    },
  });
  const [target] = positionals;
  if (target === undefined || positionals.length > 1) throw new Error(usage);

  const signal = values.timeout === undefined ? undefined : AbortSignal.timeout(Number(values.timeout));
  const { upload, output } = values;
  const response = await send(httpUrl(target), {
    method: values.method ?? (upload === undefined ? 'GET' : 'POST'),
    headers: values.header.map(headerOf),
    upload,
    signal,
  });
  if (values.include) process.stdout.write(head(response));
  const to: Writable = output === undefined ? process.stdout : createWriteStream(output);
  // Rejects if the connection ends before the content does: what has a Content-Length is complete or an error.
  await pipeline(response, to, { end: output !== undefined, signal });
  if ((response.statusCode ?? 0) >= 400) throw new Error(`${response.statusCode} ${response.statusMessage}`);
});
