/**
 * `for await (const socket of server)`: connections that wait to be taken by an iteration.
 *
 * Every connection is also a 'connection' event, as ever. What an iteration adds is a bound: at most `highWaterMark`
 * connections wait untaken; then the server accepts no more until one is taken (later ones wait in the kernel's
 * backlog). Connections that come while nobody listens to 'connection' wait for an iteration under the same bound: none
 * is lost between listen() and the loop.
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
  on(event: 'error', listener: () => void): unknown;
  off(event: 'error', listener: () => void): unknown;
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
  readonly #waiting: S[] = [];
  readonly #readers: Reader<S>[] = [];
  #highWaterMark = 64;
  #iterations = 0;
  /** Whether there has been an iteration: without one, connections wait for the first. */
  #iterated = false;
  #closed = false;

  /** `onDemandChange`: `wanted` may have another answer now. */
  constructor(onDemandChange: () => void) {
    this.#onDemandChange = onDemandChange;
  }

  /** Whether to accept, where `listeners` listen to 'connection'. */
  wanted(listeners: number): boolean {
    if (this.#iterations > 0) return this.#waiting.length < this.#highWaterMark;
    return listeners > 0 || (!this.#iterated && this.#waiting.length < this.#highWaterMark);
  }

  /** A connection has come. */
  offer(socket: S, listeners: number): void {
    if (this.#iterations === 0 && listeners > 0) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: socket });
      return;
    }
    socket.on('error', ignoreError);
    this.#waiting.push(socket);
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

  #enter(): void {
    this.#iterations++;
    this.#iterated = true;
    this.#onDemandChange();
  }

  #leave(): void {
    if (--this.#iterations > 0) return;
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    this.#onDemandChange();
  }

  #take(): S | undefined {
    const full = this.#waiting.length >= this.#highWaterMark;
    let taken: S | undefined;
    do {
      taken = this.#waiting.shift();
      taken?.off('error', ignoreError);
    } while (taken?.destroyed);
    if (full) this.#onDemandChange();
    return taken;
  }
}
