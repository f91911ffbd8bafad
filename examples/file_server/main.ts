// The files of DIR over HTTP/1.1: ranges, conditional requests, and no way out of DIR.
import type { FileHandle } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { open, realpath, stat } from 'ringcore';
import { byteRange } from './byte_range.js';
import { contentType } from './content_types.js';
import { precondition, rangeApplies, versionOf } from './preconditions.js';
import { HttpError, resolveTarget } from './target.js';
import { serve } from '../support/http_server.js';
import { codeOf, report, run } from '../support/run.js';

/** What the failure of a file operation is to an HTTP client. */
const statusOf: Record<string, [status: number, message: string]> = {
  ENOENT: [404, 'not found'],
  ENOTDIR: [404, 'not found'],
  ENAMETOOLONG: [404, 'not found'],
  ELOOP: [404, 'not found'],
  EACCES: [403, 'forbidden'],
  EPERM: [403, 'forbidden'],
  EMFILE: [503, 'too many files are open'],
  ENFILE: [503, 'too many files are open'],
};

function sendError(response: ServerResponse, error: unknown): void {
  if (!(error instanceof HttpError)) {
    const known = statusOf[codeOf(error) ?? ''];
    if (known === undefined) console.error(`file_server: ${(error as Error).message}`);
    return sendError(response, new HttpError(...(known ?? ([500, 'internal error'] as const))));
  }
  const body = Buffer.from(`${error.message}\n`);
  response.writeHead(error.status, {
    ...error.headers,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': body.length,
  });
  response.end(body);
}

/** Sends a part of the file, read no faster than the client takes it. */
async function sendBytes(
  response: ServerResponse,
  file: FileHandle,
  start: number,
  bytes: number,
): Promise<void> {
  // The stream's `end` is inclusive: what is appended meanwhile is not sent.
  const stream = file.createReadStream({ start, end: start + bytes - 1, autoClose: false });
  await pipeline(stream, response, { end: false });
  // Someone has truncated the file. The client has to know that what is missing will not come.
  if (stream.bytesRead < bytes) response.destroy();
  else response.end();
}

/** Answers with the file at `path`, all or a part of it, as the request's header says. */
async function sendFile(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  const { headers, method } = request;
  const file = await open(path);
  try {
    // Of the file that is open: the path may lead to another one by now.
    const status = await file.stat({ bigint: true });
    const version = versionOf(status);
    const size = Number(status.size);
    response.setHeader('etag', version.etag);
    response.setHeader('last-modified', new Date(version.modifiedMs).toUTCString());
    response.setHeader('accept-ranges', 'bytes');

    const failed = precondition(headers, version);
    if (failed === 412) throw new HttpError(412, 'precondition failed');
    if (failed === 304) return void response.writeHead(304).end();

    const wanted =
      method === 'GET' && rangeApplies(headers['if-range']?.toString(), version) ? headers.range : undefined;
    const range = byteRange(wanted, size);
    if (range === 'unsatisfiable') {
      throw new HttpError(416, 'no such range', { 'content-range': `bytes */${size}` });
    }
    const { start, end } = range ?? { start: 0, end: size - 1 };
    const bytes = end - start + 1;
    if (range !== undefined) response.setHeader('content-range', `bytes ${start}-${end}/${size}`);
    response.writeHead(range === undefined ? 200 : 206, {
      'content-type': contentType(path),
      'content-length': bytes,
      'x-content-type-options': 'nosniff',
    });
    if (method === 'HEAD' || bytes === 0) response.end();
    else await sendBytes(response, file, start, bytes);
  } finally {
    await file.close();
  }
}

async function answer(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new HttpError(405, 'method not allowed', { allow: 'GET, HEAD' });
    }
    await sendFile(request, response, await resolveTarget(root, request.url ?? '/'));
  } catch (error) {
    // The client went away, or the file cannot be read any more: too late for another status.
    if (response.headersSent) response.destroy();
    else sendError(response, error);
  }
}

await run('file_server', async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      port: { type: 'string', default: '8080' },
      host: { type: 'string', default: '127.0.0.1' },
    },
  });
  const [directory] = positionals;
  if (directory === undefined || positionals.length > 1) {
    throw new Error('usage: file_server [--port N] [--host ADDRESS] DIR');
  }
  const root = await realpath(directory);
  if (!(await stat(root)).isDirectory()) throw new Error(`${directory} is not a directory`);

  const app = createServer((request, response) => {
    answer(root, request, response).catch((error: unknown) => report('file_server', error));
  });
  await serve(app, Number(values.port), values.host);
});
