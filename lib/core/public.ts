/**
 * What `ringcore/core` exports, by subject.
 *
 * @module
 */
export { backend, ring, type Backend } from './backend.js';
export { Ring, type RingOptions } from './ring.js';
export type { RingMessage } from './messages.js';
export type { RingProbe, RingStats } from './diagnostics.js';
export type { OperationMessage } from './channels.js';
export type { CompletionHandler, Waiter } from './completion.js';
export { Operation, type OperationDetails, type OperationOptions, type Prepare } from './operation.js';
export {
  MultishotOperation,
  type MultishotDetails,
  type MultishotOptions,
  type PrepareMultishot,
} from './multishot.js';
export { chain, type ChainOptions, type ChainValues } from './chain.js';
export { interval, sleep, type IntervalOptions, type SleepOptions } from './timers.js';
export { alignedBuffer } from './aligned_buffer.js';
export {
  BufferRing,
  RegisteredBuffer,
  type BufferRingOptions,
  type ProvidedBufferOptions,
} from './buffers.js';
export { DirectDescriptor, type Descriptor } from './direct.js';
export {
  decodeAddress,
  encodeAddress,
  localAddress,
  peerAddress,
  type EncodedAddress,
  type InternetAddress,
  type SocketAddress,
  type UnixAddress,
} from './address.js';
export { AbortError, ChainError, TimeoutError, type SystemError, type UnavailableError } from './errors.js';
export type { PathLike } from './validate.js';
export type { Statx } from './statx.js';
export * from './file_ops.js';
export * from './pipe_ops.js';
export * from './path_ops.js';
export * from './socket_ops.js';
export * from './control_ops.js';
export { probe, stats } from './thread_ring.js';
export * as constants from './constants.js';
