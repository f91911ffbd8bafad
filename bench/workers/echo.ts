/** The echo that most servers here are. */
import type { Socket } from 'node:net';

/** A connection that breaks is the load generator's to notice, which counts it. */
export const ignore = () => {};

export function echo(socket: Socket): void {
  socket.on('error', ignore);
  socket.on('data', (chunk) => {
    if (socket.write(chunk)) return;
    socket.pause();
    socket.once('drain', () => socket.resume());
  });
}
