/**
 * The callback forms: in the async context of the call, outside of any promise.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks';
import { validateFunction } from '../core/validate.js';
import { nextTick } from '../core/unmocked.js';

/** The last argument of node:fs's callback forms. */
export type Callback<A extends unknown[] = [value?: unknown]> = (error: Error | null, ...results: A) => void;

/** `callback`, checked, bound to the async context of now; like node's it is called without a `this`. */
export function bound(callback: unknown): Callback<unknown[]> {
  validateFunction(callback, 'cb');
  const scope = new AsyncResource('FSREQCALLBACK');
  const call = 'domain' in scope ? inDomain(callback) : (callback as Callback<unknown[]>);
  return (...results) => void scope.runInAsyncScope(call, undefined, ...results);
}

/**
 * An exception leaves the scope, and with it its domain, before it is reported. One thrown from nextTick is reported
 * within.
 */
function inDomain(callback: (...args: never[]) => unknown): Callback<unknown[]> {
  return (...results) => {
    try {
      (callback as Callback<unknown[]>)(...results);
    } catch (error) {
      nextTick(() => {
        throw error;
      });
    }
  };
}

/** Settles outside of the promise: an exception in a callback is then uncaught, as node's, and no rejection. */
export function settleLater<T>(
  promise: Promise<T>,
  resolve: (value: T) => void,
  reject: (error: Error) => void,
): void {
  promise.then(
    (value) => nextTick(resolve, value),
    (error) => nextTick(reject, error),
  );
}

/** Calls a bound callback with what becomes of a promise. */
export function callWith(promise: Promise<unknown>, callback: Callback<unknown[]>): void {
  settleLater(promise, (value) => (value === undefined ? callback(null) : callback(null, value)), callback);
}
