/**
 * What makes ringcore's FileHandles node's as well: instances of node's class, and transferable to other threads by
 * `postMessage`, where they arrive as node's.
 *
 * node exports neither its class nor what marks an object as transferable (its constructor does that), so both are
 * taken from a handle that node has opened, before ringcore makes its first one. Where something of it is missing,
 * handles are ringcore's alone and cannot be transferred.
 *
 * @module
 */
import type { FileHandle as NodeFileHandle } from 'node:fs/promises';
import type { HandleLifetime } from './handle_lifetime.js';
import nodePromises from './node_promises.js';

/** What owns a descriptor in node's C++, and can be moved to another thread. */
interface NativeHandle {
  /** Disowns the descriptor. */
  releaseFD(): void;
}

type Class<H extends object> = (abstract new (...args: never[]) => H) & { prototype: H };

function assertIdle(file: HandleLifetime): void {
  if (file.busy) throw new DOMException('Cannot transfer FileHandle while in use', 'DataCloneError');
}

function symbolOf(object: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(object).find((symbol) => symbol.description === description);
}

/** Lets `own` inherit from node's class, and its instances be transferred. */
function adopt<H extends object>(
  own: Class<H>,
  lifetimeOf: (handle: H) => HandleLifetime,
  sample: NodeFileHandle,
): void {
  const prototype = Object.getPrototypeOf(sample) as object;
  const transfer = symbolOf(prototype, 'messaging_transfer_symbol');
  const transferList = symbolOf(prototype, 'messaging_transfer_list_symbol');
  const nativeHandle = symbolOf(sample, 'kHandle');
  if (transfer === undefined || transferList === undefined || nativeHandle === undefined) return;
  const native = (sample as unknown as Record<symbol, object | undefined>)[nativeHandle];
  if (typeof (native as Partial<NativeHandle> | undefined)?.releaseFD !== 'function') return;
  const Native = native!.constructor as new (fd: number) => NativeHandle;

  const moving = new WeakMap<object, NativeHandle>();
  const methods = {
    /** First: what is to be moved. */
    [transferList](this: H): NativeHandle[] {
      // Somebody else's way of transferring it.
      if ((this as Record<symbol, unknown>)[transfer] !== methods[transfer]) return [];
      const file = lifetimeOf(this);
      assertIdle(file);
      const handle = new Native(file.fd);
      moving.set(this, handle);
      // The rest of the message may be what cannot be sent. Then the descriptor is still ours.
      queueMicrotask(() => {
        if (moving.delete(this)) handle.releaseFD();
      });
      return [handle];
    },
    /** Then: what the other side is told. `data` becomes a FileHandle of node's. */
    [transfer](this: H): object {
      const file = lifetimeOf(this);
      assertIdle(file);
      const handle = moving.get(this);
      moving.delete(this);
      file.give();
      return { data: { handle }, deserializeInfo: 'internal/fs/promises:FileHandle' };
    },
  };
  for (const symbol of [transfer, transferList]) {
    Object.defineProperty(own.prototype, symbol, {
      value: methods[symbol],
      writable: true,
      configurable: true,
    });
  }
  // `super()` looks the constructor up when it is called.
  Object.setPrototypeOf(own.prototype, prototype);
  Object.setPrototypeOf(own, prototype.constructor);
}

let adopting: Promise<void> | undefined;
let done = false;

/**
 * To be awaited before the first instance of `own` is made: a promise that never rejects. Nothing, when all is done.
 */
export function adopted<H extends object>(
  own: Class<H>,
  lifetimeOf: (handle: H) => HandleLifetime,
): Promise<void> | undefined {
  if (done) return undefined;
  return (adopting ??= (async () => {
    try {
      const sample = await nodePromises.open('/dev/null');
      adopt(own, lifetimeOf, sample);
      done = true;
      await sample.close();
    } catch {
      // No descriptor left, or no permission: with the next one it is tried again.
      adopting = undefined;
    }
  })());
}
