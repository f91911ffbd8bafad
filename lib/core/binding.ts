/**
 * The native addon, as TypeScript sees it. This is the only file that loads it.
 *
 * Everything here is the thin side of `native/binding`: numbers and views in, a slot number out. Whoever calls these
 * methods has validated the arguments; the native side asserts them and copies what is small (paths, addresses,
 * iovecs, timespecs). What the kernel reads or writes itself (buffers, `out` views) must stay reachable from
 * JavaScript until the operation's terminal completion; `Ring.handlers[slot]` is what keeps it so.
 *
 * @module
 */
import { findAddon } from './addon_file.js';

/** A path as the kernel takes it: bytes without a terminating zero. */
export type NativePath = string | Uint8Array;

/**
 * Stands beside the SQE flags of an operation (`f` below): the descriptor that comes of it is closed when the environment
 * ends, even if that happens before its completion is handled. See {@link NativeRing.own}.
 */
export const OWNED = 1 << 8;

/** What {@link Binding.openRing} needs; `ring.ts` fills in the defaults. */
export interface NativeRingOptions {
  entries: number;
  cqEntries: number;
  operations: number;
  sqpollIdleMs: number;
  iopoll: number;
  spinMicroseconds: number;
  /** 0: sleep in libuv's epoll; 1: sleep in io_uring_enter from a uv_prepare. */
  wait: 0 | 1;
  boundedWorkers: number;
  unboundedWorkers: number;
  directDescriptors: number;
  registeredBuffers: number;
}

/** One ring, bound to the event loop of the thread that opened it. */
export interface NativeRing {
  readonly fd: number;
  readonly features: number;
  readonly setupFlags: number;
  readonly sqEntries: number;
  readonly cqEntries: number;
  /** As asked for, but no more than RLIMIT_NOFILE. */
  readonly directDescriptors: number;

