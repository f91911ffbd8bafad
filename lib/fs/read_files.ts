/**
 * Many files as one batch: their reads go to the kernel together.
 *
 * @module
 */
import { abortError, invalidArgType, TimeoutError } from '../core/errors.js';
import { validateBoolean, validateInteger, type PathLike } from '../core/validate.js';
import { onRing, promisesApi } from './exported.js';
import { validatedOptions, type Limits } from './options.js';
import { onAbort } from './signals.js';

/** How {@link readFiles} reads. */
export interface ReadFilesOptions extends Limits {
  /** Contents as strings in this encoding, in place of Buffers. */
  encoding?: BufferEncoding | null | undefined;
  /** As open's. Default `'r'`. */
  flag?: string | number | undefined;
  /** Ends it all: the iteration rejects with an AbortError, at once. */
  signal?: AbortSignal | undefined;
  /** At most so long for each file, in milliseconds; then its `error` is a TimeoutError. */
  timeout?: number | undefined;
  /** So many files, no more, are being read or wait to be taken: what bounds the memory. Default 64. */
  concurrency?: number | undefined;
  /** In the order of the paths (the default), or as they come. */
  ordered?: boolean | undefined;
}

/** What became of one file. */
export type FileResult<C extends Buffer | string = Buffer | string> =
  | {
      /** As it was given. */
      path: PathLike;
      /** All of it. */
      content: C;
      /** Why it could not be read. */
      error?: undefined;
    }
  | {
      /** As it was given. */
      path: PathLike;
      /** All of it. */
      content?: undefined;
      /** Why it could not be read. */
      error: NodeJS.ErrnoException;
    };

type Paths = Iterable<PathLike> | AsyncIterable<PathLike>;
type Read = (path: PathLike) => Promise<Buffer | string>;
type Next = IteratorResult<FileResult, undefined>;

/** A place in the queue; it has its result when the file is read. */
interface Place {
  result: FileResult | undefined;
}

/** Somebody who has asked for a result. */
interface Reader {
  resolve: (next: Next) => void;
  reject: (error: unknown) => void;
}

const end: Next = { done: true, value: undefined };

type Answer = IteratorResult<PathLike | PromiseLike<PathLike>, undefined>;
type Step = PromiseLike<IteratorResult<PathLike>> | Answer;

function isThenable<T>(value: unknown): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}

/** What `for await` makes of a promise that an iterator gives. */
async function answerWith(value: PromiseLike<PathLike>): Promise<IteratorResult<PathLike>> {
  return { done: false, value: await value };
}

/**
 * The files that are being read, or read and not taken yet. Not an async generator: that would take as long for each
 * file as the reading, and its `return` waits for a `next` that waits for a file.
 */
class Batch implements AsyncIterableIterator<FileResult, undefined> {
  readonly #source: Paths;
  readonly #read: Read;
  readonly #concurrency: number;
  readonly #ordered: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #stop = new AbortController();
  readonly #readers: Reader[] = [];
  /** Ordered: all that have been begun. Else: those that are read. */
  #queue: Place[] = [];
  /** How many are being read, or wait to be taken. */
  #open = 0;
  #paths: Iterator<PathLike> | AsyncIterator<PathLike> | undefined;
  /** An asynchronous source has been asked for a path. */
  #asking = false;
  /** The source's own code runs. */
  #inSource = false;
  #exhausted = false;
  /** What the source threw: it comes behind the last result. */
  #failure: { error: unknown } | undefined;
  #closed = false;
  #unlisten: (() => void) | undefined;

  constructor(
    source: Paths,
    readUntil: (stop: AbortSignal) => Read,
    concurrency: number,
    ordered: boolean,
    signal: AbortSignal | undefined,
  ) {
    this.#source = source;
    this.#read = readUntil(this.#stop.signal);
    this.#concurrency = concurrency;
    this.#ordered = ordered;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Next> {
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      try {
        if (this.#paths === undefined && !this.#closed) this.#begin();
        if (this.#signal?.aborted) this.#abort();
        this.#serve();
      } catch (error) {
        // Thrown by the source.
        this.#broken(error);
      }
    });
  }

  /** Cancels what is being read. */
  return(): Promise<Next> {
    this.#close();
    return Promise.resolve(end);
  }

