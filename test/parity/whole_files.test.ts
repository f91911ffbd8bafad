// readFile, writeFile, appendFile: by name, by descriptor, by FileHandle.
import { compare, type Calls } from './run.js';
import { at, bytes, closedHandle, fd, fresh, handle } from './world.js';
import * as wrong from './wrong.js';

const writing = [
  ...wrong.options,
  wrong.aborted,
  wrong.abortedWith,
  { mode: 0o600 },
  { mode: '600' },
  { mode: 'x' },
  { mode: -1 },
  { mode: 1.5 },
  { mode: {} },
  { mode: null },
  { flush: 1 },
  { flush: null },
  { flush: 'x' },
  { flush: true },
  { flush: false },
  { flag: 'wx' },
  { flag: 'ax' },
  { flag: 'r+' },
  { flag: 'r' },
  { flag: 'zz' },
  { flag: '' },
  { flag: 1.5 },
  { flag: {} },
  { flag: null },
  { encoding: 'zz', flag: 'zz', mode: 'x', flush: 1, signal: 1 },
  { flag: 'zz', mode: 'x', flush: 1, signal: 1 },
  { flag: 'zz', mode: 'x', flush: 1 },
  { flag: 'zz', mode: 'x' },
];
const reading = [
  ...wrong.options,
  wrong.aborted,
  wrong.abortedWith,
  { flag: 'zz' },
  { flag: 'w' },
  { flag: 'a+' },
  { flag: '' },
  { flag: 1.5 },
  { flag: {} },
  { flag: null },
  { flag: 'zz', encoding: 'zz', signal: 1 },
];

const firstAborted = wrong.options.length - 1;

const contents: unknown[] = [
  undefined,
  null,
  5,
  true,
  10n,
  {},
  [],
  ['a', 'b'],
  Symbol('s'),
  'text',
  'é\u{1f600}\ud800',
  '',
  bytes('bytes'),
  bytes(''),
  Object('text'),
  { toString: () => 'text' },
  new Map([['a', 'b']]),
  new Set(['a', 5]),
  new ArrayBuffer(4),
  fresh('Uint16Array', () => new Uint16Array([65, 66])),
  fresh('DataView', () => new DataView(new ArrayBuffer(3))),
  fresh('generator', function* () {
    yield 'a';
    yield Buffer.from('b');
  }),
  fresh('generator of numbers', function* () {
    yield 'a';
    yield 5;
  }),
  fresh('generator that throws', function* () {
    yield 'a';
    throw new RangeError('enough');
  }),
  fresh('async generator', async function* () {
    yield 'a';
    await Promise.resolve();
    yield new Uint8Array([66]);
  }),
  wrong.shared,
  wrong.resizable,
  wrong.shrunk,
  wrong.detached(),
];
const places = [
  ...wrong.paths.filter((path) => typeof path !== 'number'),
  ...wrong.names,
  fd('file'),
  fd('file', 'r'),
  2 ** 31,
  1.5,
];
/** Node asks everything whether it is an integer of 32 bits, and some cannot be asked. */
const asked = 'node finds out that it is no path by an accident';
const accidents = {
  '(Symbol(s)': asked,
  '([Object: null': asked,
  '(10n': asked,
  '(detached Uint8Array': asked,
  '(at file, detached': 'node has emptied the file by then',
};
const iterables = contents.slice(-8);

const wholeNumbers = 'node 26 names the option, and what is an iterable';
const firstOptions = 'node 26 looks at all options first, and at those that it will not use';
const newer: Calls['until'] = {
  generator: [26, wholeNumbers],
  'flag: 1.5': [26, wholeNumbers],
  "'zz', mode: 'x'": [26, firstOptions],
  'mode: ': [26, firstOptions],
  ', detached': [26, 'node 26 writes nothing'],
  '(closed handle, ': [22, 'the error is a RangeError about the descriptor -1'],
};
const paths: Calls['until'] = { "flag: 'w'": [26, 'the error of a read has the path'] };
const early = 'node refuses the encoding before it reads';
const encodings = {
  "readFile(handle file r+, 'buffer'": early,
  "r+.readFile('buffer'": early,
  "readFile(handle file r+, { encoding: 'buffer'": early,
  "r+.readFile({ encoding: 'buffer'": early,
};

