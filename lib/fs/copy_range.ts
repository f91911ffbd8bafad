/**
 * Copying bytes from one open file to another: splices into a pipe and out of it, linked. The bytes are copied once,
 * from page cache to page cache, by one kernel worker, and none of them comes into this process.
 *
 * @module
 */
import { ring } from '../core/backend.js';
import { loadBinding } from '../core/binding.js';
import { EAGAIN, ECANCELED, EINTR, EINVAL } from './errors.js';
import { performLinked, type PrepareLinked } from './linked.js';
import { Places } from './places.js';
import { perform, type Task } from './task.js';

/** What goes through the pipe at once; as much as the kernel lets everybody have (fs.pipe-max-size). */
const pieceBytes = 1024 * 1024;
const piecesPerChain = 4;
const SPLICE_F_MOVE = 1;

/** A pipe's ends: the one to read from, and the one to write to. */
type Pipe = [number, number];

/** Each copy at work has a pipe. */
const places = new Places(8);

function openPipe(): Pipe | undefined {
  const pipe = loadBinding().pipe(pieceBytes);
  if (typeof pipe === 'number') return undefined;
  // Closed when this thread is terminated.
  for (const end of pipe) ring().native.own(end);
  return pipe;
}

/** Nothing is in flight on it. */
function closePipe(pipe: Pipe): void {
  for (const end of pipe) {
    if (ring().native.closeNow(end) === undefined) loadBinding().closeDescriptor(end);
  }
}

function isPassing(res: number): boolean {
  return res === EINTR || res === EAGAIN;
}

/** One copy at work. */
class RangeCopy {
  readonly #input: number;
  readonly #output: number;
  readonly #pipe: Pipe;
  readonly #task: Task | undefined;
  #position: number;
  #end: number;

  constructor(
    input: number,
    output: number,
    position: number,
    end: number,
    pipe: Pipe,
    task: Task | undefined,
  ) {
    this.#input = input;
    this.#output = output;
    this.#position = position;
    this.#end = end;
    this.#pipe = pipe;
    this.#task = task;
  }

  /** 0, or -errno: then something may be left in the pipe. */
  async run(): Promise<number> {
    while (this.#position < this.#end) {
      const res = await this.#chain();
      if (res < 0) return res;
    }
    return 0;
  }

  async #chain(): Promise<number> {
    const lengths: number[] = [];
    const requests: PrepareLinked[] = [];
    for (let at = this.#position; at < this.#end && lengths.length < piecesPerChain; at += pieceBytes) {
      const [from, length] = [at, Math.min(pieceBytes, this.#end - at)];
      lengths.push(length);
      requests.push(this.#fill(from, length), this.#drain(from, length));
    }
    const results = await performLinked(requests, this.#task);
    for (const [index, length] of lengths.entries()) {
      if (this.#task?.stopped) return ECANCELED;
      const [filled, drained] = [results[2 * index]!, results[2 * index + 1]!];
      const res = await this.#settlePiece(filled, drained);
      if (res < 0) return res;
      // Behind what was short nothing has been done.
      if (filled < length || drained < length) break;
    }
    return 0;
  }

  #fill(from: number, length: number): PrepareLinked {
    return (native, link) =>
      native.splice(link, 0, this.#input, from, this.#pipe[1], -1, length, SPLICE_F_MOVE);
  }

  #drain(to: number, length: number): PrepareLinked {
    return (native, link) =>
      native.splice(link, 0, this.#pipe[0], -1, this.#output, to, length, SPLICE_F_MOVE);
  }

  /** Brings one piece to its end, whatever was short. */
  async #settlePiece(filled: number, drained: number): Promise<number> {
    if (filled < 0) return isPassing(filled) ? 0 : filled;
    // Somebody has made the input shorter: this is its end now.
    if (filled === 0) this.#end = this.#position;
    const end = this.#position + filled;
    // What came in short, its way out was cancelled.
    if (drained === ECANCELED) drained = 0;
    for (;;) {
      if (drained < 0 && !isPassing(drained)) return drained;
      this.#position += Math.max(0, drained);
      if (this.#position === end) return 0;
      const drain = this.#drain(this.#position, end - this.#position);
      drained = await perform((native) => drain(native, 0), this.#task);
      if (this.#task?.stopped) return ECANCELED;
    }
  }
}

/**
 * Copies what is between `position` and `end`, or what is left of it. 0, or -errno; EINVAL if there is no pipe to be
 * had, or these files can't be spliced.
 */
export function copyRange(
  input: number,
  output: number,
  position: number,
  end: number,
  task?: Task,
): Promise<number> {
  return places.hold(async () => {
    const pipe = openPipe();
    if (pipe === undefined) return EINVAL;
    try {
      return await new RangeCopy(input, output, position, end, pipe, task).run();
    } finally {
      closePipe(pipe);
    }
  });
}
