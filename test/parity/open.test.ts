// open and close.
import { compare } from './run.js';
import { at, bytes, closedHandle, fd, handle } from './world.js';
import * as wrong from './wrong.js';

const inC = "node's C++ words this as none of its JavaScript does";
/** For descriptors. */
const cWords = { '(a function': inC, '()': inC, '(10n': inC, '(-0.5': inC };

const backwards = 'node 26 looks at the mode first, then at the flags, then at the path';
const properties = 'node 26 keeps parts of times in symbols, of Stats too';

await compare(
  {
    method: 'open',
    good: [at('file'), 'r', 0o666],
    each: [[...wrong.paths, ...wrong.names], wrong.flags, wrong.modes],
    also: [
      [at('file')],
      [at('file'), 'r+'],
      [at('new'), 'w'],
      [at('new'), 'w', 0o640],
      [at('new'), 'wx', '600'],
      [at('file'), 'wx'],
      [at('new'), 'a+', undefined],
      [at('dir'), 'r'],
      [at('dir'), 'w'],
      [at('link'), 'wx'],
      [at('dangling'), 'w'],
      [undefined, 'q', 'x'],
      [at('file'), 'q', 'x'],
      ['a\0b', 'q', -1],
    ],
    ringOnly: [[undefined, at('file'), 'r', 2 ** 32 - 1]],
    until: {
      "open(undefined, 'q', 'x')": [26, backwards],
      "'q', -1)": [26, backwards],
      '({ fault: 1 }, ': [26, backwards],
      "('fa\\x00ult', ": [26, backwards],
      '(true, ': [26, backwards],
      '(-1.5, ': [26, backwards],
    },
    opens: true,
  },
  {
    method: 'close',
    good: [fd('file')],
    each: [wrong.descriptors],
    ringOnly: [
      ['ERR_INVALID_ARG_TYPE', Object.create(null)],
      ['ERR_INVALID_ARG_TYPE', Symbol('s')],
    ],
    // Without one there is nobody to tell when it is done.
    callbacks: [null, 5, {}],
    differs: cWords,
  },
  { method: 'close', good: [], of: handle('file') },
  { method: 'close', good: [], of: closedHandle },
  { method: 'getAsyncId', good: [], of: closedHandle, differs: { getAsyncId: 'another number each time' } },
  {
    method: 'fsync',
    good: [fd('file')],
    each: [wrong.descriptors],
    differs: cWords,
    also: [[fd('file', 'r')]],
  },
  { method: 'fdatasync', good: [fd('file')], each: [wrong.descriptors], differs: cWords },
  { method: 'sync', good: [], of: handle('file') },
  { method: 'sync', good: [], of: closedHandle },
  { method: 'datasync', good: [], of: handle('file') },
  { method: 'datasync', good: [], of: closedHandle },
  {
    method: 'ftruncate',
    good: [fd('file'), 4],
    each: [wrong.descriptors, wrong.integers],
    also: [[fd('file')], [fd('file', 'r'), 2], [fd('file'), 20], [fd('dir', 'r'), 0]],
  },
  { method: 'truncate', good: [4], each: [wrong.integers], of: handle('file') },
  { method: 'truncate', good: [4], each: [wrong.integers], of: closedHandle },
  { method: 'truncate', good: [4], of: handle('file', 'r') },
  { method: 'fchmod', good: [fd('file'), 0o600], each: [wrong.descriptors, wrong.modes] },
  { method: 'chmod', good: [0o600], each: [wrong.modes], of: handle('file') },
  { method: 'chmod', good: [0o600], each: [wrong.modes], of: closedHandle },
  {
    method: 'fchown',
    good: [fd('file'), 1, 2],
    each: [wrong.descriptors, wrong.integers, wrong.integers],
  },
  { method: 'chown', good: [1, 2], each: [wrong.integers, wrong.integers], of: handle('file') },
  { method: 'chown', good: [1, 2], of: closedHandle },
  {
    method: 'futimes',
    good: [fd('file'), 1, 2],
    each: [wrong.descriptors, [...wrong.integers, new Date(5)], [...wrong.integers, '1.5']],
  },
  { method: 'utimes', good: [1, 2], each: [wrong.integers, [new Date(5), 'x', {}]], of: handle('file') },
  { method: 'utimes', good: [1, 2], of: closedHandle },
  { method: 'fstat', good: [fd('file')], each: [wrong.descriptors], also: [[fd('dir', 'r')]] },
  {
    method: 'fstat',
    good: [fd('file'), { bigint: true }],
    each: [undefined, [...wrong.options, { bigint: 1 }]],
  },
  {
    method: 'stat',
    good: [{ bigint: true }],
    each: [[...wrong.options, { bigint: 1 }]],
    until: { 'stat(': [26, properties] },
    of: handle('file'),
  },
  { method: 'stat', good: [], of: handle('dir', 'r'), until: { 'stat(': [26, properties] } },
  { method: 'stat', good: [], of: closedHandle },
  { method: 'readLines', good: [], of: closedHandle },
  { method: 'createReadStream', good: [], of: closedHandle },
  { method: 'createWriteStream', good: [], of: closedHandle },
  { method: 'readableWebStream', good: [], of: closedHandle },
  { method: 'readableWebStream', good: [{ type: 'bytes' }], of: closedHandle },
  { method: 'writeFile', good: [bytes('x')], of: closedHandle },
);
