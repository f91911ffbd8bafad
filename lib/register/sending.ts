/**
 * `subprocess.send(message, socket)` and `process.send()`: node sends the handle of its C++ that it finds in a socket or
 * a server. The ring's have none: a handle over a duplicate of the descriptor is sent.
 *
 * @module
 */
import { loadBinding } from '../core/binding.js';
import type { Connection } from '../net/connection.js';
import type { Listener } from '../net/listener.js';
import { nodeNet } from '../net/node_net.js';
import type { Server } from '../net/server.js';
import type { Socket } from '../net/socket.js';
import { replaceMember, type Undo } from './replace.js';

interface Options {
  keepOpen?: boolean;
  swallowErrors?: boolean;
}

type Sent = (error: Error | null) => void;

/** A process that can be sent to. */
interface Target {
  emit(event: 'error', error: Error): boolean;
  _send?: Send;
  /** What waits until the other process has taken the handle before. */
  _handleQueue?: object[] | null;
}

/** What `send()` ends in, also for messages that had to wait. */
type Send = (
  this: Target,
  message: unknown,
  handle: unknown,
  options: Options | boolean,
  callback?: Sent,
) => boolean;

/** What node needs to know of a socket that it sends. */
interface Parcel {
  server?: unknown;
  parser?: unknown;
  _httpMessage?: unknown;
}

interface Native {
  close(): void;
}

// Of this copy of ringcore or another: known by what is asked of them, not by their classes.

const isSocket = (value: unknown): boolean =>
  typeof (value as Partial<Socket> | null | undefined)?._giveAway === 'function';

function isHandle(value: unknown): boolean {
  const { letGo, closeWithReset } = (value ?? {}) as Partial<Listener & Connection>;
  return typeof (letGo ?? closeWithReset) === 'function';
}

/** What node takes for a message. Anything else it refuses with an error, and the socket stays here. */
const isMessage = (value: unknown): boolean =>
  ['string', 'object', 'number', 'boolean'].includes(typeof value);

const isServer = (value: unknown): boolean =>
  isHandle((value as Partial<Server> | null | undefined)?._handle);

/** A handle of node's over a duplicate of the descriptor; undefined where there is no descriptor, or none left. */
function nativeOver(handle: unknown): Native | undefined {
  const { fd: own, share } = (handle ?? {}) as Partial<Listener>;
  share?.call(handle);
  const fd = own === undefined ? -1 : loadBinding().duplicate(own);
  if (fd < 0) return undefined;
  const { _createServerHandle: open } = nodeNet as unknown as {
    _createServerHandle: (address: null, port: null, addressType: null, fd: number) => Native | number;
  };
  const native = open(null, null, null, fd);
  if (typeof native !== 'number') return native;
  loadBinding().closeDescriptor(fd);
  return undefined;
}

/** Sends what stays open here: `parcel` is over a duplicate, which is closed when it has gone. */
function sendDuplicate(
  target: Target,
  send: Send,
  [message, , options, callback]: Parameters<Send>,
  parcel: unknown,
  close: () => void,
): boolean {
  const done: Sent = (error) => {
    close();
    if (typeof callback === 'function') callback(error);
    else if (error) target.emit('error', error);
  };
  return send.call(target, message, parcel, options, done);
}

/** Sends what is no more than a handle to node. */
function sendHandle(target: Target, send: Send, args: Parameters<Send>): boolean {
  const native = nativeOver(args[1]);
  return sendDuplicate(target, send, args, native, () => native?.close());
}

/** Sends a server. */
function sendServer(target: Target, send: Send, args: Parameters<Send>): boolean {
  const native = nativeOver((args[1] as Server)._handle);
  const parcel = Object.create(nodeNet.Server.prototype, { _handle: { value: native } }) as object;
  return sendDuplicate(target, send, args, parcel, () => native?.close());
}

/** Sends a socket. Unless it is to be kept open, it is without a connection here from now on. */
function sendSocket(target: Target, send: Send, args: Parameters<Send>): boolean {
  const [message, handle, options, callback] = args;
  const socket = handle as Socket & Parcel;
  const connection = socket._handle;
  const fd = connection === null ? -1 : loadBinding().duplicate(connection.fd);
  // As node does with one that was sent before: the message goes alone.
  if (fd < 0) return send.call(target, message, undefined, options, callback);
  const parcel = new nodeNet.Socket({ fd, manualStart: true } as object) as Parcel & { destroy(): void };
  if (socket.server) parcel.server = socket.server;
  const keepOpen = typeof options === 'object' && options.keepOpen;
  if (keepOpen) {
    // What was written goes before whatever the other process writes.
    socket._flush();
    return sendDuplicate(target, send, args, parcel, () => parcel.destroy());
  }
  socket.setTimeout(0);
  socket._giveAway();
  // Node frees what http has for the connection.
  parcel.parser = socket.parser;
  parcel._httpMessage = socket._httpMessage;
  socket.parser = socket._httpMessage = null;
  return send.call(target, message, parcel, options, callback);
}

function sending(send: Send): Send {
  return function (message, handle, options, callback) {
    const args: Parameters<Send> = [message, handle, options, callback];
    // Node keeps it, and comes here again when it is its turn: if that never comes, nothing has been done to it.
    const stays = !isMessage(message) || (this._handleQueue != null && !isHandle(handle));
    if (stays) return send.apply(this, args);
    if (isSocket(handle)) return sendSocket(this, send, args);
    if (isServer(handle)) return sendServer(this, send, args);
    if (isHandle(handle)) return sendHandle(this, send, args);
    return send.apply(this, args);
  };
}

/** Of this process, where it has a parent to send to; and of every child that it will have. */
export function sendOverDuplicates(): Undo[] {
  const undos: Undo[] = [];
  const self = process as unknown as Target;
  if (self._send !== undefined) undos.push(replaceMember(self, '_send', sending(self._send)));
  // Node gives each child a function of its own.
  const { prototype } = process.getBuiltinModule('node:child_process').ChildProcess as { prototype: object };
  Object.defineProperty(prototype, '_send', {
    set(this: Target, send: Send) {
      Object.defineProperty(this, '_send', {
        value: sending(send),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    },
    configurable: true,
  });
  undos.push(() => void Reflect.deleteProperty(prototype, '_send'));
  return undos;
}
