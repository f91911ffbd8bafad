// What programs pass by mistake, by what was asked for.
import { at, bufferAt, bytesAt, fresh, urlAt, type Made } from './world.js';

/** Bytes that are no more. */
export const detached = (Class: new (buffer: ArrayBuffer) => NodeJS.ArrayBufferView = Uint8Array): Made =>
  fresh(`detached ${Class.name}`, () => {
    const view = new Class(new ArrayBuffer(8));
    structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
    return view;
  });
type Resizable = new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer;
export const resizable = fresh('resizable', () =>
  new Uint8Array(new (ArrayBuffer as Resizable)(8, { maxByteLength: 16 })).fill(0x72),
);
/** Its buffer has become too short for it. */
export const shrunk = fresh('shrunk', () => {
  const buffer = new (ArrayBuffer as Resizable)(8, { maxByteLength: 16 });
  const view = new Uint8Array(buffer, 4, 4);
  (buffer as unknown as { resize(bytes: number): void }).resize(2);
  return view;
});
export const shared = fresh('shared', () => new Uint8Array(new SharedArrayBuffer(8)).fill(0x73));

const nothing = [undefined, null];
const objects = [{}, [], Symbol('s'), Object.create(null) as object, new Date(0), /x/];
const callable = fresh('a function', () => function named() {});

/** No paths, and paths that are refused before anything is asked of the kernel. */
export const paths: unknown[] = [
  ...nothing,
  ...objects,
  callable,
  true,
  5,
  NaN,
  -1,
  10n,
  // A string object is no string.
  Object('file') as object,
  new ArrayBuffer(4),
  new Uint16Array(4),
  new DataView(new ArrayBuffer(4)),
  detached(),
  'a\0b',
  '\0',
  fresh('Buffer with a null byte', () => Buffer.from('a\0b')),
  new URL('http://host/file'),
  new URL('file://host/file'),
  new URL('file:///a%2Fb'),
  new URL('file:///a%2fb'),
  new URL('file:///a%00b'),
  // What looks like a URL is one.
  { href: 'file:///x', protocol: 'file:' },
  { href: 'file:///x', protocol: 'file:', pathname: '/dev/null/temp-', hostname: '' },
  { href: 'file:///x', protocol: 'file:', path: '/x', pathname: '/x', hostname: '' },
];

/** Paths that mean something, and what the kernel says to them. */
export const names: unknown[] = [
  'file',
  './dir/../file',
  '',
  'nowhere',
  'nowhere/file',
  'file/below',
  'file/',
  'dir/',
  'link',
  'link/',
  'dirlink',
  'dirlink/',
  'dirlink/inner',
  'dangling',
  'loop',
  'loop/file',
  '.',
  'x'.repeat(255),
  'x'.repeat(256),
  'x/'.repeat(2048),
  'é',
  at('file'),
  at('dir'),
  at('bare'),
  at('nowhere'),
  bufferAt('file'),
  bufferAt('nowhere'),
  bytesAt('file'),
  urlAt('file'),
  urlAt('nowhere'),
  urlAt('sp ace#?%25'),
  fresh('not UTF-8', () => Buffer.from([0x66, 0xff, 0xfe])),
  shared,
];

export const descriptors: unknown[] = [
  ...nothing,
  // Of others node's own message ends the process.
  {},
  [],
  new Date(0),
  callable,
  true,
  '1',
  1.5,
  NaN,
  Infinity,
  -1,
  -0.5,
  10n,
  2 ** 31,
  2 ** 31 - 1,
  2 ** 32,
  999_999,
];

/** Lengths, offsets, sizes. */
export const integers: unknown[] = [
  ...nothing,
  {},
  'x',
  '2',
  true,
  NaN,
  Infinity,
  -Infinity,
  1.5,
  -0,
  -1,
  10n,
  -1n,
  3,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  Symbol('s'),
];

/** A FileHandle's read takes others for a length, and node's C++ ends the process. */
export const readLengths: unknown[] = [
  undefined,
  null,
  Infinity,
  -1,
  10n,
  3,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
];

/** Of some functions node's C++ takes -0 for no integer, and ends the process. */
export const lengths: unknown[] = integers.filter((value) => !Object.is(value, -0));

export const positions: unknown[] = [...integers, 0n, 5n, 2n ** 63n, 2n ** 64n, -(2n ** 63n) - 1n];

export const modes: unknown[] = [
  ...nothing,
  {},
  [],
  0,
  0o600,
  '600',
  '0o600',
  '9',
  'x',
  '',
  true,
  1.5,
  NaN,
  -1,
  10n,
  2 ** 32,
  Symbol('s'),
];

export const flags: unknown[] = [
  ...nothing,
  'r',
  'r+',
  'rs',
  'sr+',
  'w',
  'wx',
  'xw+',
  'a',
  'a+',
  'as',
  'q',
  '',
  'R',
  0,
  0o102,
  -1,
  1.5,
  NaN,
  2 ** 31,
  {},
  [],
  true,
  10n,
];

/** Of what takes options: an encoding or an object. */
export const options: unknown[] = [
  ...nothing,
  1,
  0,
  true,
  false,
  Symbol('s'),
  10n,
  [],
  {},
  '',
  'utf8',
  'UTF-8',
  'latin1',
  'hex',
  'base64',
  'ascii',
  'ucs2',
  'buffer',
  'no-such',
  { encoding: 'no-such' },
  { encoding: 5 },
  { encoding: null },
  { encoding: 'hex' },
  { encoding: 'buffer' },
  { encoding: 'latin1', flag: 'r+' },
  { signal: 'x' },
  { signal: {} },
  { signal: null },
  { signal: { aborted: true } },
];

/** Those that leave an absolute path readable. */
export const plainOptions = options.filter(
  (option) =>
    !['hex', 'base64', 'ucs2'].includes((option as { encoding?: string })?.encoding ?? String(option)),
);

export const aborted = fresh('an aborted signal', () => ({ signal: AbortSignal.abort() }));
export const abortedWith = fresh('a signal aborted with a reason', () => ({
  signal: AbortSignal.abort(new RangeError('because')),
}));
