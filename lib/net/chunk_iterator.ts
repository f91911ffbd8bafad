/**
 * `for await (const chunk of socket)`, past the stream's buffer: what has been received goes to the loop that waits for
 * it. Node's own iterator of a Readable takes two promises, a nextTick and an event for each chunk; it has the rest: when
 * the socket has ended, failed or been destroyed, it goes on from there, with its errors and its order of things.
 *
 * @module
 */
import * as streams from 'node:stream';
import type { SocketBase } from './socket_base.js';

type Result = IteratorResult<Buffer, undefined>;
type NodeIterator = Required<AsyncIterator<Buffer, undefined>>;

/** Exported by node, and not documented: destroys a stream, with an AbortError if it has not come to its end. */
const { destroy: destroyer } = streams as unknown as { destroy: (stream: unknown) => void };

/** What async generators inherit from, node's iterator among them. */
const AsyncGeneratorPrototype = Object.getPrototypeOf(async function* () {}.prototype) as object;

const finished: Result = { done: true, value: undefined };

/** Settles as late as a call before it that waited, and was then resolved by a promise. */
const behind = <T>(promise: Promise<T>): Promise<T> => new Promise((resolve) => resolve(promise));

/** The chunks of a socket, as a loop asks for them. To leave the loop destroys the socket, as with node's. */
export class ChunkIterator {
  /** As node's has it. */
  readonly stream: SocketBase;
  #state: 'new' | 'direct' | 'nodes' | 'finished' = 'new';
  /** Who goes on in the state 'nodes'. */
  #nodes: NodeIterator | undefined;
  /** The loop waits for a chunk. */
  #waiting: ((result: Result | Promise<Result>) => void) | undefined;
  /** The stream has reported something while the loop did not wait. */
  #stirred = false;
  /** What 'error' has brought. */
  #failure: { error: unknown } | undefined;

  // They stay for as long as the socket: without a listener of 'readable' the stream might begin to flow.

  readonly #onEvent = (): void => {
    this.#stirred = true;
    if (this.#waiting === undefined) return;
    const { readableLength, destroyed } = this.stream;
    // Some end: node's must have seen it, too, when 'end' comes.
    if (readableLength === 0 || destroyed) this.#handOver();
    // Behind whoever else listens to the same event.
    else queueMicrotask(() => this.#goOn());
  };

  readonly #onError = (error: unknown): void => {
    this.#failure ??= { error };
    this.#stirred = true;
    this.#goOn();
  };

  constructor(socket: SocketBase) {
    this.stream = socket;
  }

  next(): Promise<Result> {
    if (this.#state === 'new') this.#begin();
    if (this.#state === 'finished') return Promise.resolve(finished);
    // Asked twice without waiting for an answer: node's knows how to queue.
    if (this.#waiting !== undefined) this.#handOver();
    if (this.#state === 'nodes') return behind(this.#nodes!.next());
    if (this.#stirred || this.stream.readableLength > 0) return this.#fromStream();
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  return(value?: undefined): Promise<Result> {
    if (this.#waiting !== undefined) this.#handOver();
    if (this.#state === 'nodes') return behind(this.#nodes!.return(value));
    this.#finish();
    return Promise.resolve({ done: true, value });
  }

  throw(error: unknown): Promise<Result> {
    if (this.#waiting !== undefined) this.#handOver();
    if (this.#state === 'nodes') return behind(this.#nodes!.throw(error));
    this.#finish();
    // The caller's own.
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    return Promise.reject(error);
  }

  /** @internal A chunk has been received. False: the stream is to have it. */
  take(chunk: Buffer): boolean {
    const resolve = this.#waiting;
    if (resolve === undefined || !this.#isAlone()) return false;
    this.#waiting = undefined;
    // What `readableDidRead` says.
    const { _readableState } = this.stream as unknown as { _readableState: { dataEmitted: boolean } };
    _readableState.dataEmitted = true;
    resolve({ done: false, value: chunk });
    return true;
  }

  #begin(): void {
    const socket = this.stream;
    // What has been, node's tells from the stream's state.
    if (socket._reader !== undefined || !socket.readable || socket.listenerCount('readable') > 0) {
      this.#handOver();
      return;
    }
    this.#state = 'direct';
    socket._reader = this;
    for (const event of ['readable', 'end', 'close']) socket.on(event, this.#onEvent);
    socket.on('error', this.#onError);
  }

  #goOn(): void {
    const resolve = this.#waiting;
    if (resolve === undefined) return;
    this.#waiting = undefined;
    resolve(this.#fromStream());
  }

  /** What is in the stream's buffer; if there is nothing, the stream has come to some end, which is node's to tell. */
  #fromStream(): Promise<Result> {
    this.#stirred = this.#failure !== undefined;
    const chunk = this.stream.destroyed ? null : (this.stream.read() as Buffer | null);
    if (chunk !== null) return Promise.resolve({ done: false, value: chunk });
    if (this.#failure !== undefined) return this.throw(this.#failure.error);
    this.#handOver();
    return this.#nodes!.next();
  }

  /** Whether nobody would notice that the stream is passed by. */
  #isAlone(): boolean {
    const socket = this.stream;
    return (
      socket.readableLength === 0 &&
      socket.readableEncoding === null &&
      socket.listenerCount('readable') === 1 &&
      socket.listenerCount('data') === 0
    );
  }

  #handOver(): void {
    const nodes = streams.Readable.prototype[Symbol.asyncIterator].call(this.stream) as NodeIterator;
    if (this.#state === 'direct') this.stream._reader = undefined;
    this.#nodes = nodes;
    this.#state = 'nodes';
    const resolve = this.#waiting;
    this.#waiting = undefined;
    resolve?.(nodes.next());
  }

  #finish(): void {
    const begun = this.#state === 'direct';
    this.#state = 'finished';
    if (!begun) return;
    this.stream._reader = undefined;
    destroyer(this.stream);
  }
}

Object.setPrototypeOf(ChunkIterator.prototype, AsyncGeneratorPrototype);
