/**
 * What a socket does with what its connection reports.
 *
 * @module
 */
import { types } from '../core/node_util.js';
import { nodeMajor } from '../core/node_version.js';
import type { ConnectionUser } from './connection.js';
import { errnoError } from './errors.js';
import type { UserBuffer } from './receiver.js';
import type { WriteCallback } from './sender.js';
import type { SocketBase } from './socket_base.js';

/** The `onread` option: data goes into memory of the user's, and past the stream. */
export interface OnRead {
  buffer: Uint8Array | (() => Uint8Array);
  /** Called with the socket as `this`. False pauses it. */
  callback(this: unknown, bytes: number, buffer: Uint8Array): boolean;
}

/** Whether a write that a socket's end has cut off is called back with an error: of node 20 it is not. */
const tellsDestroyed = nodeMajor >= 22;

/** Not part of Socket itself, where its names would stand in the way of classes that extend it. */
export class SocketUser implements ConnectionUser {
  readonly #socket: SocketBase;

  constructor(socket: SocketBase) {
    this.#socket = socket;
  }

  received(chunk: Buffer): boolean {
    const socket = this.#socket;
    socket._unrefTimer();
    return socket._reader?.take(chunk) === true || socket.push(chunk);
  }

  ended(): void {
    const socket = this.#socket;
    socket._unrefTimer();
    socket.push(null);
    // Lets 'end' come even if nobody reads and nothing is left to read.
    socket.read(0);
  }

  receiveFailed(errno: number): void {
    this.#socket.destroy(errnoError(errno, 'read'));
  }

  failed(error: Error): void {
    this.#socket.destroy(error);
  }

  sent(errno: number, callback: WriteCallback, error?: Error): void {
    const socket = this.#socket;
    if (socket.destroyed) {
      callback(errno < 0 && tellsDestroyed ? errnoError(errno, 'write') : null);
    } else if (error !== undefined || errno < 0) {
      callback(error ?? errnoError(errno, 'write'));
    } else {
      socket._unrefTimer();
      callback();
    }
  }

  active(): void {
    this.#socket._unrefTimer();
  }

  flush(): void {
    this.#socket._flush();
  }
}

/** The `onread` option as the receiving side takes it; undefined where it is none (as node, without an error). */
export function userBufferOf(socket: SocketBase, onread: OnRead | undefined): UserBuffer | undefined {
  if (onread === null || typeof onread !== 'object' || typeof onread.callback !== 'function') {
    return undefined;
  }
  const { buffer } = onread;
  const callback = (bytes: number, memory: Uint8Array): boolean =>
    onread.callback.call(socket, bytes, memory);
  if (typeof buffer === 'function') {
    let current = buffer();
    return {
      buffer: () => current,
      received(bytes, memory) {
        const more = callback(bytes, memory) !== false;
        const next = buffer();
        if (types.isUint8Array(next)) current = next;
        return more;
      },
    };
  }
  if (!types.isUint8Array(buffer)) return undefined;
  return { buffer: () => buffer, received: (bytes, memory) => callback(bytes, memory) !== false };
}
