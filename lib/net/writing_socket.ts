/**
 * What becomes of what is written to a socket, on its way to the connection's {@link Sender}.
 *
 * @module
 */
import {
  byteLength,
  gather,
  gatherBytes,
  gatherInGroups,
  isDetached,
  mayHaveShrunk,
  type Piece,
} from './chunks.js';
import type { Connection } from './connection.js';
import { closedBeforeConnection, notABuffer, socketClosed } from './errors.js';
import { exitHasBegun } from '../core/exiting.js';
import { mostCopied, type Outgoing, type WriteCallback } from './sender.js';
import { SocketBase } from './socket_base.js';

const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** What a stream has been given, and has yet to hand over. */
interface StreamBuffer {
  buffered: (Piece & { callback: WriteCallback })[];
  bufferedIndex: number;
}

/** Bytes that are not copied. */
const isLarge = (chunk: unknown): boolean => ArrayBuffer.isView(chunk) && chunk.byteLength > mostCopied;

/**
 * Sends what is written.
 *
 * Programs write from memory that they use again as soon as `write()` has returned: node's socket has given the bytes to the
 * kernel by then, if that has room. Here the kernel gets them when the event loop turns. So what `write()` was given is
 * copied if it is small, or else handed over at once; only what node would have kept a reference to is read later, since the
 * stream is corked, not connected yet, or the kernel has no room.
 */
export abstract class WritingSocket extends SocketBase {
  /** Bytes of a write that waits for the connection. */
  #pendingBytes = 0;
  /** So many pieces that the stream has yet to hand over have gone: see `_flush`. */
  #piecesAhead = 0;
  /** As so many bytes of this connection, or 0: of one that was let go. */
  #bytesAhead = 0;
  /** So many pieces of the stream's buffer went with a connection that was let go, or were begun: it has counted them. */
  #counted = 0;
  /** Corked: so many pieces in the stream's buffer are not. */
  #uncorked = 0;
  #looksAgain = false;

  // --- what the program does

  override write(
    chunk: unknown,
    encoding?: BufferEncoding | WriteCallback,
    callback?: WriteCallback,
  ): boolean {
    const isBehind = this.writableLength > 0;
    const taken = isBehind ? this.#taken(chunk) : chunk;
    const more = super.write(taken, encoding as BufferEncoding, callback);
    this.#handOver(isBehind && isLarge(chunk));
    return more;
  }

  override end(chunk?: unknown, encoding?: BufferEncoding | (() => void), callback?: () => void): this {
    const isBehind = this.writableLength > 0;
    const taken = isBehind ? this.#taken(chunk) : chunk;
    super.end(taken, encoding as BufferEncoding, callback);
    this.#handOver(isBehind && isLarge(chunk));
    return this;
  }

  override cork(): void {
    if (this.writableCorked === 0) {
      const { buffered, bufferedIndex } = this.#stream();
      this.#uncorked = buffered.length - bufferedIndex;
      // The stream would keep them until it is uncorked: if that is not at once, they go before.
      if (this.#uncorked > 0 && !this.#looksAgain) {
        this.#looksAgain = true;
        process.nextTick(() => {
          this.#looksAgain = false;
          if (this.writableCorked > 0) this._flush();
        });
      }
    }
    super.cork();
  }

  override uncork(): void {
    const corked = this.writableCorked > 0;
    super.uncork();
    if (corked && this.writableCorked === 0) this.#takeBuffered(this.#uncorked);
  }

