// What tells of files and changes their attributes: stat, access, exists, chmod, utimes, readdir, …
import { compare } from './run.js';
import { at, bufferAt, urlAt } from './world.js';
import * as wrong from './wrong.js';

const anyPath = [...wrong.paths, ...wrong.names];
const stating = [
  ...wrong.options,
  { bigint: true },
  { bigint: 1 },
  { bigint: null },
  { throwIfNoEntry: false },
  { bigint: true, throwIfNoEntry: false },
];
const listing = [
  ...wrong.options,
  { withFileTypes: true },
  { withFileTypes: 1 },
  { withFileTypes: true, encoding: 'buffer' },
  { recursive: true },
  { recursive: 1 },
  { recursive: null },
  { recursive: true, withFileTypes: true },
];

await compare(
  { method: 'stat', good: [at('file')], each: [anyPath] },
  { method: 'stat', good: [at('file'), {}], each: [[5, at('nowhere'), at('file/x'), at('dir')], stating] },
  { method: 'lstat', good: [at('link')], each: [anyPath] },
  { method: 'lstat', good: [at('link'), {}], each: [[5, at('nowhere'), at('file/x')], stating] },
  { method: 'statfs', good: [at('file')], each: [anyPath] },
  { method: 'statfs', good: [at('file'), {}], each: [[5, at('nowhere')], stating] },
  { method: 'exists', good: [at('file')], each: [anyPath] },
  { method: 'access', good: [at('file')], each: [anyPath] },
  { method: 'access', good: [at('file'), 4], each: [[5, at('nowhere')], wrong.integers] },
  { method: 'chmod', good: [at('file'), 0o600], each: [anyPath, wrong.modes] },
  { method: 'lchmod', good: [at('file'), 0o600], each: [wrong.paths, wrong.modes] },
  {
    method: 'chown',
    good: [at('file'), 1, 2],
    each: [anyPath, wrong.integers, wrong.integers],
  },
  {
    method: 'lchown',
    good: [at('link'), 1, 2],
    each: [anyPath, wrong.integers, wrong.integers],
  },
  {
    method: 'utimes',
    good: [at('file'), 1, 2],
    each: [anyPath, [...wrong.integers, new Date(5), '1.5'], [...wrong.integers, new Date(5), '1.5']],
  },
  {
    method: 'lutimes',
    good: [at('link'), 1, 2],
    each: [anyPath, wrong.integers, wrong.integers],
  },
  { method: 'readdir', good: [at('dir')], each: [anyPath] },
  { method: 'readdir', good: [at('dir'), {}], each: [[5, bufferAt('dir'), urlAt('dir')], listing] },
  { method: 'opendir', good: [at('dir')], each: [anyPath], opens: true },
  {
    method: 'opendir',
    good: [at('dir'), {}],
    each: [
      [5, at('nowhere')],
      [
        ...wrong.options,
        // Wrong ones are an uncaught exception.
        { bufferSize: 1 },
        { recursive: true },
        { recursive: 1 },
      ],
    ],
    opens: true,
  },
);
