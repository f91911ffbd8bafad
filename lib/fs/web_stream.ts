/**
 * FileHandle.readableWebStream.
 *
 * @module
 */
import { ReadableStream } from 'node:stream/web';
import { validateString } from '../core/validate.js';
import type { FileHandle } from './file_handle.js';

const chunkBytes = 64 * 1024;

/** What is left of the file. The stream holds the handle open until it ends or is cancelled. */
export function webStream(handle: FileHandle, options: { type?: string | undefined }): ReadableStream {
  const { type } = options;
  if (type !== undefined) validateString(type, 'options.type');
  let held = true;
  const release = (): void => {
    if (held) handle.unref();
    held = false;
  };
  const stream = type === 'bytes' ? byteStream(handle, release) : chunkStream(handle, release);
  handle.ref();
  handle.once('close', () => {
    if (!stream.locked) void stream.cancel();
    release();
  });
  return stream;
}

function chunkStream(handle: FileHandle, release: () => void): ReadableStream {
  return new ReadableStream({
    async pull(controller) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(chunkBytes));
      if (bytesRead > 0) return controller.enqueue(new Uint8Array(buffer.buffer, 0, bytesRead));
      controller.close();
      release();
    },
    cancel: release,
  });
}

function byteStream(handle: FileHandle, release: () => void): ReadableStream {
  return new ReadableStream({
    type: 'bytes',
    autoAllocateChunkSize: chunkBytes,
    async pull(controller) {
      const request = controller.byobRequest as unknown as { view: Uint8Array; respond(bytes: number): void };
      const { bytesRead } = await handle.read(request.view);
      if (bytesRead === 0) {
        controller.close();
        release();
      }
      request.respond(bytesRead);
    },
    cancel: release,
  });
}
