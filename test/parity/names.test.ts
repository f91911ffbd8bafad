// What makes, moves and removes names: rename, link, symlink, unlink, readlink, mkdir, rmdir, …
import { compare } from './run.js';
import { at, bufferAt, urlAt } from './world.js';
import * as wrong from './wrong.js';

const anyPath = [...wrong.paths, ...wrong.names];
const types = [undefined, null, 'file', 'dir', 'junction', 'x', 5, {}, true, Symbol('s')];
const making = [
  ...wrong.modes,
  { recursive: true },
  { recursive: false },
  { recursive: 1 },
  { recursive: null },
  { recursive: 'x' },
  { mode: 0o700 },
  { mode: '700' },
  { mode: 'x' },
  { mode: -1 },
  { mode: null },
  { mode: {} },
  { recursive: true, mode: 0o711 },
  { recursive: 1, mode: 'x' },
];

await compare(
  {
    method: 'rename',
    good: [at('file'), at('new')],
    each: [anyPath, anyPath],
    also: [
      [at('file'), at('other')],
      [at('file'), at('file')],
      [at('file'), at('dir')],
      [at('dir'), at('file')],
      [at('bare'), at('dir')],
      [at('dir'), at('bare')],
      [at('dir'), at('dir/sub/below')],
      [at('file'), at('link')],
      [at('link'), at('file')],
      [bufferAt('file'), urlAt('new')],
      [at('nowhere'), at('nowhere/new')],
    ],
  },
  {
    method: 'link',
    good: [at('file'), at('new')],
    each: [anyPath, anyPath],
    also: [
      [at('dir'), at('new')],
      [at('link'), at('new')],
      [at('dangling'), at('new')],
      [at('file'), at('other')],
      [bufferAt('file'), urlAt('new')],
    ],
  },
  {
    method: 'symlink',
    good: [at('file'), at('new')],
    callbacks: false,
    each: [anyPath, anyPath],
    also: [
      ['file', at('new')],
      ['../x', at('dir/new')],
      [bufferAt('file'), urlAt('new')],
    ],
  },
  {
    method: 'symlink',
    good: [at('file'), at('new'), 'file'],
    // Since node 24 it finds out that there is none when it would call it.
    callbacks: false,
    each: [undefined, undefined, types],
    also: [
      ['a\0b', 5, 'x'],
      [5, 'a\0b', 'x'],
    ],
  },
  { method: 'unlink', good: [at('file')], each: [anyPath] },
  { method: 'rmdir', good: [at('bare')], each: [anyPath] },
  {
    method: 'rmdir',
    good: [at('bare'), {}],
    each: [
      [at('dir'), at('file'), at('nowhere'), 5],
      [
        ...wrong.options,
        { recursive: false },
        { recursive: 1 },
        { recursive: null },
        { maxRetries: -1 },
        { maxRetries: 1 },
        { maxRetries: 'x' },
        { retryDelay: -1 },
        { retryDelay: 1.5 },
        { maxRetries: 'x', retryDelay: 'x', recursive: 'x' },
      ],
    ],
  },
  { method: 'mkdir', good: [at('new')], each: [anyPath] },
  {
    method: 'mkdir',
    good: [at('new'), 0o750],
    each: [['a\0b', 5], making],
    also: [
      [at('new/a/b'), { recursive: true }],
      [at('new/a/b/'), { recursive: true }],
      [at('new/./a/../b'), { recursive: true }],
      [at('dir/sub'), { recursive: true }],
      [at('dir/sub/'), { recursive: true }],
      [at('dir/sub/a/b'), { recursive: true, mode: 0o700 }],
      [at('file'), { recursive: true }],
      [at('file/a'), { recursive: true }],
      [at('file/a/b'), { recursive: true }],
      [at('dangling'), { recursive: true }],
      [at('dangling/a'), { recursive: true }],
      [at('dirlink/a/b'), { recursive: true }],
      [at('loop/a'), { recursive: true }],
      ['a/b/c', { recursive: true }],
      ['.', { recursive: true }],
      ['', { recursive: true }],
      ['/', { recursive: true }],
      ['a/' + 'x'.repeat(256), { recursive: true }],
      [bufferAt('new/a'), { recursive: true }],
      [urlAt('new/a'), { recursive: true }],
    ],
  },
  { method: 'readlink', good: [at('link')], each: [anyPath] },
  { method: 'readlink', good: [at('link'), 'utf8'], each: [[5, at('file')], wrong.options] },
  { method: 'realpath', good: [at('link')], each: [anyPath] },
  { method: 'realpath', good: [at('dirlink/inner'), 'utf8'], each: [[5, at('nowhere')], wrong.plainOptions] },
  {
    method: 'mkdtemp',
    good: [at('temp-')],
    each: [[...wrong.paths, 'temp-', bufferAt('temp-'), urlAt('temp-')]],
  },
  { method: 'mkdtemp', good: [at('nowhere/temp-')], each: [['file/temp-', 'loop/temp-']] },
  { method: 'mkdtemp', good: [at('temp-'), 'utf8'], each: [[5], wrong.plainOptions] },
  {
    method: 'truncate',
    good: [at('file'), 4],
    each: [anyPath, wrong.integers],
    also: [[at('file')], [at('file'), 20], [at('dir'), 0], [5, 'x'], ['a\0b', 'x']],
  },
);
