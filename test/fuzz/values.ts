// Values that no function expects, and those that it does, from a seed: the same twice for the same draw.
import { closeSync, openSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

export type Draw = (limit: number) => number;

/** What a call's arguments hold open, until it has settled. */
export class Held {
  readonly #releases: (() => unknown)[] = [];

  later(release: () => unknown): void {
    this.#releases.push(release);
  }

  async release(): Promise<void> {
    for (const release of this.#releases.splice(0)) {
      try {
        await release();
      } catch {
        // The call has closed it.
      }
    }
  }
}

export type Make = (draw: Draw, held: Held) => unknown;

const detached = (): Uint8Array => {
  const view = new Uint8Array(8);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
};
const resizable = (): Uint8Array => {
  const Resizable = ArrayBuffer as unknown as new (bytes: number, options: object) => ArrayBuffer;
  return new Uint8Array(new Resizable(16, { maxByteLength: 64 }));
};
const throwing = {
  get encoding(): never {
    throw new RangeError('a getter throws');
  },
};

/** No number is an open descriptor's. */
const odd: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => NaN,
  () => -1,
  () => 1.5,
  () => Infinity,
  () => -Infinity,
  () => 2 ** 31,
  () => 2 ** 32,
  () => 2 ** 53,
  () => -(2 ** 40),
  () => 999_999_999,
  () => 10n,
  () => -1n,
  () => 2n ** 64n,
  () => true,
  () => false,
  () => '',
  () => 'no such thing',
  () => 'with\0zero',
  () => '\ud800',
  () => 'x'.repeat(5000),
  () => Symbol('odd'),
  () => ({}),
  () => Object.create(null) as object,
  () => [],
  () => [1, 'two'],
  () => [new Uint8Array(3)],
  () => new Date(NaN),
  () => /re/,
  () => Object.assign(new Error('value'), { stack: 'Error: value' }),
  () => Buffer.alloc(0),
  () => new Uint8Array(5),
  () => new DataView(new ArrayBuffer(3)),
  () => new Float64Array(2),
  () => new ArrayBuffer(4),
  () => new Uint8Array(new SharedArrayBuffer(4)),
  detached,
  resizable,
  () => throwing,
  () => ({ encoding: 'nonsense' }),
  () => ({ signal: {} }),
  () => ({ flag: 7.5, flags: 'zz', mode: 'rwx' }),
  () => ({ recursive: 'yes', force: 1, maxRetries: -1 }),
  () => ({ offset: -1, length: 1e10, position: '0' }),
  () => ({ highWaterMark: -5, start: 'a', end: NaN }),
  () => new URL('http://localhost/x'),
  () => new Proxy({}, {}),
  () => new (class Odd {})(),
];

export const oddValue = (draw: Draw): unknown => odd[draw(odd.length)]!();

const names = ['file', 'other', 'folder', 'folder/inner', 'link', 'missing', 'missing/deeper', 'file/below'];
const name: Make = (draw) => names[draw(names.length)]!;
const one =
  (...values: unknown[]): Make =>
  (draw) =>
    values[draw(values.length)];

/** A file that no path of the arguments names. */
export const openName = 'opened';
export const openFlags = 'r+';

/** A signal that is aborted already, or will be when the call has settled, or earlier. */
const signal: Make = (draw, held) => {
  const controller = new AbortController();
  if (draw(4) === 0) controller.abort();
  else if (draw(2) === 0) setImmediate(() => controller.abort());
  else held.later(() => controller.abort());
  return controller.signal;
};

/** Arguments as they should be, by what they are for. */
export const valid = {
  path: (draw) => {
    const path = name(draw, new Held()) as string;
    return [path, path, Buffer.from(path), pathToFileURL(path)][draw(4)];
  },
  paths: one(['file', 'other'], [], ['missing', 'file'], ['folder', Buffer.from('file')]),
  pattern: one('*', 'fo*/**', 'missing', ['f*', 'o*']),
  /** An open file of the sandbox. */
  fd: (_draw, held) => {
    const fd = openSync(openName, openFlags);
    held.later(() => closeSync(fd));
    return fd;
  },
  mode: one(0, 0o644, 0o777, '755', undefined),
  flags: one('r', 'r+', 'w', 'a+', 'wx', 'rs', 0, 2, undefined),
  data: one('text', Buffer.from('bytes'), new Uint8Array(3), new DataView(new ArrayBuffer(4))),
  bytes: one(Buffer.from('bytes'), new Uint8Array(3), new DataView(new ArrayBuffer(4))),
  text: one('text', '', 'é'),
  buffer: (draw) => [Buffer.alloc(20), new Uint8Array(7), new DataView(new ArrayBuffer(8))][draw(3)],
  buffers: (draw) => [[new Uint8Array(3)], [Buffer.alloc(4), Buffer.alloc(0)], []][draw(3)],
  offset: one(0, 1, undefined, null),
  length: one(0, 1, 5, undefined),
  position: one(null, 0, 3, 2n, undefined),
  number: one(0, 1, 7, undefined),
  time: one(0, 1.5, 1e9, '12', new Date(0)),
  id: one(0, 65534),
  encoding: one('utf8', 'hex', 'buffer', undefined, null),
  /** Of names that are not the same twice. */
  textEncoding: one('utf8', 'buffer', undefined, null),
  readOptions: one(undefined, null, 'utf8', { encoding: 'latin1' }, { flag: 'r' }, {}),
  writeOptions: one(undefined, 'utf8', { mode: 0o600 }, { flag: 'a' }, {}, { flush: true }),
  treeOptions: one({ recursive: true }, { recursive: true, force: true }, {}, undefined),
  statOptions: one(undefined, {}, { bigint: true }, { throwIfNoEntry: false }),
  type: one('file', 'dir', undefined, null),
  attribute: one('user.fuzz', 'user.missing', 'system.nothing', 'nonsense'),
  advice: one(0, 1, 2, 3, 4),
  range: one(undefined, {}, { offset: 0, length: 4096 }, { mode: 1, offset: 1, length: 1 }),
  options: (draw, held) => [undefined, {}, { signal: signal(draw, held) }, { timeout: 5 }][draw(4)],
  listener: one(undefined, () => {}),
} satisfies Record<string, Make>;

export type Kind = keyof typeof valid;