  #begin(): void {
    const source = this.#source;
    this.#paths = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    if (this.#signal !== undefined) this.#unlisten = onAbort(this.#signal, () => this.#abort());
  }

  /** Ends it at once. Who asks, or is the next to ask, is told. */
  #abort(): void {
    if (this.#closed) return;
    this.#failure = { error: abortError(this.#signal!.reason) };
    this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unlisten?.();
    this.#stop.abort();
    this.#queue = [];
    this.#open = 0;
    if (!this.#exhausted) this.#leave();
    this.#exhausted = true;
    this.#serve();
  }

  /** Tells the source that no more is wanted. */
  #leave(): void {
    // It is what has ended the batch: it is told when it has answered.
    if (this.#inSource) return;
    try {
      // Nobody waits for it: a generator that is waiting itself answers late or never.
      void Promise.resolve(this.#paths?.return?.()).catch(() => {});
    } catch {
      // The results are what was asked for.
    }
  }

  /** Begins as many files as there is room for, and gives the readers what is there for them. */
  #serve(): void {
    for (;;) {
      this.#fill();
      if (this.#readers.length === 0) return;
      const result = this.#queue[0]?.result;
      if (result !== undefined) {
        this.#queue.shift();
        this.#open--;
        this.#readers.shift()!.resolve({ done: false, value: result });
      } else if (this.#exhausted && this.#open === 0) {
        this.#end();
        return;
      } else return;
    }
  }

  #end(): void {
    if (this.#failure !== undefined) this.#readers.shift()!.reject(this.#failure.error);
    this.#failure = undefined;
    for (const reader of this.#readers.splice(0)) reader.resolve(end);
    this.#close();
  }

  #fill(): void {
    while (!this.#exhausted && !this.#asking && this.#open < this.#concurrency) {
      const step = this.#next();
      if (this.#closed) this.#leave();
      else if (isThenable<IteratorResult<PathLike>>(step)) this.#ask(step);
      else if (!step.done && isThenable<PathLike>(step.value)) this.#ask(answerWith(step.value));
      else this.#accept(step as IteratorResult<PathLike>);
    }
  }

  #next(): Step {
    this.#inSource = true;
    try {
      return this.#paths!.next() as Step;
    } finally {
      this.#inSource = false;
    }
  }

  #ask(step: PromiseLike<IteratorResult<PathLike>>): void {
    this.#asking = true;
    Promise.resolve(step)
      .then((answer) => {
        this.#asking = false;
        this.#accept(answer);
        this.#serve();
      })
      .catch((error: unknown) => this.#broken(error));
  }

  #broken(error: unknown): void {
    this.#exhausted = true;
    this.#failure ??= { error };
    this.#serve();
  }

  #accept({ done, value }: IteratorResult<PathLike>): void {
    if (done) this.#exhausted = true;
    else if (!this.#exhausted) this.#start(value);
  }

  #start(path: PathLike): void {
    const place: Place = { result: undefined };
    this.#open++;
    if (this.#ordered) this.#queue.push(place);
    const settle = (result: FileResult): void => {
      if (this.#closed) return;
      place.result = result;
      if (!this.#ordered) this.#queue.push(place);
      if (place === this.#queue[0] && this.#readers.length > 0) this.#settled();
    };
    this.#read(path).then(
      (content) => settle({ path, content }),
      (error: NodeJS.ErrnoException) => settle({ path, error }),
    );
  }

  #settled(): void {
    try {
      this.#serve();
    } catch (error) {
      this.#broken(error);
    }
  }
}

/** node's readFile has no timeout. */
async function nodesWithin(path: PathLike, options: { signal: AbortSignal }, ms: number): Promise<Buffer> {
  const late = AbortSignal.timeout(Math.ceil(ms));
  const { signal: stop } = options;
  try {
    return await promisesApi.readFile(path as string, { ...options, signal: AbortSignal.any([stop, late]) });
  } catch (error) {
    throw late.aborted && !stop.aborted ? new TimeoutError('readFile', ms) : error;
  }
}

/**
 * Reads many files: an async iterable of `{ path, content }`, or `{ path, error }` for one that could not be read,
 * which does not end the others. The reads are begun together, which is one system call on the ring; with each result
 * that is taken the next one begins. Leaving the loop cancels what is being read.
 */
export function readFiles(
  paths: Paths,
  options: BufferEncoding | (ReadFilesOptions & { encoding: BufferEncoding }),
): AsyncIterableIterator<FileResult<string>, undefined>;
export function readFiles(
  paths: Paths,
  options?: (ReadFilesOptions & { encoding?: null | undefined }) | null,
): AsyncIterableIterator<FileResult<Buffer>, undefined>;
export function readFiles(
  paths: Paths,
  options?: ReadFilesOptions | BufferEncoding | null,
): AsyncIterableIterator<FileResult, undefined> {
  // A string is an iterable too, of letters; and a Buffer one of numbers.
  const iterable = typeof paths === 'object' && paths !== null && !ArrayBuffer.isView(paths);
  if (!iterable || !(Symbol.iterator in paths || Symbol.asyncIterator in paths)) {
    throw invalidArgType('paths', 'an Iterable or AsyncIterable of paths', paths);
  }
  const valid = validatedOptions(options) as ReadFilesOptions;
  const { encoding, flag, timeout = Infinity, signal, concurrency = 64, ordered = true } = valid;
  validateInteger(concurrency, 'options.concurrency', 1);
  validateBoolean(ordered, 'options.ordered');
  const readUntil = (stop: AbortSignal): Read => {
    const each = { encoding, flag, signal: stop, timeout };
    if (onRing || timeout === Infinity) return (path) => promisesApi.readFile(path as string, each as object);
    return (path) => nodesWithin(path, each, timeout);
  };
  return new Batch(paths, readUntil, concurrency, ordered, signal);
}
