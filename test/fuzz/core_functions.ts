// What the operations of core take. test/fuzz/exports.test.ts sees that none is left out.
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as core from 'ringcore/core';
import { openFlags, openName, valid, type Draw, type Held, type Make } from './values.js';

const one =
  (...values: unknown[]): Make =>
  (draw) =>
    values[draw(values.length)];

const { constants } = core;

/** The addon's own system call: a socket at once. */
const addon = createRequire(import.meta.url)('../../Release/ringcore.node') as {
  socket(domain: number, type: number, protocol: number): number;
};

/** A file, or a socket that goes nowhere. */
const fd: Make = (draw, held) => {
  const isSocket = draw(3) === 0;
  const opened = isSocket
    ? addon.socket(constants.AF_INET, constants.SOCK_STREAM, 0)
    : openSync(openName, openFlags);
  held.later(() => closeSync(opened));
  return opened;
};
const view: Make = (draw) =>
  [Buffer.alloc(16), core.alignedBuffer(4096), new DataView(new ArrayBuffer(8))][draw(3)];
const registered: Make = (_draw, held) => {
  const buffer = new core.RegisteredBuffer(4096);
  held.later(() => buffer.unregister());
  return buffer;
};
const direct: Make = (draw) => new core.DirectDescriptor(draw(4));
const target: Make = () => core.timeout(1);
const word: Make = () => new Int32Array(new SharedArrayBuffer(8));
const internet: Make = one(
  { address: '127.0.0.1', port: 1 },
  { address: '::1', port: 1 },
  { path: 'missing' },
);

/** What options there are, and what each is; every operation has the common ones. */
const optionValues: Record<string, Make> = {
  signal: (draw, held) => {
    const controller = new AbortController();
    if (draw(3) === 0) controller.abort();
    held.later(() => controller.abort());
    return controller.signal;
  },
  timeout: one(1, 5),
  flags: one({ async: true }, { drain: true }, {}),
  offset: one(0, 1, 2n),
  length: one(0, 1, 8),
  position: one(0, 3, -1),
  mode: one(0, 0o600, '644'),
  oflags: one(0, 2, constants.O_CREAT | constants.O_RDWR),
  direct: one(true, false, 5),
  encoding: one('utf8', 'buffer'),
  bigint: one(true, false),
  index: one(0, 1),
  repeats: one(1, 2),
  ref: one(true, false),
  hard: one(true, false),
  address: internet,
  directory: one(true, false),
};

/** A few of them; */
export function optionsOf(draw: Draw, held: Held): Record<string, unknown> {
  const keys = Object.keys(optionValues);
  const options: Record<string, unknown> = {};
  for (let i = draw(3); i > 0; i--) {
    const key = keys[draw(keys.length)]!;
    options[key] = optionValues[key]!(draw, held);
  }
  return options;
}

const ms = one(0, 1, 5);
const number = one(0, 1, 7);
const bytes = one(1, 16, 4096);

/** Before the options, which come last. */
export const operations: Record<string, Make[]> = {
  accept: [fd],
  acceptMultishot: [fd],
  bind: [fd, internet],
  cancel: [one({ descriptor: 999_999 }, { operation: core.nop() }, {})],
  close: [fd],
  connect: [fd, internet],
  epollCtl: [fd, one(1, 2, 3), fd],
  fadvise: [fd, one(0, 1, 4)],
  fallocate: [fd],
  fdatasync: [fd],
  fixedFdInstall: [direct],
  fsync: [fd],
  ftruncate: [fd, number],
  futexWait: [word, number],
  futexWake: [word, number],
  getsockopt: [fd, one(1), one(2, 7)],
  getxattr: [valid.path, valid.attribute],
  interval: [ms],
  linkat: [valid.path, valid.path],
  listen: [fd, number],
  madvise: [view, one(0, 1, 3, 4)],
  mkdirat: [valid.path],
  msgRing: [() => core.ring(), one({ value: 1 }, { value: 2, result: 3 })],
  nop: [],
  openat: [valid.path],
  openat2: [valid.path],
  poll: [fd, one(1, 4)],
  pollMultishot: [fd, one(1, 4)],
  read: [fd, view],
  readFixed: [fd, registered],
  readMultishot: [fd],
  readv: [fd, valid.buffers],
  recv: [fd, view],
  recvMultishot: [fd],
  recvmsg: [fd, valid.buffers],
  renameat: [valid.path, valid.path],
  send: [fd, view],
  sendZc: [fd, view],
  sendmsg: [fd, valid.buffers],
  setsockopt: [fd, one(1), one(2, 7), number],
  setxattr: [valid.path, valid.attribute, valid.data],
  shutdown: [fd, one(0, 1, 2)],
  sleep: [ms],
  socket: [one(constants.AF_INET, constants.AF_UNIX), one(constants.SOCK_STREAM)],
  splice: [fd, fd, number],
  statx: [valid.path],
  symlinkat: [valid.path, valid.path],
  syncFileRange: [fd],
  tee: [fd, fd, number],
  timeout: [ms],
  timeoutMultishot: [ms],
  timeoutRemove: [target],
  timeoutUpdate: [target, ms],
  unlinkat: [valid.path],
  waitid: [one(0, 1), number, one(4)],
  write: [fd, view],
  writeFixed: [fd, registered],
  writev: [fd, valid.buffers],
  pipe: [],
  chain: [(draw) => Array.from({ length: draw(3) }, () => core.nop())],
};

/** Without options. */
export const helpers: Record<string, Make[]> = {
  alignedBuffer: [bytes, one(1, 512, 4096)],
  decodeAddress: [view],
  encodeAddress: [internet],
  linkTimeout: [() => core.nop(), ms],
  localAddress: [fd],
  peerAddress: [fd],
  probe: [],
  stats: [],
  ring: [],
};
