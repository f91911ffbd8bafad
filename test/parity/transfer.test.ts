// read, write, readv, writev: by callback and of a FileHandle.
import { compare, type Calls } from './run.js';
import { bytes, closedHandle, fd, fresh, handle, room } from './world.js';
import * as wrong from './wrong.js';

const views = [
  fresh('Uint32Array', () => new Uint32Array(2)),
  fresh('DataView', () => new DataView(new ArrayBuffer(8))),
  fresh('part of a buffer', () => Buffer.alloc(9, 'x').subarray(3, 7)),
  wrong.shared,
  wrong.resizable,
  wrong.shrunk,
  wrong.detached(),
  wrong.detached(Uint16Array),
  wrong.detached(DataView),
];
const noViews = [
  undefined,
  null,
  {},
  [],
  5,
  true,
  'text',
  10n,
  Symbol('s'),
  new ArrayBuffer(8),
  [bytes('x')],
];

const objects = [
  {},
  [],
  null,
  undefined,
  { offset: 1 },
  { length: 2 },
  { position: 5 },
  { offset: 1, length: 2, position: 3 },
  { offset: null, length: null, position: null },
  { offset: 'x' },
  { offset: -1 },
  { length: -1 },
  { length: 9 },
  { length: 0 },
  { position: -1 },
  { position: -2 },
  { position: 'x' },
  { position: {} },
  { position: 5n },
  { position: 2n ** 64n },
];

const reading = {
  each: [[...noViews, ...views], wrong.integers, wrong.lengths, wrong.positions],
  also: [
    [],
    [room(4)],
    [room(0)],
    [room(0), 0, 0, 0],
    [room(0), 0, 1, 0],
    [room(0), 1, 0, 0],
    [room(4), 5, 0, 0],
    [room(4), 4, 0, 0],
    [room(4), 4, 1, 0],
    [room(4), 0, 5, 0],
    [room(4), 1, 3],
    [room(4), 1, 2, null],
    [room(4), 2, undefined, 1],
    [room(4), null, null, null],
    [room(20), 0, 20, 100],
    [{ buffer: room(3), offset: 1 }],
    ...objects.map((options) => [room(4), options]),
    ...objects.map((options) => [options]),
    // Refused, by which of the two?
    ['text', 'x', 'x', 'x'],
    [room(4), 'x', -1, 'x'],
    [room(4), -1, -1, 'x'],
    [room(4), 0, -1, 'x'],
    [room(0), 'x', 0, 'x'],
    [room(0), 0, 0, 'x'],
    [wrong.detached(), 0, 0, 0],
    [wrong.detached(), -1, 1, 0],
  ],
};

const writing = {
  each: [[...noViews, ...views], wrong.integers, wrong.lengths, wrong.positions],
  also: [
    [],
    [bytes('abc')],
    [bytes('')],
    [bytes(''), 0, 0, 0],
    [bytes(''), 1, 0, 0],
    [bytes('abc'), 1],
    [bytes('abc'), 1, 1],
    [bytes('abc'), 1, 1, 20],
    [bytes('abc'), 3],
    [bytes('abc'), 4],
    [bytes('abc'), 0, 4],
    [bytes('abc'), 2, 2],
    [bytes('abc'), null, null, null],
    ...objects.map((options) => [bytes('abcd'), options]),
    ['text'],
    [''],
    ['text', 3],
    ['text', -1],
    ['text', null, 'latin1'],
    ['é', 2, 'latin1'],
    ['é', 'latin1'],
    ['abc', 0, 'hex'],
    ['abcd', 0, 'HEX'],
    ['abcx', 0, 'hex'],
    ['text', 0, 'no-such'],
    ['text', 0, 5],
    ['text', {}, 'utf8'],
    ['text', 'x', {}],
    ['text', 1.5],
    ['text', 5n],
    [Object('text')],
    [{ toString: () => 'text' }],
    [bytes('abc'), 'x', 'x', 'x'],
    [bytes('abc'), -1, -1, 'x'],
    [bytes('abc'), 9, 9],
  ],
};

const vectors: unknown[] = [
  ...noViews,
  fresh('no views', () => []),
  fresh('two', () => [Buffer.from('abc'), Buffer.from('defg')]),
  fresh('with an empty one', () => [Buffer.alloc(0), Buffer.from('xy'), Buffer.alloc(0)]),
  fresh('empty ones', () => [Buffer.alloc(0), Buffer.alloc(0)]),
  fresh('other views', () => [new Uint16Array(2), new DataView(new ArrayBuffer(3)), new Float64Array(1)]),
  fresh('shared', () => [new Uint8Array(new SharedArrayBuffer(3))]),
  fresh('one that is none', () => [Buffer.from('abc'), 'x']),
  fresh('a hole', () => [Buffer.from('abc'), , Buffer.from('x')]), // eslint-disable-line no-sparse-arrays
  fresh('1025', () => Array.from({ length: 1025 }, () => Buffer.from('z'))),
  fresh('array-like', () => ({ length: 1, 0: Buffer.from('abc') })),
  fresh('a Uint8Array', () => new Uint8Array(3)),
];
const twice = fresh('two buffers', () => [Buffer.from('abc'), Buffer.from('defg')]);

