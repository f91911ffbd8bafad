/**
 * Copying bytes from one open file to another: reads and writes in turn, linked.
 *
 * @module
 */
import { IOSQE_ASYNC } from '../core/constants.js';
import { EAGAIN, ECANCELED, EINTR, EIO } from './errors.js';
import { performLinked, type PrepareLinked } from './linked.js';
import { Places } from './places.js';
import { perform, type Task } from './task.js';

/** What one read and one write of a chain move. */
const pieceBytes = 512 * 1024;
/** A kernel worker moves 4 MiB before it comes back. */
const piecesPerChain = 8;
/** Each that is at work has a buffer of one piece. */
const places = new Places(8);
const buffers: Uint8Array[] = [];
const keepBuffers = 2;

function isPassing(res: number): boolean {
  return res === EINTR || res === EAGAIN;
}

/** Writes the bytes of a buffer between `from` and `to`, all of them, to `position` in the file. 0, or -errno. */
export async function writeFully(
  output: number,
  buffer: Uint8Array,
  from: number,
  to: number,
  position: number,
  task?: Task,
): Promise<number> {
  while (from < to) {
    const [at, where] = [from, position];
    const res = await perform((native) => native.write(0, 0, output, buffer, at, to - at, where, 0), task);
    if (task?.stopped) return ECANCELED;
    // No file takes nothing.
    if (res === 0) return EIO;
    if (res < 0 && !isPassing(res)) return res;
    from += Math.max(0, res);
    position += Math.max(0, res);
  }
  return 0;
}

/** One copy at work. The buffer is for one piece: nothing in a chain overlaps. */
class RangeCopy {
  readonly #input: number;
  readonly #output: number;
  readonly #buffer: Uint8Array;
  readonly #task: Task | undefined;
  #position: number;
  #end: number;

  constructor(
    input: number,
    output: number,
    position: number,
    end: number,
    buffer: Uint8Array,
    task: Task | undefined,
  ) {
    this.#input = input;
    this.#output = output;
    this.#position = position;
    this.#end = end;
    this.#buffer = buffer;
    this.#task = task;
  }

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
      requests.push(
        // In a worker, which then goes through the whole chain: so much copying would hold up the event loop.
        (native, link) => native.read(link | IOSQE_ASYNC, 0, this.#input, this.#buffer, 0, length, from, 0),
        (native, link) => native.write(link, 0, this.#output, this.#buffer, 0, length, from, 0),
      );
    }
    const results = await performLinked(requests, this.#task);
    if (this.#task?.stopped) return ECANCELED;
    for (const [index, length] of lengths.entries()) {
      const [read, written] = [results[2 * index]!, results[2 * index + 1]!];
      const res = await this.#settlePiece(read, written);
      if (res < 0) return res;
      // Behind what was short nothing has been done, and the buffer is still this piece's.
      if (read < length || written < length) break;
    }
    return 0;
  }

  /** Brings one piece to its end, whatever was short. */
  async #settlePiece(read: number, written: number): Promise<number> {
    if (read < 0) return isPassing(read) ? 0 : read;
    if (read === 0) {
      // Somebody has made the input shorter: this is its end now.
      this.#end = this.#position;
      return 0;
    }
    // Behind a short read the write is cancelled.
    if (written < 0 && written !== ECANCELED && !isPassing(written)) return written;
    const done = Math.max(0, written);
    const rest = this.#position + done;
    const res = await writeFully(this.#output, this.#buffer, done, read, rest, this.#task);
    if (res === 0) this.#position += read;
    return res;
  }
}

/** Copies what is between `position` and `end`, or what is left of it. 0, or -errno. */
export function copyRange(
  input: number,
  output: number,
  position: number,
  end: number,
  task?: Task,
): Promise<number> {
  return places.hold(async () => {
    const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(pieceBytes);
    const res = await new RangeCopy(input, output, position, end, buffer, task).run();
    // Every chain has settled: the kernel has let go of it.
    if (buffers.length < keepBuffers) buffers.push(buffer);
    return res;
  });
}
