/**
 * `spawn(command, { stdio: [socket] })`: node gives a child the handle of its C++ that it finds in a socket. The ring's
 * have none: the child gets the descriptor by its number. A listening socket is shared with the child then.
 *
 * @module
 */
import net from '../net/index.js';
import { shareDescriptor } from '../net/listener.js';
import type { Socket } from '../net/socket.js';
import { replaceMember, type Undo } from './replace.js';

interface Options {
  stdio?: unknown;
}

type Spawn = (this: object, options?: Options) => unknown;

/** The connection of one of the ring's sockets is there. */
const canLend = (entry: unknown): entry is Socket =>
  Object.prototype.isPrototypeOf.call(net.Socket.prototype, entry as object) &&
  ((entry as Socket)._handle?.fd ?? -1) >= 0;

/** By its number, or as an object that has one. */
function shareListening(stdio: unknown[]): void {
  for (const entry of stdio) {
    const fd = typeof entry === 'number' ? entry : (entry as { fd?: unknown } | null | undefined)?.fd;
    if (typeof fd === 'number') shareDescriptor(fd);
  }
}

/** The child reads now. What has come before is still read here. */
function stopReading(socket: Socket): void {
  socket._handle?.readStop();
  socket.pause();
  // Or a later resume() would take it for reading.
  (socket as unknown as { _readableState: { reading: boolean } })._readableState.reading = false;
}

/** Of every child that is spawned from now on. */
export function lendToChildren(): Undo {
  const { ChildProcess } = process.getBuiltinModule('node:child_process');
  const prototype = ChildProcess.prototype as unknown as { spawn: Spawn };
  const { spawn } = prototype;
  return replaceMember(prototype, 'spawn', function (this: object, options?: Options) {
    if (!Array.isArray(options?.stdio)) return spawn.call(this, options);
    const stdio: unknown[] = options.stdio;
    const lent = stdio.filter(canLend);
    // What the parent has written comes before what the child writes.
    for (const socket of lent) socket._flush();
    shareListening(stdio);
    options.stdio = stdio.map((entry) => (canLend(entry) ? entry._handle!.fd : entry));
    const result = spawn.call(this, options);
    lent.forEach(stopReading);
    return result;
  } satisfies Spawn);
}