  /** Behind another write: bytes that may be changed from now on. What node would read later is left as it is. */
  #taken(chunk: unknown): unknown {
    if (!ArrayBuffer.isView(chunk) || chunk.byteLength === 0 || isLarge(chunk)) return chunk;
    if (this.writableCorked > 0 || this.connecting) return chunk;
    return Buffer.from(chunk instanceof Uint8Array ? chunk : bytesOf(chunk));
  }

  /** What is in the stream's buffer from this piece on, and not corked, waits for a write before it. */
  #takeBuffered(from: number): void {
    const { buffered, bufferedIndex } = this.#stream();
    const end = this.writableCorked > 0 ? bufferedIndex + this.#uncorked : buffered.length;
    let left = false;
    for (let i = bufferedIndex + from; i < end; i++) {
      const piece = buffered[i]!;
      const { chunk } = piece;
      piece.chunk = this.#taken(chunk) as Piece['chunk'];
      left ||= isLarge(chunk);
    }
    this.#handOver(left);
  }

  /** The stream keeps what it was given, or bytes of the program's: gives them to the kernel, if that has room. */
  #handOver(bytesLeft: boolean): void {
    const sender = this._handle?.sender;
    const wanted = bytesLeft && this.writableCorked === 0 && sender?.full === false;
    if (wanted || exitHasBegun) this._flush();
  }

  /** `writableBuffer` is a copy. */
  #stream(): StreamBuffer {
    return (this as unknown as { _writableState: StreamBuffer })._writableState;
  }

  /** What was written, sent or not. */
  get bytesWritten(): number | undefined {
    const { writableBuffer: pieces } = this as unknown as { writableBuffer?: Piece[] };
    if (!pieces) return undefined;
    let bytes = this._bytesDispatched! + this.#pendingBytes;
    for (let i = this.#counted; i < pieces.length; i++) bytes += byteLength(pieces[i]!);
    return bytes;
  }

  // --- what the stream hands over

  override _write(data: string | Uint8Array, encoding: BufferEncoding, callback: WriteCallback): void {
    if (!this.#isPlain(data.length)) {
      const pieces = [{ chunk: data, encoding }];
      if (this.#toSend(pieces, callback).length === 0) return;
    }
    const isText = typeof data === 'string';
    if (isText && (encoding as string) === 'buffer') throw notABuffer();
    const view = isText ? Buffer.from(data, encoding) : data;
    const bytes = view.byteLength;
    this.#send({ views: [view], lengths: [bytes], bytes, mayChange: !isText }, callback);
  }

  override _writev(chunks: Piece[], callback: WriteCallback): void {
    let streamLength = 0;
    for (const { chunk } of chunks) streamLength += chunk.length;
    const pieces = this.#isPlain(streamLength) ? chunks : this.#toSend(chunks, callback);
    if (pieces.length === 0) return;
    const views = gather(pieces);
    const lengths = views.map((view) => view.byteLength);
    let bytes = 0;
    for (const length of lengths) bytes += length;
    this.#send({ views, lengths, bytes, mayChange: bytes > gatherBytes }, callback);
  }

  /** The stream has counted what was written, and gives all of it, if it does as ever. */
  #isPlain(streamLength: number): boolean {
    return this._handle !== null && streamLength >= this.writableLength && this.#piecesAhead === 0;
  }

  /** Those that have not gone already; none, and the callback is called, if nothing is to be done about them. */
  #toSend(pieces: Piece[], callback: WriteCallback): Piece[] {
    let streamLength = 0;
    for (const { chunk } of pieces) streamLength += chunk.length;
    const left = pieces.slice(this.#takeAhead(pieces.length));
    const shrunk = streamLength < this.writableLength && left.some(mayHaveShrunk);
    if (left.length === 0) callback();
    else if (this._handle === null && (shrunk || !this.connecting)) callback(socketClosed());
    else if (shrunk) this._handle!.sender.failShrunk(callback);
    else return left;
    return [];
  }

  /** How many of so many pieces, which are handed over now, have gone. */
  #takeAhead(pieces: number): number {
    const gone = Math.min(this.#piecesAhead, pieces);
    this.#piecesAhead -= gone;
    this.#counted = Math.max(0, this.#counted - pieces);
    if (this.#bytesAhead === 0) return gone;
    // Of a part of them it is not known how many bytes they are: the sender skips what has gone.
    const known = this.#piecesAhead === 0;
    if (known) this._handle!.sender.skip(this.#bytesAhead);
    this.#piecesAhead = 0;
    this.#bytesAhead = 0;
    return known ? gone : 0;
  }

  #send(data: Outgoing, callback: WriteCallback): void {
    if (this.connecting) this.#sendWhenConnected(data, callback);
    else this.#sendNow(data, callback);
  }

  #sendNow(data: Outgoing, callback: WriteCallback): void {
    this.#pendingBytes = 0;
    if (this._handle === null) {
      callback(socketClosed());
      return;
    }
    this._unrefTimer();
    this._handle.sender.send(data, callback);
  }

  /** The stream keeps back what is written after it. */
  #sendWhenConnected(data: Outgoing, callback: WriteCallback): void {
    this.#pendingBytes = data.bytes;
    const onConnect = (): void => {
      this.off('close', onClose);
      this.#sendNow(data, callback);
      this.#takeBuffered(0);
    };
    const onClose = (): void => {
      // It may be connected once more.
      this.off('connect', onConnect);
      callback(closedBeforeConnection());
    };
    this.once('connect', onConnect);
    this.once('close', onClose);
  }

  // --- before its turn

  /**
   * @internal What was written goes to the kernel now, as far as that has room: see {@link Sender.flush}. Returns how many
   * pieces of the stream's buffer are begun.
   */
  override _flush(): number {
    // The first write may wait for the 'connect' that is being emitted.
    if (this.writableLength === 0 || this.connecting || this.#pendingBytes > 0) return 0;
    // A handle of the program's own has no such thing.
    const sender: Connection['sender'] | undefined = this._handle?.sender;
    if (sender === undefined) return 0;
    const { buffered, bufferedIndex } = this.#stream();
    const end = this.writableCorked > 0 ? bufferedIndex + this.#uncorked : buffered.length;
    const following = buffered.slice(bufferedIndex + this.#piecesAhead, end);
    const detached = following.findIndex(isDetached);
    if (detached >= 0) {
      following.length = detached;
      // What the peer gets must not look like the whole.
      this._handle!.closeWithReset();
    }
    const { pieces, bytes, begun } = sender.flush(gatherInGroups(following), this.#bytesAhead);
    this.#piecesAhead += pieces;
    this.#bytesAhead = bytes;
    return begun ? this.#piecesAhead + 1 : this.#piecesAhead;
  }

  /** Has no connection from now on. What was written goes with it, as far as there is room. */
  protected _letGoBehindWrites(): Connection | null {
    this.#counted = this._flush();
    const gone = this.#piecesAhead;
    if (this.#counted === 0) this.#piecesAhead = 0;
    this.#bytesAhead = 0;
    const { buffered, bufferedIndex } = this.#stream();
    let bytes = 0;
    for (let i = 0; i < this.#counted; i++) {
      const piece = buffered[bufferedIndex + i]!;
      bytes += byteLength(piece);
      // The stream, which is destroyed, would say of all it has that it was lost.
      const { callback } = piece;
      if (i < gone) piece.callback = () => callback(null);
    }
    return this._letGo(bytes);
  }

  /** @internal */
  override _adopt(connection: Connection): void {
    // What has gone has, by whichever connection.
    this.#bytesAhead = 0;
    super._adopt(connection);
  }

  /** @internal The connection goes on elsewhere: the descriptor is closed, and the peer told nothing. */
  _giveAway(): void {
    this._letGoBehindWrites()?.close();
  }

  /** @internal */
  override _reuse(): void {
    if (this.destroyed) this.#piecesAhead = this.#counted = 0;
    super._reuse();
  }
}
