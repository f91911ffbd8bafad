/**
 * FileHandle.readableWebStream.
 *
 * @module
 */
import type {
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamDefaultController,
  UnderlyingByteSource,
  UnderlyingSource,
} from 'node:stream/web';
import { nodeMajor, nodeMinor } from '../core/node_version.js';
import { webStreams } from '../core/seldom.js';
import { validateBoolean, validateObject, validateString } from '../core/validate.js';
import type { FileHandle } from './file_handle.js';

const chunkBytes = 64 * 1024;

type Source = UnderlyingSource<Uint8Array> | UnderlyingByteSource;
type Controller = ReadableStreamDefaultController<Uint8Array> | ReadableByteStreamController;

/** How node's stream is, from 22.17 and 24.2 on: of bytes whatever `type` says, and able to close its handle. */
const isOfBytes = nodeMajor >= 24 ? nodeMajor > 24 || nodeMinor >= 2 : nodeMajor === 22 && nodeMinor >= 17;

export interface WebStreamOptions {
  /** 'bytes': a stream whose reader may bring its own memory. */
  type?: string | undefined;
  /** Whether the end of the stream closes the handle. Default false. Ignored where node does not know it: before 22.17 and 24.2. */
  autoClose?: boolean | undefined;
}

/**
 * What is left of the file. The stream holds the handle open until it ends or is cancelled, or the handle is closed.
 */
export function webStream(handle: FileHandle, options: WebStreamOptions): ReadableStream {
  if (isOfBytes) validateObject(options, 'options');
  const { type = isOfBytes ? 'bytes' : undefined, autoClose = false } = options;
  if (isOfBytes) validateBoolean(autoClose, 'options.autoClose');
  else if (type !== undefined) validateString(type, 'options.type');
  if (isOfBytes && type !== 'bytes') warnOfType();
  const reading = new Reading(handle, isOfBytes && autoClose);
  const source: Source = isOfBytes || type === 'bytes' ? byteSource(reading) : chunkSource(reading);
  const { ReadableStream } = webStreams();
  return new ReadableStream(source as UnderlyingSource<Uint8Array>);
}

/** In node's words. */
function warnOfType(): void {
  process.emitWarning(
    'A non-"bytes" options.type has no effect. A byte-oriented steam is always created.',
    'ExperimentalWarning',
  );
}

/** The stream's hold on the handle. */
class Reading {
  readonly #handle: FileHandle;
  readonly #autoClose: boolean;
  #controller: Controller | undefined;
  /** The kernel may write to the memory of whoever reads. */
  #inFlight = false;
  #ended = false;

  constructor(handle: FileHandle, autoClose: boolean) {
    this.#handle = handle;
    this.#autoClose = autoClose;
    handle.ref();
    handle.once('close', this.#close);
  }

  start = (controller: Controller): void => {
    this.#controller = controller;
  };

  /** `take` gets the number of bytes, unless that is the end, or the end has come meanwhile. */
  async read(buffer: Uint8Array, take: (bytes: number) => void): Promise<void> {
    let bytesRead = 0;
    this.#inFlight = true;
    try {
      ({ bytesRead } = await this.#handle.read(buffer));
    } catch (error) {
      if (!this.#ended) {
        this.#letGo();
        throw error;
      }
    } finally {
      this.#inFlight = false;
    }
    // No tick between this and `take`: the handle could be closed in it.
    if (this.#ended) this.#answerLast();
    else if (bytesRead > 0) take(bytesRead);
    else await this.#end();
  }

  /** Nobody reads any more. */
  cancel = async (): Promise<void> => {
    if (this.#ended) return;
    this.#letGo();
    if (this.#autoClose) await this.#handle.close();
  };

  async #end(): Promise<void> {
    this.#close();
    if (this.#autoClose) await this.#handle.close();
  }

  #letGo(): void {
    this.#ended = true;
    this.#handle.off('close', this.#close);
    this.#handle.unref();
  }

  #close = (): void => {
    this.#letGo();
    this.#controller!.close();
    // Else it is answered when the kernel has let go of its memory.
    if (!this.#inFlight) this.#answerLast();
  };

  /** Who has brought memory waits for that even if the stream is closed. */
  #answerLast(): void {
    const { byobRequest } = this.#controller as { byobRequest?: ByobRequest | null };
    byobRequest?.respond(0);
  }
}

interface ByobRequest {
  readonly view: Uint8Array;
  respond(bytes: number): void;
}

function chunkSource(reading: Reading): UnderlyingSource<Uint8Array> {
  return {
    start: reading.start,
    cancel: reading.cancel,
    async pull(controller) {
      const buffer = Buffer.allocUnsafeSlow(chunkBytes);
      await reading.read(buffer, (bytes) => controller.enqueue(new Uint8Array(buffer.buffer, 0, bytes)));
    },
  };
}

function byteSource(reading: Reading): UnderlyingByteSource {
  return {
    type: 'bytes',
    autoAllocateChunkSize: chunkBytes,
    start: reading.start,
    cancel: reading.cancel,
    async pull(controller) {
      const request = controller.byobRequest as unknown as ByobRequest;
      await reading.read(request.view, (bytes) => request.respond(bytes));
    },
  };
}