  // Operations. Each returns its slot, or -1 when the operation table is full.
  // f: IOSQE_* bits. t: timeout in milliseconds, 0 for none (an IORING_OP_LINK_TIMEOUT behind the operation).
  nop(f: number, t: number): number;
  read(
    f: number,
    t: number,
    fd: number,
    view: Uint8Array,
    byteOffset: number,
    byteLength: number,
    position: number | bigint,
    rwFlags: number,
  ): number;
  write(
    f: number,
    t: number,
    fd: number,
    view: Uint8Array,
    byteOffset: number,
    byteLength: number,
    position: number | bigint,
    rwFlags: number,
  ): number;
  readFixed(
    f: number,
    t: number,
    fd: number,
    bufferIndex: number,
    byteOffset: number,
    byteLength: number,
    position: number | bigint,
    rwFlags: number,
  ): number;
  writeFixed(
    f: number,
    t: number,
    fd: number,
    bufferIndex: number,
    byteOffset: number,
    byteLength: number,
    position: number | bigint,
    rwFlags: number,
  ): number;
  readv(
    f: number,
    t: number,
    fd: number,
    views: Uint8Array[],
    position: number | bigint,
    rwFlags: number,
  ): number;
  writev(
    f: number,
    t: number,
    fd: number,
    views: Uint8Array[],
    position: number | bigint,
    rwFlags: number,
  ): number;
  readMultishot(f: number, t: number, fd: number, bufferGroup: number, position: number | bigint): number;
  openat(
    f: number,
    t: number,
    dirfd: number,
    path: NativePath,
    oflags: number,
    mode: number,
    fileIndex: number,
  ): number;
  openat2(
    f: number,
    t: number,
    dirfd: number,
    path: NativePath,
    oflags: number,
    mode: number,
    resolve: number,
    fileIndex: number,
  ): number;
  close(f: number, t: number, fd: number): number;
  closeDirect(f: number, t: number, fileIndex: number): number;
  statx(
    f: number,
    t: number,
    dirfd: number,
    path: NativePath,
    statxFlags: number,
    mask: number,
    out: Uint8Array,
  ): number;
  fsync(f: number, t: number, fd: number, fsyncFlags: number): number;
  syncFileRange(
    f: number,
    t: number,
    fd: number,
    offset: number | bigint,
    bytes: number | bigint,
    flags: number,
  ): number;
  fallocate(
    f: number,
    t: number,
    fd: number,
    mode: number,
    offset: number | bigint,
    bytes: number | bigint,
  ): number;
  ftruncate(f: number, t: number, fd: number, bytes: number | bigint): number;
  fadvise(
    f: number,
    t: number,
    fd: number,
    offset: number | bigint,
    bytes: number | bigint,
    advice: number,
  ): number;
  madvise(
    f: number,
    t: number,
    view: Uint8Array,
    byteOffset: number,
    byteLength: number,
    advice: number,
  ): number;
  renameat(
    f: number,
    t: number,
    olddirfd: number,
    oldpath: NativePath,
    newdirfd: number,
    newpath: NativePath,
    flags: number,
  ): number;
  unlinkat(f: number, t: number, dirfd: number, path: NativePath, flags: number): number;
  mkdirat(f: number, t: number, dirfd: number, path: NativePath, mode: number): number;
  symlinkat(f: number, t: number, target: NativePath, dirfd: number, path: NativePath): number;
  linkat(
    f: number,
    t: number,
    olddirfd: number,
    oldpath: NativePath,
    newdirfd: number,
    newpath: NativePath,
    flags: number,
  ): number;
  getxattr(
    f: number,
    t: number,
    path: NativePath,
    name: string,
    view: Uint8Array,
    byteOffset: number,
    byteLength: number,
  ): number;
  fgetxattr(
    f: number,
    t: number,
    fd: number,
    name: string,
    view: Uint8Array,
    byteOffset: number,
    byteLength: number,
  ): number;
  setxattr(
    f: number,
    t: number,
    path: NativePath,
    name: string,
    view: Uint8Array,
    byteOffset: number,
    byteLength: number,
    flags: number,
  ): number;
  fsetxattr(
    f: number,
    t: number,
    fd: number,
    name: string,
    view: Uint8Array,
    byteOffset: number,
    byteLength: number,
    flags: number,
  ): number;
  splice(
    f: number,
    t: number,
    fdIn: number,
    offIn: number | bigint,
    fdOut: number,
    offOut: number | bigint,
    bytes: number,
    spliceFlags: number,
  ): number;
  tee(f: number, t: number, fdIn: number, fdOut: number, bytes: number, flags: number): number;
  pipe(f: number, t: number, out: Int32Array, flags: number, fileIndex: number): number;
  socket(f: number, t: number, domain: number, type: number, protocol: number, fileIndex: number): number;
  bind(f: number, t: number, fd: number, sockaddr: Uint8Array): number;
  listen(f: number, t: number, fd: number, backlog: number): number;
  accept(f: number, t: number, fd: number, acceptFlags: number, fileIndex: number): number;
  acceptMultishot(f: number, t: number, fd: number, acceptFlags: number, direct: boolean): number;
  connect(f: number, t: number, fd: number, sockaddr: Uint8Array): number;
  /** `copied`: the bytes may be changed when this has returned. */
  send(
    f: number,
    t: number,
    fd: number,
    view: Uint8Array,
    byteOffset: number,
    byteLength: number,
    msgFlags: number,
    copied: boolean,
  ): number;
  sendZc(
    f: number,
    t: number,
    fd: number,
    view: Uint8Array,
    byteOffset: number,
    byteLength: number,
    msgFlags: number,
  ): number;
  sendmsg(
    f: number,
    t: number,
    fd: number,
    views: Uint8Array[],
    sockaddr: Uint8Array | null,
    msgFlags: number,
  ): number;
  recv(
    f: number,
    t: number,
    fd: number,
    view: Uint8Array,
    byteOffset: number,
    byteLength: number,
    msgFlags: number,
  ): number;
  /** The completion's aux is `msg_namelen | msg_flags << 16`. */
  recvmsg(
    f: number,
    t: number,
    fd: number,
    views: Uint8Array[],
    addressOut: Uint8Array | null,
    msgFlags: number,
  ): number;
  /** Ends when `mostBytes` have come, or a buffer more, since 6.17; 0: no limit. */
  recvMultishot(
    f: number,
    t: number,
    fd: number,
    bufferGroup: number,
    msgFlags: number,
    mostBytes: number,
  ): number;
  shutdown(f: number, t: number, fd: number, how: number): number;
  getsockopt(f: number, t: number, fd: number, level: number, name: number, out: Uint8Array): number;
  setsockopt(f: number, t: number, fd: number, level: number, name: number, value: Uint8Array): number;
  poll(f: number, t: number, fd: number, mask: number): number;
  pollMultishot(f: number, t: number, fd: number, mask: number): number;
  timeout(f: number, t: number, ms: number, count: number, timeoutFlags: number): number;
  timeoutMultishot(f: number, t: number, ms: number, repeats: number): number;
  timeoutUpdate(f: number, t: number, targetSlot: number, ms: number, flags: number): number;
  timeoutRemove(f: number, t: number, targetSlot: number): number;
  cancelOperation(f: number, t: number, targetSlot: number): number;
  /** direct: fd is an index of the ring's own table. */
  cancelDescriptor(f: number, t: number, fd: number, all: boolean, direct: boolean): number;
  cancelAll(f: number, t: number): number;
  msgRing(f: number, t: number, targetRingFd: number, value: number, result: number): number;
  waitid(f: number, t: number, idtype: number, id: number, out: Uint8Array, options: number): number;
  futexWait(f: number, t: number, word: Int32Array, index: number, expected: number): number;
  futexWake(f: number, t: number, word: Int32Array, index: number, count: number): number;
  epollCtl(f: number, t: number, epfd: number, op: number, fd: number, events: number, data: number): number;
  fixedFdInstall(f: number, t: number, fileIndex: number): number;
  /** A whole file by a native state machine: open, fstat, `allocate`, reads, close; one terminal completion. */
  readFile(f: number, t: number, path: NativePath, oflags: number): number;

