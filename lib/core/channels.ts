/**
 * What node:diagnostics_channel tells of operations, for whoever subscribes: `ringcore.submit`, when an operation is on its
 * way to the kernel, and `ringcore.complete`, before whoever waits for it hears of it.
 *
 * @module
 */
import { channel } from 'node:diagnostics_channel';
import { TERMINAL } from './completion.js';
import { describeErrno } from './errors.js';
import type { Ring } from './ring.js';
import { now } from './unmocked.js';

/**
 * The message of both channels: one object for an operation's whole life, so that a subscriber can keep what it knows of
 * it in a WeakMap. `ringcore.submit` is published in the async context of whoever started the operation,
 * `ringcore.complete` in none; a multishot's is published for each of its results.
 *
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import { readFile } from 'ringcore';
 * import type { OperationMessage } from 'ringcore/core';
 *
 * subscribe('ringcore.complete', (message) => {
 *   const { kind, path, result, startedMs, endedMs } = message as OperationMessage;
 *   console.log(`${kind} ${path ?? ''}: ${result} after ${endedMs! - startedMs} ms`);
 * });
 * await readFile('/etc/hostname');
 * ```
 */
export interface OperationMessage {
  /** The ring that it goes to. */
  readonly ring: Ring;
  /** Its kind, as in `stats().operations`: `read`, `openat`, `recvMultishot`, … */
  readonly kind: string;
  /** Its slot in the operation table: unique among those in flight. */
  readonly slot: number;
  /** The descriptor that it is about; undefined for those that are about none, or about two. */
  readonly fd: number | undefined;
  /** The path that it is about. Undefined if it was submitted before anybody subscribed. */
  readonly path: string | undefined;
  /** When it was submitted, in milliseconds since some moment: to be compared with `endedMs`. */
  readonly startedMs: number;
  /** When its last result came; undefined before. */
  endedMs: number | undefined;
  /** From the completion on: a count, a descriptor, or a negative errno. */
  result: number | undefined;
  /** The errno's name where `result` is one: `ENOENT`. */
  error: string | undefined;
  /** More results will come: it is a multishot, or a zero-copy send whose memory is still in use. */
  more: boolean;
}

export const submitChannel = channel('ringcore.submit');
export const completeChannel = channel('ringcore.complete');

/** One ring's operations that somebody watches. */
export class WatchedOperations {
  readonly #ring: Ring;
  /** The generation tells a slot's tenants apart: of one that ended while nobody listened, the message is still here. */
  readonly #bySlot = new Map<number, { generation: number; message: OperationMessage }>();

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  submitted(slot: number): void {
    submitChannel.publish(this.#messageOf(slot));
  }

  completed(slot: number, result: number, flags: number): void {
    const message = this.#messageOf(slot);
    const terminal = (flags & TERMINAL) !== 0;
    if (terminal) this.#bySlot.delete(slot);
    message.result = result;
    message.error = result < 0 ? describeErrno(result)[0] : undefined;
    message.more = !terminal;
    if (terminal) message.endedMs = now();
    completeChannel.publish(message);
  }

  #messageOf(slot: number): OperationMessage {
    const [kind, generation, fd, path] = this.#ring.native.describeOperation(slot);
    const known = this.#bySlot.get(slot);
    if (known?.generation === generation) return known.message;
    const message: OperationMessage = {
      ring: this.#ring,
      kind,
      slot,
      fd: fd < 0 ? undefined : fd,
      path,
      startedMs: now(),
      endedMs: undefined,
      result: undefined,
      error: undefined,
      more: false,
    };
    this.#bySlot.set(slot, { generation, message });
    return message;
  }
}
