// What createReadStream and createWriteStream refuse, and what the streams are made with.
import { compare } from './run.js';
import { at, closedHandle } from './world.js';
import * as wrong from './wrong.js';

const numbers = wrong.integers.filter((value) => value !== null);
const options = [
  5,
  true,
  'no-such',
  'utf8',
  null,
  undefined,
  [],
  { encoding: 'no-such' },
  { start: 5, end: 2 },
  { end: Infinity },
  { end: -Infinity },
  { fs: {} },
  { fs: null },
  { fs: 5 },
  { flush: 1 },
  { flush: null },
  { autoClose: 'x' },
  { emitClose: 'x' },
  { signal: 'x' },
  { signal: {} },
  { highWaterMark: -1 },
  { highWaterMark: 'x' },
  { highWaterMark: 1.5 },
  ...numbers.map((start) => ({ start })),
  ...numbers.map((end) => ({ end })),
  ...wrong.descriptors.filter((fd) => fd != null && fd !== 999_999).map((fd) => ({ fd })),
];

for (const method of ['createReadStream', 'createWriteStream']) {
  await compare({
    method,
    good: [at('nowhere/file')],
    each: [wrong.paths],
    also: [
      ...options.map((option) => [at('nowhere/file'), option]),
      [undefined, { start: 'x' }],
      ['a\0b', { start: 'x' }],
      [undefined, { fd: closedHandle }],
    ],
    forms: ['stream'],
  });
}
