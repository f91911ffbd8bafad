/** What stream_load sends to: reads, checks, counts. */
import type { Socket } from 'node:net';
import { ignore } from './echo.js';

const blockBytes = 64 * 1024;
/** A word of each page is looked at: places are the same in no two of a block. */
const strideBytes = 4096;

/** Ends the connection at once where a byte is wrong; answers its end with the count of all. */
export function sink(socket: Socket): void {
  let received = 0;
  socket.on('error', ignore);
  socket.on('data', (chunk: Buffer) => {
    const first = (4 - (received % 4)) % 4;
    for (let at = first; at + 4 <= chunk.length; at += strideBytes) {
      if (chunk.readUInt32LE(at) !== (received + at) % blockBytes) socket.destroy();
    }
    received += chunk.length;
  });
  socket.on('end', () => {
    const count = Buffer.alloc(8);
    count.writeBigUInt64LE(BigInt(received));
    socket.end(count);
  });
}
