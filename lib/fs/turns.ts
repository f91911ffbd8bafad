/**
 * Requests at a file's own position, one at a time for each descriptor.
 *
 * read(2) and write(2) hold a lock for the time in which they use and move the position; io_uring's workers do not. Two
 * requests in flight could both begin at the same place, and one's bytes would be lost. A line of this thread's requests is
 * enough where nobody else can use the position; where somebody can, each is done by node (pooled.ts), and the line is for
 * their order (docs/decisions/0023).
 *
 * @module
 */
import { loadBinding } from '../core/binding.js';
import { atExit, exitHasBegun } from '../core/exiting.js';
import { fsConstants } from '../core/node_constants.js';
import { setImmediate } from '../core/unmocked.js';
import { describeFile } from './describe.js';
import { EINVAL } from './errors.js';
import { isPrivate } from './private_descriptors.js';

const SEEK_SET = 0;
const SEEK_CUR = 1;
const SEEK_END = 2;

/** A file's own position; -1 if it has none: pipes, sockets, terminals and other devices. */
function positionOf(fd: number): number {
  const native = loadBinding();
  const position = native.lseek(fd, 0, SEEK_CUR);
  // Devices whose lseek does nothing answer 0 to everything; a file refuses what is before its beginning.
  if (position === 0 && native.lseek(fd, -1, SEEK_SET) !== EINVAL) {
    // Memory goes up to 2^64 (/proc/PID/mem, /dev/mem): it did move.
    native.lseek(fd, 0, SEEK_SET);
    return -1;
  }
  return Math.max(position, -1);
}

/** In place of a position that others may use as well: what it is now says nothing. */
const sharedPosition = -2;

/** As {@link positionOf}, or `sharedPosition`. */
function placeOf(fd: number): number {
  if (isPrivate(fd)) return positionOf(fd);
  // Not by lseek: it waits for whoever has locked the position, be it another process, for as long as that takes.
  if (describeFile(fd).type === fsConstants.S_IFREG) return sharedPosition;
  return positionOf(fd) >= 0 ? sharedPosition : -1;
}

/** Whether `fd` is a file with a position that others may use as well. */
export function isShared(fd: number): boolean {
  return placeOf(fd) === sharedPosition;
}

/** Who takes a turn. */
export interface TurnUser {
  /** The turn has come. */
  begin(turn: Turn): void;
  /** The process ends: to end the turn that has begun, before this returns, or to leave it to node. */
  finish(): void;
}

/** Those who use the position of one open file, in the order in which they have come. */
class Line {
  readonly waiting = new Set<Turn>();
  busy = false;
  /** Whose turn it is, or was. */
  current: TurnUser | undefined;
  /** The descriptor is being closed, and may be another file's by now. */
  dissolved = false;
  #advancing = false;
  readonly #key: number;

  constructor(key: number) {
    this.#key = key;
  }

  /** A loop, since a turn may end at once: there may be thousands of them. */
  advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    try {
      for (const turn of this.waiting) {
        if (this.busy && !this.dissolved) break;
        this.waiting.delete(turn);
        turn.run();
      }
    } finally {
      this.#advancing = false;
    }
    if (!this.busy && lines.get(this.#key) === this) lines.delete(this.#key);
  }
}

/** By descriptor, and for files without a position by direction: a read that waits must not hold up a write. */
const lines = new Map<number, Line>();

function lineOf(fd: number, positioned: boolean, writes: boolean): Line {
  const key = fd * 3 + (positioned ? 0 : writes ? 1 : 2);
  let line = lines.get(key);
  if (line === undefined) lines.set(key, (line = new Line(key)));
  return line;
}

let expectsExit = false;

/**
 * libuv's threads do what they were given before the process ends. Here all but the first of each line is not with the kernel
 * yet: whoever begins a turn from then on ends it before it returns, and so the line moves on.
 */
function expectExit(): void {
  if (expectsExit) return;
  expectsExit = true;
  atExit(() => {
    for (const [key, line] of [...lines]) if (key % 3 !== 2 && line.busy) line.current?.finish();
  });
}

/** The right to use a file's own position, from `begin` until `end`. */
export class Turn {
  /** The file's position at the beginning of the turn; below 0 if it has none, or shares it. */
  start: number;
  #ended = false;
  readonly #fd: number;
  readonly #line: Line;
  readonly #user: TurnUser;

  /** Calls `begin` when those who came before have ended: at once, if there are none. */
  constructor(fd: number, writes: boolean, user: TurnUser) {
    expectExit();
    this.#fd = fd;
    this.#user = user;
    this.start = placeOf(fd);
    this.#line = lineOf(fd, this.positioned, writes);
    if (this.#line.busy) this.#line.waiting.add(this);
    else this.#begin();
  }

  /** @internal For the line. */
  run(): void {
    this.start = placeOf(this.#fd);
    this.#begin();
  }

  #begin(): void {
    this.#line.busy = true;
    this.#line.current = this.#user;
    this.#user.begin(this);
  }

  /** Whether the file has a position. */
  get positioned(): boolean {
    return this.start !== -1;
  }

  /** Whether others may use the position: who moves it must lock it. */
  get shared(): boolean {
    return this.start === sharedPosition;
  }

  /** Whether the descriptor is still the file's. */
  get valid(): boolean {
    return !this.#line.dissolved;
  }

  /** Gives a turn up that has not begun; false if it has. */
  withdraw(): boolean {
    return this.#line.waiting.delete(this);
  }

  /** Moves the file's position. */
  seek(position: number): void {
    if (this.valid) loadBinding().lseek(this.#fd, position, SEEK_SET);
  }

  /** Moves the file's position to its end. */
  seekEnd(): void {
    if (this.valid) loadBinding().lseek(this.#fd, 0, SEEK_END);
  }

  /** The next one may begin. Once more: nothing. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#line.busy = false;
    this.#line.advance();
  }
}

/** The descriptor is about to be closed: what waits goes to the kernel before that, as nothing can come behind it. */
export function endTurns(fd: number): void {
  if (lines.size === 0) return;
  for (let key = fd * 3; key < fd * 3 + 3; key++) {
    const line = lines.get(key);
    if (line === undefined) continue;
    lines.delete(key);
    line.dissolved = true;
    line.advance();
  }
}

/**
 * Calls back when the requests at a shared position have ended that came before: at once, if there are none. A thread of
 * node's looks the descriptor up late, and must find the file.
 */
export function behindTurns(fd: number, proceed: () => void): void {
  if (!lines.has(fd * 3) || isPrivate(fd)) return proceed();
  const begin = (turn: Turn): void => {
    // At the end of the process node's threads may not have come to all of them: if it goes on, after all, then later.
    if (exitHasBegun) setImmediate(proceed);
    else proceed();
    turn.end();
  };
  new Turn(fd, true, { begin, finish: () => {} });
}

/** Whether `fd` is a file with a position of its own. */
export function hasPosition(fd: number): boolean {
  return positionOf(fd) >= 0;
}

/** Whether what is written goes to the end of the file, wherever that is. */
export function opensForAppending(fd: number): boolean {
  const flags = loadBinding().openFlags(fd);
  return flags >= 0 && (flags & fsConstants.O_APPEND) !== 0;
}
