/**
 * `for await (const socket of server)`: connections that wait to be taken by an iteration.
 *
 * Every connection is also a 'connection' event, as ever. What an iteration adds is a bound: at most `highWaterMark`
 * connections wait untaken; then the server accepts no more until one is taken (later ones wait in the kernel's
 * backlog). Before the first iteration, of which most programs have none, all are accepted, as by node. Those that no
 * listener of 'connection' has taken wait for it, as long as they live: none is lost between listen() and the loop.
 *
 * - `break` (or an abort, which rejects with an AbortError) ends the iteration: accepting stops, and connections that
 *   nobody took are destroyed. The server stays open; another loop, or a listener, goes on.
 * - `server.close()` ends the iteration after the connections that were accepted before have been taken.
 *
 * @module
 */
import { abortError } from '../core/errors.js';
import { validateAbortSignal, validateInteger } from '../core/validate.js';

/** Options of `server[Symbol.asyncIterator]()`. */
export interface IncomingOptions {
  /** Ends the iteration: it rejects with an AbortError. */
  signal?: AbortSignal | undefined;
  /** So many connections wait untaken at most. Default 64. */
  highWaterMark?: number | undefined;
}

/** What is needed of a socket here. */
interface Waiting {
  readonly destroyed: boolean;
  destroy(): unknown;
  on(event: 'error' | 'close', listener: () => void): unknown;
  off(event: 'error' | 'close', listener: () => void): unknown;
}

interface Reader<S> {
  resolve(result: IteratorResult<S, undefined>): void;
  reject(error: unknown): void;
}

const end = Object.freeze({ done: true, value: undefined } as const);
/** A connection that breaks while nobody has taken it is no error of the program's. */
const ignoreError = (): void => {};

/** The connections of a server that nobody has taken yet, and who takes them. */
export class Incoming<S extends Waiting> {
  readonly #onDemandChange: () => void;
  /** In the order they came; with what listens to their 'close'. */
  readonly #waiting = new Map<S, () => void>();
  readonly #readers: Reader<S>[] = [];
  #highWaterMark = 64;
  #iterations = 0;
  /** Whether there has been an iteration: without one, nothing is bounded. */
  #iterated = false;
  #closed = false;

  /** `onDemandChange`: `wanted` may have another answer now. */
  constructor(onDemandChange: () => void) {
    this.#onDemandChange = onDemandChange;
  }

  /** Whether to accept, where `listeners` listen to 'connection'. */
  wanted(listeners: number): boolean {
    if (!this.#iterated) return true;
    return this.#iterations > 0 ? !this.#isFull() : listeners > 0;
  }

  /** A connection has come. `emit` tells the listeners of 'connection', and whether there was one. */
  deliver(socket: S, emit: () => boolean): boolean {
    const iterating = this.#iterations > 0;
    let taken = true;
    try {
      return (taken = emit());
    } finally {
      if ((iterating || !taken) && !socket.destroyed) this.#offer(socket);
    }
  }

  /** The server listens (again). */
  open(): void {
    this.#closed = false;
  }

  /** The server accepts no more. */
  close(): void {
    this.#closed = true;
    for (const reader of this.#readers.splice(0)) reader.resolve(end);
  }

  iterate(options: IncomingOptions = {}): AsyncIterableIterator<S, undefined> {
    const { signal, highWaterMark } = options;
    validateAbortSignal(signal);
    if (highWaterMark !== undefined) validateInteger(highWaterMark, 'options.highWaterMark', 1);
    let state: 'new' | 'begun' | 'finished' = 'new';
    let failure: { error: Error } | undefined;
    const own = new Set<Reader<S>>();

    const finish = (error?: Error): void => {
      if (state === 'begun') {
        signal?.removeEventListener('abort', onAbort);
        this.#leave();
      }
      state = 'finished';
      for (const reader of own) {
        const at = this.#readers.indexOf(reader);
        if (at >= 0) this.#readers.splice(at, 1);
        if (error === undefined) reader.resolve(end);
        else reader.reject(error);
        error = undefined;
      }
      if (error !== undefined) failure = { error };
    };
    const onAbort = (): void => finish(abortError(signal?.reason));
    const begin = (): void => {
      state = 'begun';
      if (highWaterMark !== undefined) this.#highWaterMark = highWaterMark;
      this.#enter();
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort);
    };

    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => {
        if (state === 'new') begin();
        if (failure !== undefined) {
          const { error } = failure;
          failure = undefined;
          return Promise.reject(error);
        }
        if (state === 'finished') return Promise.resolve(end);
        const value = this.#take();
        if (value !== undefined) return Promise.resolve({ done: false, value });
        if (this.#closed) {
          finish();
          return Promise.resolve(end);
        }
        return new Promise((resolve, reject) => {
          const reader: Reader<S> = {
            resolve: (result) => {
              own.delete(reader);
              if (result.done) finish();
              resolve(result);
            },
            reject: (error) => {
              own.delete(reader);
              // An AbortError.
              // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
              reject(error);
            },
          };
          own.add(reader);
          this.#readers.push(reader);
        });
      },
      return: () => {
        finish();
        return Promise.resolve(end);
      },
      throw: (error) => {
        finish();
        // The caller's own.
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
        return Promise.reject(error);
      },
    };
  }

  #offer(socket: S): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: socket });
      return;
    }
    const onClose = (): void => this.#remove(socket);
    this.#waiting.set(socket, onClose);
    socket.on('error', ignoreError);
    socket.on('close', onClose);
    if (this.#isFull()) this.#onDemandChange();
  }

  #enter(): void {
    this.#iterations++;
    this.#iterated = true;
    this.#onDemandChange();
  }

  #leave(): void {
    if (--this.#iterations > 0) return;
    for (const socket of this.#waiting.keys()) socket.destroy();
    this.#onDemandChange();
  }

  #take(): S | undefined {
    for (const socket of this.#waiting.keys()) {
      // Its error may be on its way yet.
      if (socket.destroyed) continue;
      this.#remove(socket);
      return socket;
    }
    return undefined;
  }

  /** It waits no more. */
  #remove(socket: S): void {
    const wasFull = this.#isFull();
    socket.off('error', ignoreError);
    socket.off('close', this.#waiting.get(socket)!);
    this.#waiting.delete(socket);
    if (wasFull) this.#onDemandChange();
  }

  #isFull(): boolean {
    return this.#waiting.size >= this.#highWaterMark;
  }
}
