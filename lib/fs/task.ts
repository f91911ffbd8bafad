/**
 * `{ signal, timeout }` for a function that takes several requests.
 *
 * @module
 */
import { timeout as timer } from '../core/control_ops.js';
import { abortError, TimeoutError } from '../core/errors.js';
import type { Limits } from './options.js';
import { Request, type Prepare, type Settle } from './request.js';
import { onAbort } from './signals.js';
import { setImmediate } from '../core/unmocked.js';

/** Something in flight that can be told to stop. */
interface Cancellable {
  cancel(): void;
}

/**
 * One call of a function with limits. The caller's promise is rejected the moment a limit is reached; the function
 * itself runs on to its next `check`, by which time the kernel has let go, and cleans up: buffers stay held and
 * descriptors open for exactly as long as the kernel needs them.
 */
export class Task {
  #current: Cancellable | undefined;
  #stopped: { error: unknown } | undefined;
  #whenStopped: (() => void) | undefined;
  readonly #signal: AbortSignal | undefined;

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  get stopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** Throws what ended the call, if something has. */
  check(): void {
    if (this.#signal?.aborted) this.#stopped ??= { error: abortError(this.#signal.reason) };
    if (this.#stopped !== undefined) throw this.#stopped.error;
  }

  /** What `stop` is to cancel from now on. */
  track(current: Cancellable): void {
    this.#current = current;
    if (this.stopped) current.cancel();
  }

  stop(error: unknown): void {
    this.#stopped ??= { error };
    this.#current?.cancel();
    this.#whenStopped?.();
  }

  /** Settles as `other` does, or when the task is stopped: for what cannot be cancelled. */
  async until<T>(other: PromiseLike<T> | T): Promise<T | undefined> {
    const stopped = new Promise<undefined>((resolve) => (this.#whenStopped = () => resolve(undefined)));
    if (this.stopped) return undefined;
    return Promise.race([other, stopped]);
  }
}

/** Starts something that settles with a result or -errno. What it returns can be told to stop. */
type Start = (settle: Settle) => Cancellable | void;

/** Does one such thing of a task; resolves to the result, -errno included, when the kernel has let go. */
export function settled(start: Start, task?: Task): Promise<number> {
  return new Promise((resolve) => {
    const started = start(resolve);
    if (started !== undefined) task?.track(started);
  });
}

/** Makes one request of a task. */
export function perform(prepare: Prepare, task?: Task): Promise<number> {
  return settled((settle) => new Request(prepare, settle).submit(), task);
}

/** Waits for what cannot be cancelled: no longer than until the task is stopped. */
export async function whileWanted<T>(running: PromiseLike<T> | T, task?: Task): Promise<T> {
  const result = await (task === undefined ? running : task.until(running));
  task?.check();
  return result as T;
}

/** Does one such thing within the limits; resolves to the result, -errno included. */
export function startLimited(syscall: string, limits: Limits, start: Start): Promise<number> {
  return withLimits(syscall, limits, async (task) => {
    const res = await settled(start, task);
    task?.check();
    return res;
  });
}

const ignore = (): void => {};

/** Whether these options can end a call early. */
export function isLimited({ signal, timeout }: Limits): boolean {
  return signal !== undefined || (timeout !== undefined && timeout !== Infinity);
}

/** Runs `run` within the limits; without limits, there is no task. */
export function withLimits<T>(
  name: string,
  limits: Limits,
  run: (task: Task | undefined) => Promise<T>,
): Promise<T> {
  if (!isLimited(limits)) return run(undefined);
  const { signal, timeout } = limits;
  if (signal?.aborted) return Promise.reject(abortError(signal.reason));
  return new Promise<T>((resolve, reject) => {
    const task = new Task(signal);
    const stop = (error: Error): void => {
      // First: the caller is told at once.
      reject(error);
      unwatch();
      task.stop(error);
    };
    const unlisten = signal && onAbort(signal, () => stop(abortError(signal.reason)));
    const limit = timeout === undefined || timeout === Infinity ? undefined : timer(timeout);
    limit?.then(() => stop(new TimeoutError(name, timeout)), ignore);
    const unwatch = (): void => {
      unlisten?.();
      limit?.cancel();
    };
    const running = signal === undefined || unlisten !== undefined ? run(task) : runPolled(run, task);
    running.then(resolve, reject).then(unwatch, unwatch);
  });
}

/** Where the signal does not call: what has been aborted meanwhile shows when the event loop has turned. */
async function runPolled<T>(run: (task: Task) => Promise<T>, task: Task): Promise<T> {
  const result = await run(task);
  await new Promise((resolve) => setImmediate(resolve));
  task.check();
  return result;
}
