/**
 * The file of a trace: a JSON array of events, one a line, as ui.perfetto.dev and Chrome read it. It is readable at every
 * moment, since both do without the closing bracket.
 *
 * @module
 */
import { fsConstants } from './node_constants.js';
import { openSync, writeFileSync } from './node_files.js';
import { workerThreads } from './seldom.js';

const { O_CREAT, O_NONBLOCK, O_TRUNC, O_WRONLY } = fsConstants;

/** Text is gathered up to so many characters, or for so long. */
const chunkCharacters = 64 * 1024;
const flushMs = 100;

/** Something that has events to tell whenever it is asked. */
export interface TraceSource {
  /** Adds what has happened since it was last asked. */
  drain(): void;
  /** The process ends: the last words. */
  end(): void;
}

/**
 * The file that RINGCORE_TRACE names is that of the first process's main thread. Whoever inherits the variable has its own:
 * FILE.PID for another process, FILE.THREAD and FILE.PID.THREAD for a worker.
 */
function ownPath(path: string): string {
  const first = (process.env.RINGCORE_TRACE_PID ??= String(process.pid));
  const { isMainThread, threadId } = workerThreads();
  const process_ = first === String(process.pid) ? '' : `.${process.pid}`;
  return path + process_ + (isMainThread ? '' : `.${threadId}`);
}

export class TraceFile {
  readonly sources: TraceSource[] = [];
  readonly #fd: number;
  #text = '';
  #separator = '[\n';
  #failed = false;
  #ending = false;

  constructor(path: string) {
    // A FIFO that nobody reads is refused, not waited for.
    this.#fd = openSync(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0o666);
    // What a process that is killed had to tell is lost from here on only.
    setInterval(() => this.#flush(), flushMs).unref();
    process.on('exit', () => this.#end());
  }

  /** `event`: a JSON object. */
  add(event: string): void {
    this.#text += this.#separator + event;
    this.#separator = ',\n';
    if (this.#text.length >= chunkCharacters) this.#write();
  }

  #flush(): void {
    for (const source of this.sources) source.drain();
    this.#write();
  }

  #end(): void {
    this.#ending = true;
    for (const source of this.sources) source.end();
    this.#text += this.#separator === '[\n' ? '[]\n' : '\n]\n';
    this.#write();
  }

  /** A full disk ends the trace, not the program. */
  #write(): void {
    const events = this.#text;
    this.#text = '';
    if (events === '' || this.#failed) return;
    try {
      writeFileSync(this.#fd, events);
    } catch (error) {
      this.#failed = true;
      const text = `ringcore's trace ends here: ${(error as Error).message}`;
      // A warning comes a tick later, and there is none behind the end.
      if (this.#ending) writeFileSync(2, `${text}\n`);
      else process.emitWarning(text);
    }
  }
}

/** This thread's file; null where there is to be none. */
let file: TraceFile | null | undefined;

/** The file that this thread's rings are traced to, made when the first of them is opened; null without RINGCORE_TRACE. */
export function traceFile(): TraceFile | null {
  if (file !== undefined) return file;
  file = null;
  const path = process.env.RINGCORE_TRACE;
  if (path === undefined || path === '') return file;
  try {
    file = new TraceFile(ownPath(path));
  } catch (error) {
    process.emitWarning(`ringcore writes no trace: ${(error as Error).message}`);
  }
  return file;
}
