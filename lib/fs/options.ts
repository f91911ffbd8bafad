/**
 * What fs functions take as options: encodings, flags, modes.
 *
 * @module
 */
import { fsConstants } from '../core/node_constants.js';
import { invalidArgType, invalidArgValue } from '../core/errors.js';
import {
  validateAbortSignal,
  validateBoolean,
  validatedMode,
  validatedTimeout,
  validateInt32,
} from '../core/validate.js';

/** Options that every function of ringcore takes and node's does not, or not everywhere. */
export interface Limits {
  /** Ends it early with an AbortError. */
  signal?: AbortSignal | undefined;
  /** At most so long, in milliseconds, then a TimeoutError (ETIMEDOUT). */
  timeout?: number | undefined;
}

/** The options of readFile, writeFile and appendFile, as they come in. */
export interface FileOptions extends Limits {
  encoding?: string | null | undefined;
  flag?: string | number | undefined;
  mode?: string | number | undefined;
  flush?: boolean | null | undefined;
}

const none: FileOptions = Object.freeze({});

/**
 * The limits among the options of a function that has none in node. There a `signal` means nothing, whatever it is: what
 * is no AbortSignal is ignored.
 */
export function limitsOf(options: unknown): Limits {
  if (options === null || typeof options !== 'object') return none;
  const { signal, timeout } = options as Limits;
  const limits: Limits = {};
  if (signal instanceof AbortSignal) limits.signal = signal;
  if (timeout != null) {
    validatedTimeout(timeout);
    limits.timeout = timeout;
  }
  return limits;
}

/** An encoding by name as a property of options, an object, or nothing. */
export function validatedOptions(options: unknown): FileOptions {
  if (options == null || typeof options === 'function') return none;
  if (typeof options === 'string') options = { encoding: options };
  else if (typeof options !== 'object') {
    throw invalidArgType('options', 'one of type string or object', options);
  }
  const { encoding, signal, timeout } = options as FileOptions;
  if (encoding && encoding !== 'buffer' && !Buffer.isEncoding(encoding)) {
    throw invalidArgValue('encoding', encoding, 'is invalid encoding');
  }
  validateAbortSignal(signal, 'options.signal');
  if (timeout !== undefined) validatedTimeout(timeout);
  return options as FileOptions;
}

/**
 * Limits behind the last argument that node's function has. Node ignores what stands there, and programs rely on it
 * (`Promise.all(paths.map(unlink))` gives an index and an array), so only an object counts.
 */
export function validatedLimits(limits: unknown): Limits {
  if (limits === null || typeof limits !== 'object' || Array.isArray(limits)) return none;
  const { signal, timeout } = limits as Limits;
  validateAbortSignal(signal, 'options.signal');
  if (timeout !== undefined) validatedTimeout(timeout);
  return { signal, timeout };
}

/** What ought to be the callback, of a function that may be given limits before it. */
export function callbackOf(limits: unknown, callback: unknown): unknown {
  const mayBeLimits = limits === undefined || typeof limits === 'object';
  return mayBeLimits && typeof callback === 'function' ? callback : limits;
}

/** Whether the file is to be flushed before it is closed. */
export function validatedFlush({ flush }: FileOptions): boolean {
  const value = flush ?? false;
  validateBoolean(value, 'options.flush');
  return value;
}

/** A string in an encoding for which it must have a suitable length. */
export function validateEncoding(text: string, encoding: unknown): void {
  const isHex = typeof encoding === 'string' && encoding.toLowerCase() === 'hex';
  if (isHex && text.length % 2 !== 0) {
    throw invalidArgValue('encoding', encoding, `is invalid for data of length ${text.length}`);
  }
}

/** The encoding if there is one of that name, else UTF-8. */
export function encodingOr(encoding: unknown, standard: BufferEncoding = 'utf8'): BufferEncoding {
  return typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : standard;
}

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_SYNC } = fsConstants;

const flagsByName = new Map<unknown, number>(
  Object.entries({
    r: O_RDONLY,
    rs: O_RDONLY | O_SYNC,
    sr: O_RDONLY | O_SYNC,
    'r+': O_RDWR,
    'rs+': O_RDWR | O_SYNC,
    'sr+': O_RDWR | O_SYNC,
    w: O_TRUNC | O_CREAT | O_WRONLY,
    wx: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
    xw: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
    'w+': O_TRUNC | O_CREAT | O_RDWR,
    'wx+': O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
    'xw+': O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
    a: O_APPEND | O_CREAT | O_WRONLY,
    ax: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
    xa: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
    as: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
    sa: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
    'a+': O_APPEND | O_CREAT | O_RDWR,
    'ax+': O_APPEND | O_CREAT | O_RDWR | O_EXCL,
    'xa+': O_APPEND | O_CREAT | O_RDWR | O_EXCL,
    'as+': O_APPEND | O_CREAT | O_RDWR | O_SYNC,
    'sa+': O_APPEND | O_CREAT | O_RDWR | O_SYNC,
  }),
);

/** O_* bits of a flag string, or the bits themselves. */
export function validatedFlags(flags: unknown, name = 'flags'): number {
  if (typeof flags === 'number') {
    validateInt32(flags, name);
    return flags;
  }
  if (flags == null) return O_RDONLY;
  const bits = flagsByName.get(flags);
  if (bits === undefined) throw invalidArgValue('flags', flags);
  return bits;
}

/** Permissions of a new file. */
export function validatedFileMode(mode: unknown): number {
  return validatedMode(mode ?? 0o666);
}
