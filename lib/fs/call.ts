/**
 * A function of fs that makes one request: what its promise form and its callback form have in common.
 *
 * @module
 */
import { ring } from '../core/backend.js';
import type { NativeRing } from '../core/binding.js';
import { systemError } from '../core/errors.js';
import { bound, callWith } from './callback.js';
import { EAGAIN } from './errors.js';
import type { Limits } from './options.js';
import { Request, type Prepare } from './request.js';
import { isLimited, perform, withLimits, type Task } from './task.js';

/** A request with validated arguments. */
export interface Call<T = void> {
  /** As node names it, in errors. */
  readonly syscall: string;
  readonly prepare: Prepare;
  /** The result without a request, where that takes no waiting; else EAGAIN. */
  readonly atOnce?: (native: NativeRing) => number;
  /** What errors name. */
  readonly about?: { path?: string | Uint8Array; dest?: string | Uint8Array };
  /** Negative results that are no errors. */
  readonly expected?: readonly number[] | undefined;
  /** What the caller gets for a result. Without it: nothing. */
  readonly decode?: (res: number) => T;
}

function outcomeOf<T>(call: Call<T>, res: number): T | Error {
  const failed = res < 0 && call.expected?.includes(res) !== true;
  return failed ? systemError(res, call.syscall, call.about) : (call.decode?.(res) as T);
}

/** A call that has been aborted before it began is for whoever looks after the limits. */
function resultAtOnce<T>(call: Call<T>, limits: Limits): number {
  if (call.atOnce === undefined || limits.signal?.aborted) return EAGAIN;
  return call.atOnce(ring().native);
}

/** As a part of something longer; `res` if there is a result already. */
export async function performed<T>(call: Call<T>, task?: Task, res = resultAtOnce(call, {})): Promise<T> {
  if (res === EAGAIN) res = await perform(call.prepare, task);
  task?.check();
  const outcome = outcomeOf(call, res);
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

/** A call that has no result at once. */
function requestedWithin<T>(call: Call<T>, limits: Limits): Promise<T> {
  return withLimits(call.syscall, limits, (task) => performed(call, task, EAGAIN));
}

/**
 * Whether node's thread pool is at work on something that was started before. Programs await that first: a promise that has
 * been rejected by then, since it was answered at once, would be an unhandled rejection.
 */
function isNodeBusy(): boolean {
  const { _getActiveRequests: requests } = process as { _getActiveRequests?: () => unknown[] };
  return requests !== undefined && requests().length > 0;
}

/** The promise form. With limits it rejects when one is reached; what the kernel had begun by then may be done. */
export function promised<T>(call: Call<T>, limits: Limits): Promise<T> {
  const res = resultAtOnce(call, limits);
  if (res !== EAGAIN) {
    const outcome = outcomeOf(call, res);
    if (!(outcome instanceof Error)) return Promise.resolve(outcome);
    if (!isNodeBusy()) return Promise.reject(outcome);
  }
  if (isLimited(limits)) return requestedWithin(call, limits);
  return new Promise((resolve, reject) => {
    const settle = (res: number): void => {
      const outcome = outcomeOf(call, res);
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    new Request(call.prepare, settle).submit();
  });
}

/** The callback form: null, and the result if there is one. */
export function calledBack<T>(call: Call<T>, callback: unknown, limits: Limits): void {
  const done = bound(callback);
  const tell = (outcome: T | Error): void => {
    if (outcome instanceof Error) done(outcome);
    else if (call.decode === undefined) done(null);
    else done(null, outcome);
  };
  const res = resultAtOnce(call, limits);
  // What the result stands for is taken now, since it may stand in memory that serves all calls.
  // Later: programs await and wait for ticks before they listen for what a callback emits.
  if (res !== EAGAIN) ring().answers.add(tell, outcomeOf(call, res));
  else if (isLimited(limits)) callWith(requestedWithin(call, limits), done);
  else new Request(call.prepare, (res) => tell(outcomeOf(call, res)), true).submit();
}