/** Of a FileHandle: node looks no further than whether a length is less than 0, and too many. */
const ofHandle = {
  each: [[...noViews, ...views], wrong.integers, wrong.readLengths, wrong.positions],
  also: reading.also,
  pairs: false as const,
  differs: {
    'position: 5n': "node 20 reads at the file's own position",
    ', 5n)': 'so it does',
    ', 0n)': 'so it does',
    ', 10n)': 'so it does',
  },
};

const inTheCall = 'node calls back before it returns';

/** With each of several descriptors before the arguments. */
function ofDescriptors({ each, also }: typeof reading): { each: unknown[][]; also: unknown[][] } {
  const rows = also.map((args) => [fd('file'), ...args]);
  return {
    each: [wrong.descriptors, ...each],
    also: [...rows, ...[-1, 999_999].flatMap((bad) => also.map((args) => [bad, ...args]))],
  };
}

const order = 'node 24 looks at the position before the length';
const ordered: Calls['until'] = {
  "0, -1, 'x')": [24, order],
  "0, 0, 'x')": [24, order],
  '{ fault: 1 }, { fault: 1 }),': [24, order],
  "'fa\\x00ult', 'fa\\x00ult'),": [24, order],
  '-1.5, -1.5),': [24, order],
};
const cut = 'node 26 takes any length above for nothing to read';
const tooLong: Calls['until'] = Object.fromEntries(
  wrong.readLengths.map((length) => [`1, ${String(length)}, 3)`, [26, cut]]),
);

await compare(
  { method: 'read', good: [fd('file'), room(4), 1, 2, 3], until: ordered, ...ofDescriptors(reading) },
  { method: 'read', good: [fd('other', 'a'), room(4), 0, 4, 0], until: ordered },
  { method: 'read', good: [fd('dir', 'r'), room(4), 0, 4, 0], until: ordered },
  { method: 'write', good: [fd('file'), bytes('abcd'), 1, 2, 3], ...ofDescriptors(writing) },
  { method: 'write', good: [fd('file', 'a'), bytes('abcd'), 1, 2, 3] },
  { method: 'write', good: [fd('file', 'r'), bytes('abcd')] },
  {
    method: 'read',
    good: [room(4), 1, 2, 3],
    ...ofHandle,
    until: { ...ordered, ...tooLong },
    ringOnly: [
      ['ERR_INVALID_ARG_TYPE', room(4), { length: 'x' }],
      ['ERR_OUT_OF_RANGE', room(4), { length: 1.5 }],
      ['ERR_INVALID_ARG_TYPE', room(4), 0, true],
      ['ERR_OUT_OF_RANGE', room(4), 0, NaN],
      [undefined, room(4), 0, -0],
    ],
    of: handle('file'),
  },
  { method: 'read', good: [room(4), 1, 2, 3], ...ofHandle, of: closedHandle },
  { method: 'read', good: [room(4)], of: handle('dir', 'r') },
  { method: 'write', good: [bytes('abcd'), 1, 2, 3], ...writing, of: handle('file') },
  { method: 'write', good: [bytes('abcd'), 1, 2, 3], ...writing, of: closedHandle },
  { method: 'write', good: [bytes('abcd')], of: handle('file', 'r') },
  { method: 'write', good: [bytes('abcd'), 0, 4, 1], of: handle('file', 'a') },
  {
    method: 'readv',
    good: [fd('file'), twice, 2],
    differs: { ', [],': inTheCall, 'no views': inTheCall },
    each: [wrong.descriptors, vectors, wrong.positions],
    also: [
      [fd('file'), twice],
      [fd('other', 'a'), twice, 0],
      ['x', 'x', 'x'],
    ],
  },
  {
    method: 'writev',
    good: [fd('file'), twice, 2],
    each: [wrong.descriptors, vectors, wrong.positions],
    also: [
      [fd('file'), twice],
      [fd('file', 'a'), twice, 0],
      [fd('file', 'r'), twice],
      ['x', 'x', 'x'],
    ],
  },
  {
    method: 'readv',
    good: [twice, 2],
    each: [vectors, wrong.positions],
    also: [[twice]],
    of: handle('file'),
  },
  { method: 'readv', good: [twice, 2], each: [vectors], of: closedHandle },
  {
    method: 'writev',
    good: [twice, 2],
    each: [vectors, wrong.positions],
    also: [[twice]],
    of: handle('file'),
  },
  { method: 'writev', good: [twice, 2], each: [vectors], of: closedHandle },
);