  // Without the ring and without waiting. The result; or -EAGAIN, when only waiting gives one or this turn of the event
  // loop has had its share: then the ring is to be asked.
  /** `out` is a struct statx. */
  statAtOnce(path: NativePath, follow: boolean, out: Uint8Array): number;
  fstatAtOnce(fd: number, out: Uint8Array): number;
  /**
   * All that was asked for, or up to the end of the file. Position -1: the file's own, of regular files only. `buffered`:
   * it is known not to be open for O_DIRECT, which spares a system call.
   */
  readAtOnce(
    fd: number,
    view: Uint8Array,
    offset: number,
    length: number,
    position: number | bigint,
    buffered: boolean,
  ): number;
  /**
   * Opens, writes all of it, closes; only on file systems that stay in memory, and with O_TRUNC. When it isn't -EAGAIN,
   * the file has been opened, and an error is that of the write.
   */
  writeFileAtOnce(path: NativePath, oflags: number, mode: number, view: Uint8Array): number;
  /**
   * Copies a small file that is in memory to a name that is free, on a file system that stays in memory: the source's
   * mode. When it's another error than -EAGAIN, the write has failed, and nothing is left of the copy.
   */
  copyFileAtOnce(source: NativePath, dest: NativePath): number;
  /** Has the batch function called with 0, if no completion does it before, when the loop is about to sleep. */
  expectAnswers(): void;
  /** Whether -EAGAIN would not be for want of time in this turn. */
  mayAnswer(): boolean;

  // Control.
  /**
   * 0: the next `count` operations go to the kernel in one piece. -1: the operation table is full. -2: longer than
   * the submission queue.
   */
  beginChain(count: number): 0 | -1 | -2;
  /** Asks the kernel to cancel; the slot stays busy until its terminal completion. */
  cancel(slot: number): void;
  /**
   * The same, and submits everything now: an operation that was waiting has let go of its file when this returns. False
   * if not all could be submitted.
   */
  cancelNow(slot: number): boolean;
  /**
   * Submits everything now. The result of an operation of one completion if it has ended by then, handled or not.
   */
  resultNow(slot: number): number | undefined;
  /** For the end of the process: from now on all that is in memory is answered at once. */
  beginLastTurn(): void;
  /**
   * For the end of the process: submits everything, and waits for this operation. Its result, which is not handled yet;
   * undefined when the time that the end may take is over.
   */
  resultAtExit(slot: number): number | undefined;
  /** For the end of the process: waits for the operations on files; their completions are not handled yet. */
  finishFiles(): void;
  /**
   * For the end of the process: waits for the operations on files, and gives their slots back; their completions are not
   * delivered. False if that has made no room.
   */
  makeRoomAtExit(): boolean;
  setRef(slot: number, referenced: boolean): void;
  /**
   * The descriptor is closed when the environment ends (a worker is terminated), unless a `close` of this ring has done it
   * before. Who closes it in another way disowns it. What an operation makes is owned from the start with {@link OWNED}
   * among its flags.
   */
  own(fd: number): void;
  disown(fd: number): void;
  /**
   * socket(2), fcntl(F_DUPFD_CLOEXEC), accept4(2) with `own`, and `disown` with close(2), each in one call, since a thread
   * can be terminated between two. Undefined where the ring is closed.
   */
  openSocket(domain: number, type: number, protocol: number): number | undefined;
  duplicate(fd: number): number | undefined;
  /** -EAGAIN where no connection is there: the listening socket becomes one that does not wait (O_NONBLOCK). */
  acceptNow(fd: number): number | undefined;
  closeNow(fd: number): number | undefined;
  /** Undefined where the ring is closed. */
  owns(fd: number): boolean | undefined;
  submit(): void;
  eagerSubmit(): void;
  readStats(out: Float64Array): void;
  readonly statFields: string[];
  readonly operationNames: string[];
  countsByKind(out: Float64Array): void;
  /**
   * From now on, what the ring does is written to `records` (native/executor/trace.h); the last two words count the records
   * and those that were lost. `full` is called when there is no room left: it takes them away and sets the first count to 0.
   */
  startTrace(records: Uint32Array, full: () => void): void;
  /** Writes what has begun and not ended, as if it ended now, and no more from now on. */
  finishTrace(): void;
  /** The operation in a slot that is in use, its descriptor or -1; its path until it has ended. */
  describeOperation(slot: number): [kind: string, generation: number, fd: number, path?: string];
  probe(): { opcodes: boolean[]; lastOpcode: number };
  /** The group id, or -errno. */
  createBufferRing(entries: number, incremental: boolean): number;
  provideBuffer(group: number, bufferId: number, view: Uint8Array): void;
  /** How many buffers of the group the kernel does not have. */
  buffersOut(group: number): number;
  destroyBufferRing(group: number): number;
  /**
   * null: no view is registered there any more, for operations to come; those in flight keep theirs, and until they have
   * ended another view gets -EBUSY.
   */
  updateBuffer(index: number, view: Uint8Array | null): number;
  /** Cancels everything, waits for the terminal completions and dispatches them, unmaps. Then operations throw. */
  closeRing(): void;
}

