// Reading the standard input as a stream, whatever it is: a file, a pipe, a terminal.
import process from 'node:process';
import type { Readable } from 'node:stream';
import { backend, createReadStream } from 'ringcore';

export function standardInput(): Readable {
  // From a pipe or terminal that someone has made non-blocking read(2) gives EAGAIN: node's own stream knows what to do.
  // The ring waits in the kernel.
  if (backend.name === 'node') return process.stdin;
  // Not closed: descriptor 0 would be given to the next file that is opened.
  return createReadStream('', { fd: 0, autoClose: false });
}
