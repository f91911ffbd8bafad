// What came of a call, told so that two of them can be compared.
import type { EventEmitter } from 'node:events';
import { closeSync, Dirent, Stats } from 'node:fs';

export const hung = 'it did not settle';
const limitMs = 10_000;

/** What differs by folder or by run. */
function masked(text: string): string {
  return text
    .replaceAll(`file://${process.cwd()}`, '.')
    .replaceAll(process.cwd(), '.')
    .replaceAll(Buffer.from(process.cwd()).toString('hex'), '.')
    .replace(
      /(\b(?:file|other|folder|inner|link|missing|deeper|below|thing)|\ufffd|ï¿½)[A-Za-z0-9]{6}(?=$|')/,
      '$1…',
    );
}

function errorFacts(error: Error): unknown {
  const { name, message, code, syscall } = error as NodeJS.ErrnoException;
  // The engine's own words depend on how the line is written.
  if (code === undefined && /^Cannot (read|destructure) propert/.test(message)) return 'not an object';
  // What node 20 makes in C++ shows a value in other words; so do engines which method met a detached buffer.
  const told = masked(message)
    .replace(/^(The (?:argument|value of)? ?"fd" .*) Received .*/s, '$1')
    .replace(/%\.prototype\.\w+/, '%')
    .replace(/[\w.-]+[A-Za-z0-9]{6}'$/, "…'");
  return { class: error.constructor.name, name, message: told, code, syscall };
}

/** `_toUnixTimestamp` takes the clock for what is before 1970. */
const isNow = (value: unknown): boolean =>
  typeof value === 'number' && Math.abs(value - Date.now() / 1000) < 3600;

/** What a value looks like, so far as it is the same twice: no time of today, no number of a descriptor or of an inode. */
export function facts(value: unknown, depth = 0): unknown {
  if (value instanceof Error) return errorFacts(value);
  if (typeof value === 'string') return masked(value);
  if (isNow(value)) return 'now';
  if (typeof value === 'function' || typeof value === 'symbol') return typeof value;
  if (value === null || typeof value !== 'object') return value;
  const name = (value as { constructor?: { name: string } }).constructor?.name;
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return `${name} ${masked(Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('latin1'))}`;
  }
  if (value instanceof Dirent) return `${value.name} ${value.isFile()} ${value.isDirectory()}`;
  if (value instanceof Stats || name === 'BigIntStats') {
    const { mode, uid, gid } = value as Stats;
    return [name, typeof mode, Number(mode), Number(uid), Number(gid)];
  }
  if (depth > 2) return name;
  if (Array.isArray(value)) return value.map((each) => facts(each, depth + 1));
  if (name === 'Object') {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, facts(each, depth + 1)]));
  }
  return name;
}

/** Or {@link hung}. */
export function withLimit(promise: PromiseLike<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, limitMs, hung)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Closes what a call has opened. */
async function release(value: unknown, opens: boolean): Promise<void> {
  if (typeof value === 'number' && opens) closeSync(value);
  if (!(value instanceof Object)) return;
  if ('destroy' in value) (value as { destroy(): void }).destroy();
  else if ('close' in value && typeof value.close === 'function') await (value.close as () => unknown)();
}

/**
 * What an action throws, rejects with or gives; what it gives is closed. `opens`: a number is a descriptor.
 */
export async function outcomeOf(action: () => unknown, opens = false): Promise<unknown> {
  let result: unknown;
  try {
    result = action();
  } catch (error) {
    return { thrown: facts(error) };
  }
  const isPromise = result instanceof Promise;
  try {
    const value = isPromise ? await withLimit(result as Promise<unknown>) : result;
    const told = opens && typeof value === 'number' ? 'a descriptor' : facts(value);
    await release(value, opens);
    return isPromise ? { resolved: told } : { returned: told };
  } catch (error) {
    return { rejected: facts(error) };
  }
}

/** A few turns of the event loop: what is under way without a wait comes. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** What an emitter tells, in order; errors with what they are. */
export function record(emitter: EventEmitter, events: readonly string[]): unknown[] {
  const told: unknown[] = [];
  for (const event of events) {
    emitter.on(event, (value: unknown) => told.push(value instanceof Error ? [event, facts(value)] : event));
  }
  return told;
}

/** Until one of these events, or {@link hung}. */
export function firstOf(emitter: EventEmitter, events: readonly string[]): Promise<unknown> {
  return withLimit(
    new Promise((resolve) => {
      for (const event of events) emitter.once(event, () => resolve(event));
    }),
  );
}