/** The addon's exports. */
export interface Binding {
  /**
   * Opens a ring on this thread's event loop. `batch` has four integers for each completion of a batch (slot, result,
   * flags, aux) and one more, the cursor: how many of them JavaScript has begun to handle. The native side sets it to 0,
   * `dispatch` advances it; a dispatch that threw is called again, and goes on from there.
   */
  openRing(
    options: NativeRingOptions,
    batch: Int32Array,
    dispatch: (count: number) => void,
    allocate: (slot: number, bytes: number) => Uint8Array | undefined,
  ): NativeRing;
  /** A raw sockaddr, or -errno (-EINVAL where the host is no address literal). */
  encodeAddress(family: number, hostOrPath: string | Uint8Array, port: number): Uint8Array | number;
  decodeAddress(
    bytes: Uint8Array,
  ): { family: 'IPv4' | 'IPv6'; address: string; port: number } | { path: string } | undefined;
  getsockname(fd: number): Uint8Array | number;
  getpeername(fd: number): Uint8Array | number;
  // System calls that never wait. A result, or -errno.
  /** Close-on-exec is added. */
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, sockaddr: Uint8Array): number;
  listen(fd: number, backlog: number): number;
  /** From `offset` on, what the kernel has room for: how many bytes, or -errno. */
  sendNow(fd: number, view: Uint8Array, offset: number): number;
  shutdown(fd: number, how: number): number;
  setsockopt(fd: number, level: number, name: number, value: number | Uint8Array): number;
  /** Of options that are an int. */
  getsockopt(fd: number, level: number, name: number): number;
  /** How many bytes the peer of a TCP connection has confirmed. It only grows. */
  acknowledged(fd: number): number;
  /**
   * Whether a TCP connection has ended without the peer's FIN; `received` bytes of it have been received. False where that
   * cannot be known.
   */
  wasReset(fd: number, received: number): boolean;
  /** The reading and the writing end of a pipe that holds at least so many bytes, or -errno. */
  pipe(bytes: number): [number, number] | number;
  /** `st_mode` and the size, as far as they are known without asking a server. */
  describe(fd: number, out: Float64Array): number;
  /** fcntl(F_GETFL). */
  openFlags(fd: number): number;
  /** Clears O_NONBLOCK of a new socket. 0, or -errno. */
  setBlocking(fd: number): number;
  /** Another descriptor of the same open file, or -errno. */
  duplicate(fd: number): number;
  closeDescriptor(fd: number): number;
  /** The new position, or -errno: -29 (ESPIPE) for pipes, sockets and terminals. */
  lseek(fd: number, offset: number, whence: number): number;
  /** Lets malloc keep up to 64 MiB that was freed: it's used again without page faults. For the whole process. */
  keepFreedMemory(): void;
  /**
   * Asks for huge pages behind a large view that nothing has been written to yet: one page fault where there would be
   * 512. 0, or -errno: -22 (EINVAL) from kernels that have none.
   */
  useHugePages(view: Uint8Array): number;
  errorName(errno: number): string;
  errorText(errno: number): string;
}

let binding: Binding | undefined;
let path: string | undefined;

/**
 * Loads the addon, once. Call it only where `availability.ts` has found no objection: under Bun and Deno, and off
 * Linux, the addon must not even be loaded, since a part of libuv's interface is missing there.
 */
export function loadBinding(): Binding {
  if (binding === undefined) {
    path = findAddon();
    // As require() does, without its search for a package that the file could be of.
    const module = { exports: {} };
    process.dlopen(module, path);
    binding = module.exports as Binding;
  }
  return binding;
}

/** The addon if something has loaded it already; never loads it. */
export function loadedBinding(): Binding | undefined {
  return binding;
}

/** The file that the addon was, or was to be, loaded from; undefined if none was found, or looked for. */
export function addonPath(): string | undefined {
  return path;
}
