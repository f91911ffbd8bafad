/**
 * The many forms in which connect() and listen() take their arguments.
 *
 * @module
 */
import { badPort } from '../core/errors.js';
import { nodeNet } from './node_net.js';

/** What the forms come down to: options, and a callback. */
export type Normalized<T> = [options: T, callback: ((...args: unknown[]) => void) | null];

/** 0 or more, or false: how node tells a port from a path. */
export function toNumber(value: unknown): number | false {
  const number = Number(value);
  return number >= 0 ? number : false;
}

/** Whether it is a path rather than a port. */
export function isPath(value: unknown): value is string {
  return typeof value === 'string' && toNumber(value) === false;
}

/**
 * What net._normalizeArgs marks its results with: tls and http hand over what it has made of theirs. Any other array is
 * somebody's options.
 */
const [normalizedMark = Symbol('normalized')] = Object.getOwnPropertySymbols(
  (nodeNet as unknown as { _normalizeArgs(args: unknown[]): object })._normalizeArgs([]),
);

/** `(options)`, `(path)` and `(port, host)`, each with what follows and a callback as the last argument. */
export function normalizeArguments<T extends object>(args: readonly unknown[]): Normalized<T> {
  const [first, second] = args;
  if (Array.isArray(first) && normalizedMark in first) return first as unknown as Normalized<T>;
  let options: Record<string, unknown> = {};
  if (typeof first === 'object' && first !== null) options = first as Record<string, unknown>;
  else if (isPath(first)) options.path = first;
  else if (args.length > 0) {
    options.port = first;
    if (typeof second === 'string') options.host = second;
  }
  const last = args.at(-1);
  const callback = typeof last === 'function' ? (last as (...args: unknown[]) => void) : null;
  return Object.assign<Normalized<T>, object>([options as T, callback], { [normalizedMark]: true });
}

/** A port, as node checks it: also a string of digits. */
export function validatePort(port: unknown, name = 'Port'): void {
  const fine =
    (typeof port === 'number' || (typeof port === 'string' && port.trim() !== '')) &&
    Number.isInteger(Number(port)) &&
    Number(port) >= 0 &&
    Number(port) <= 65535;
  if (!fine) throw badPort(port, name, validatePort);
}
