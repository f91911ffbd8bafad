/**
 * Closing descriptors.
 *
 * @module
 */
import { systemError } from '../core/errors.js';
import { EINTR } from './errors.js';
import { Request, type Settle } from './request.js';
import { expose } from './private_descriptors.js';
import { behindTurns, endTurns } from './turns.js';

/** Linux has closed it when it is interrupted: never again, the number may be another file's by then. */
class CloseRequest extends Request {
  override complete(res: number): void {
    super.complete(closeResult(res));
  }
}

/** What a close has come to: an interruption is no failure of it. */
export function closeResult(res: number): number {
  return res === EINTR ? 0 : res;
}

/** Closes a descriptor: 0, or -errno; the number is free then in any case. */
export function startClose(fd: number, settle: Settle, runsUserCode = false): void {
  behindTurns(fd, () => {
    endTurns(fd);
    expose(fd);
    new CloseRequest((native) => native.close(0, 0, fd), settle, runsUserCode).submit();
  });
}

/** As a promise, which rejects with the error that node's close gives. */
export function closeDescriptor(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    startClose(fd, (res) => (res < 0 ? reject(systemError(res, 'close')) : resolve()));
  });
}

/** When something else has failed already. */
export function closeQuietly(fd: number): Promise<void> {
  return new Promise((resolve) => startClose(fd, () => resolve()));
}

const ignore = (): void => {};

/** Closes a descriptor of which nobody knows. */
export function closeUnseen(fd: number): void {
  startClose(fd, ignore);
}
