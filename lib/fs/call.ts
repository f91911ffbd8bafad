/**
 * A function of fs that makes one request: what its promise form and its callback form have in common.
 *
 * @module
 */
import { systemError } from '../core/errors.js';
import { bound, callWith } from './callback.js';
import { validatedLimits, type Limits } from './options.js';
import { Request, type Prepare } from './request.js';
import { isLimited, perform, withLimits } from './task.js';

/** A request with validated arguments. */
export interface Call<T = void> {
  /** As node names it, in errors. */
  readonly syscall: string;
  readonly prepare: Prepare;
  /** What errors name. */
  readonly about?: { path?: string | Uint8Array; dest?: string | Uint8Array };
  /** What the caller gets for a result of 0 or more. Without it: nothing. */
  readonly decode?: (res: number) => T;
}

const outcomeOf = <T>(call: Call<T>, res: number): T | Error =>
  res < 0 ? systemError(res, call.syscall, call.about) : (call.decode?.(res) as T);

/** The promise form. With limits it rejects when one is reached; what the kernel had begun by then may be done. */
export function promised<T>(call: Call<T>, limits: Limits): Promise<T> {
  if (isLimited(limits)) {
    return withLimits(call.syscall, limits, async (task) => {
      const res = await perform(call.prepare, task);
      task?.check();
      const outcome = outcomeOf(call, res);
      if (outcome instanceof Error) throw outcome;
      return outcome;
    });
  }
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
  if (isLimited(limits)) return callWith(promised(call, limits), done);
  const settle = (res: number): void => {
    const outcome = outcomeOf(call, res);
    if (outcome instanceof Error) done(outcome);
    else if (call.decode === undefined) done(null);
    else done(null, outcome);
  };
  new Request(call.prepare, settle, true).submit();
}

/**
 * The limits and the callback where both may stand: `(…, callback)` as node has it, `(…, limits, callback)` besides.
 * What is no limits is meant to be the callback, and what follows a callback does not matter.
 */
export function limitsAndCallback(limits: unknown, callback: unknown): [Limits, unknown] {
  if (typeof limits !== 'object' || limits === null || !('signal' in limits || 'timeout' in limits)) {
    return [{}, limits];
  }
  return [validatedLimits(limits), callback];
}
