/**
 * Messages between rings: what IORING_OP_MSG_RING brings.
 *
 * @module
 */
import { abortError } from './errors.js';
import { KeepAlive } from './keep_alive.js';
import { validateAbortSignal } from './validate.js';

/** A message from another ring: the two integers that its sender chose. */
export interface RingMessage {
  /** 32 bits. */
  value: number;
  /** 32 bits, signed. */
  result: number;
}

/** Who gets messages, until the end of the ring. */
export interface MessageListener {
  receive(message: RingMessage): void;
  end(): void;
}

type Reader = { resolve: (result: IteratorResult<RingMessage>) => void; reject: (error: Error) => void };

/**
 * Iterates over messages from the moment of the first `next()` on, so that none is lost between two turns of the loop.
 * `break` ends the subscription, and so does the end of the ring, which nobody tells those of who begin behind it.
 */
export function messageIterator(
  listeners: Set<MessageListener>,
  signal: AbortSignal | undefined,
  isClosed: () => boolean,
): AsyncIterableIterator<RingMessage> {
  validateAbortSignal(signal);
  const queue: RingMessage[] = [];
  const readers: Reader[] = [];
  const alive = new KeepAlive();
  let state: 'new' | 'listening' | 'ended' = 'new';

  const receive = (message: RingMessage): void => {
    const reader = readers.shift();
    if (reader === undefined) queue.push(message);
    else reader.resolve({ done: false, value: message });
    if (readers.length === 0) alive.release();
  };
  const onAbort = (): void => {
    const error = abortError(signal?.reason);
    const waiting = readers.splice(0);
    end();
    for (const reader of waiting) reader.reject(error);
  };
  const end = (): void => {
    state = 'ended';
    listeners.delete(listener);
    signal?.removeEventListener('abort', onAbort);
    alive.release();
    queue.length = 0;
    for (const reader of readers.splice(0)) reader.resolve({ done: true, value: undefined });
  };

  const listener: MessageListener = { receive, end };

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next() {
      if (signal?.aborted) {
        if (state !== 'ended') end();
        return Promise.reject(abortError(signal.reason));
      }
      if (state === 'new' && isClosed()) end();
      if (state === 'ended') return Promise.resolve({ done: true, value: undefined });
      if (state === 'new') {
        state = 'listening';
        listeners.add(listener);
        signal?.addEventListener('abort', onAbort);
      }
      const message = queue.shift();
      if (message !== undefined) return Promise.resolve({ done: false, value: message });
      alive.hold();
      return new Promise((resolve, reject) => readers.push({ resolve, reject }));
    },
    return() {
      end();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}