for (const method of ['writeFile', 'appendFile']) {
  await compare(
    {
      method,
      good: [at('file'), 'é'],
      each: [[...places, -1, 999_999], contents],
      differs: accidents,
      until: newer,
      // The callback form throws, node does when the file is open.
      ringOnly: [[undefined, at('file'), wrong.detached(DataView)]],
      also: [
        [at('new'), 'x'],
        [handle('file'), 'abc'],
        [handle('file', 'r'), 'abc'],
        [handle('file', 'a'), 'abc'],
        [closedHandle, 'abc'],
        [fd('file', 'a'), 'abc'],
        [undefined, undefined, 5],
        ['a\0b', 5, { flag: 'zz' }],
        [at('file'), 5, { flag: 'zz' }],
        [5, true],
      ],
    },
    {
      method,
      good: [at('file'), 'é0', 'utf8'],
      each: [undefined, undefined, writing],
      until: newer,
      callbacks: false,
    },
    {
      method,
      good: [at('new'), bytes('b'), 'utf8'],
      each: [undefined, undefined, writing],
      until: newer,
      callbacks: false,
    },
    {
      method,
      good: [fd('file'), 'abc', 'utf8'],
      each: [undefined, iterables, writing],
      until: newer,
      callbacks: false,
    },
    {
      method,
      good: [handle('file'), 'abc', 'utf8'],
      each: [undefined, contents, writing],
      until: newer,
      forms: ['promise'],
    },
    {
      method,
      good: ['abc'],
      each: [contents],
      also: [
        ['abc', 'hex'],
        ['abcd', 'hex'],
      ],
      of: handle('file'),
    },
    { method, good: ['abc', 'utf8'], each: [undefined, writing], until: newer, of: handle('file') },
    { method, good: ['abc', 'utf8'], each: [contents, writing], until: newer, of: closedHandle },
    { method, good: ['abc'], of: handle('file', 'r') },
  );
}
await compare(
  {
    method: 'readFile',
    good: [at('file')],
    ringOnly: [
      ['EISDIR', fd('dir', 'r')],
      ['EBADF', 999_999],
      ['ERR_OUT_OF_RANGE', -1],
    ],
    each: [places],
    differs: accidents,
    also: [
      [handle('file')],
      [handle('file', 'a')],
      [handle('dir', 'r')],
      [closedHandle],
      [undefined, 5],
      ['a\0b', { flag: 'zz' }],
      ['/proc/self/comm'],
      ['/dev/null'],
    ],
  },
  {
    method: 'readFile',
    good: [at('file'), 'utf8'],
    each: [undefined, reading],
    until: paths,
    callbacks: false,
  },
  {
    method: 'readFile',
    good: [at('new'), 'utf8'],
    each: [undefined, reading],
    until: paths,
    callbacks: false,
  },
  {
    method: 'readFile',
    good: [fd('file'), 'utf8'],
    each: [undefined, reading.slice(0, firstAborted)],
    callbacks: false,
    ringOnly: [
      ['ABORT_ERR', fd('file'), wrong.aborted],
      ['ABORT_ERR', fd('file'), wrong.abortedWith],
    ],
  },
  {
    method: 'readFile',
    good: [handle('file'), 'utf8'],
    each: [undefined, reading],
    differs: encodings,
    forms: ['promise'],
  },
  { method: 'readFile', good: ['utf8'], each: [reading], differs: encodings, also: [[]], of: handle('file') },
  { method: 'readFile', good: ['utf8'], each: [reading], also: [[]], of: closedHandle },
  { method: 'readFile', good: [], of: handle('dir', 'r') },
);
