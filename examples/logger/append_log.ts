// A log file: lines that wait for the write before them go out together, as one WRITEV.
import type { FileHandle } from 'node:fs/promises';
import { backend, core, open } from 'ringcore';

/** The kernel takes no more buffers (IOV_MAX). */
const batchLines = 1024;
/** So much may wait before whoever logs should wait too. */
const backlog = { lines: 16 * 1024, bytes: 2 ** 20 };

export class AppendLog {
  readonly #file: FileHandle;
  #lines: Buffer[] = [];
  #bytes = 0;
  #writer: Promise<void> | undefined;
  #failed = false;
  /** How many lines were written, by how many requests. */
  written = { lines: 0, requests: 0 };

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<AppendLog> {
    // O_APPEND: each write goes to the end that the file has at that moment, whoever else writes to it.
    return new AppendLog(await open(path, 'a'));
  }

  /** `line` ends with a newline. Returns at once. False: wait for `flush()`; so much waits, or a write has failed. */
  log(line: Buffer): boolean {
    this.#lines.push(line);
    this.#bytes += line.length;
    if (this.#writer === undefined) {
      this.#writer = this.#write();
      // A failure is for flush() to tell; the writer stays as it is, and nothing more is written.
      this.#writer.catch(() => (this.#failed = true));
    }
    return !this.#failed && this.#lines.length < backlog.lines && this.#bytes < backlog.bytes;
  }

  /** Resolves when all that was logged has been written; rejects if some of it could not be. */
  async flush(): Promise<void> {
    await this.#writer;
  }

  /** Also to the device, with `sync`. */
  async close(sync = false): Promise<void> {
    try {
      await this.flush();
      if (sync) await this.#file.datasync();
    } finally {
      await this.#file.close();
    }
  }

  async #write(): Promise<void> {
    // What else is logged in this turn belongs to the first batch.
    await Promise.resolve();
    while (this.#lines.length > 0) {
      const lines = this.#lines;
      this.#lines = [];
      this.#bytes = 0;
      for (let at = 0; at < lines.length; at += batchLines)
        await this.#append(lines.slice(at, at + batchLines));
    }
    this.#writer = undefined;
  }

  /** Whole lines in one request, one request after the other: that keeps their order, and each line in one piece. */
  async #append(lines: Buffer[]): Promise<void> {
    for (let rest = lines; rest.length > 0;) {
      rest = behind(rest, await this.#writev(rest));
      this.written.requests++;
    }
    this.written.lines += lines.length;
  }

  /**
   * O_APPEND keeps together what one write call writes. The kernel's first attempt is one that must not wait; on some
   * file systems it may end in the middle, and a second call, behind someone else's line, would write the rest. `async`
   * leaves that attempt out.
   */
  async #writev(lines: Buffer[]): Promise<number> {
    if (backend.name === 'io_uring') return core.writev(this.#file.fd, lines, { flags: { async: true } });
    return (await this.#file.writev(lines)).bytesWritten;
  }
}

/** What is left of `buffers` when the first `bytes` of them have been written: a write may be short. */
function behind(buffers: Buffer[], bytes: number): Buffer[] {
  let index = 0;
  while (index < buffers.length && bytes >= buffers[index]!.length) bytes -= buffers[index++]!.length;
  const rest = buffers.slice(index);
  if (bytes > 0) rest[0] = rest[0]!.subarray(bytes);
  return rest;
}
