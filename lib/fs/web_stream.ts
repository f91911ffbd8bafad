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
import { webStreams } from '../core/seldom.js';
import { validateString } from '../core/validate.js';
import type { FileHandle } from './file_handle.js';

const chunkBytes = 64 * 1024;

type Source = UnderlyingSource<Uint8Array> | UnderlyingByteSource;
type Controller = ReadableStreamDefaultController<Uint8Array> | ReadableByteStreamController;

/** What is left of the file. The stream holds the handle open until it ends or is cancelled, or the handle is closed. */
export function webStream(handle: FileHandle, options: { type?: string | undefined }): ReadableStream {
  const { type } = options;
  if (type !== undefined) validateString(type, 'options.type');
  const reading = new Reading(handle);
  const source: Source = type === 'bytes' ? byteSource(reading) : chunkSource(reading);
  const { ReadableStream } = webStreams();
  return new ReadableStream(source as UnderlyingSource<Uint8Array>);
}

/** The stream's hold on the handle. */
class Reading {
  readonly #handle: FileHandle;
  #controller: Controller | undefined;
  #ended = false;

  constructor(handle: FileHandle) {
    this.#handle = handle;
    handle.ref();
    handle.once('close', this.#close);
  }

  start = (controller: Controller): void => {
    this.#controller = controller;
  };

  /** The number of bytes; 0 at the end, also one that has come meanwhile. */
  async read(buffer: Uint8Array): Promise<number> {
    if (this.#ended) return 0;
    let bytesRead: number;
    try {
      ({ bytesRead } = await this.#handle.read(buffer));
    } catch (error) {
      this.cancel();
      throw error;
    }
    if (this.#ended) return 0;
    if (bytesRead === 0) this.#close();
    return bytesRead;
  }

  /** Nobody reads any more. */
  cancel = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    this.#handle.off('close', this.#close);
    this.#handle.unref();
  };

  #close = (): void => {
    this.cancel();
    this.#controller!.close();
  };
}

function chunkSource(reading: Reading): UnderlyingSource<Uint8Array> {
  return {
    start: reading.start,
    cancel: reading.cancel,
    async pull(controller) {
      const buffer = Buffer.allocUnsafeSlow(chunkBytes);
      const bytes = await reading.read(buffer);
      if (bytes > 0) controller.enqueue(new Uint8Array(buffer.buffer, 0, bytes));
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
      const request = controller.byobRequest as unknown as { view: Uint8Array; respond(bytes: number): void };
      request.respond(await reading.read(request.view));
    },
  };
}
