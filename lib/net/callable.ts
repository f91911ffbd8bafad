/**
 * Classes that can be used as node's older ones, which are functions: called without `new`, also on an object whose
 * prototype was made with `util.inherits()`.
 *
 * @module
 */
import { EventEmitter } from 'node:events';
import { Duplex, type DuplexOptions } from 'node:stream';

/** What the class that is constructed next becomes, instead of an object of its own. */
let target: object | undefined;

/** @internal */
export function takeTarget(): object | undefined {
  const taken = target;
  target = undefined;
  return taken;
}

/** Duplex, the fields of classes below which can be given to an object that exists. */
export class CallableDuplex extends Duplex {
  constructor(options: DuplexOptions) {
    const existing = takeTarget();
    if (existing === undefined) {
      super(options);
    } else {
      Duplex.call(existing as Duplex, options);
      // Fields are defined on what a constructor returns.
      return existing as this;
    }
  }
}

/** As {@link CallableDuplex}. */
export class CallableEmitter extends EventEmitter {
  constructor() {
    const existing = takeTarget();
    if (existing === undefined) {
      super();
    } else {
      EventEmitter.call(existing as EventEmitter);
      return existing as this;
    }
  }
}

/** The objects that were made elsewhere. */
const existed = new WeakSet<object>();

/** Whether a class below has given its fields to this object, which was made elsewhere. */
export const hasFields = (object: object): boolean => existed.has(object);

/** By prototypes: others, of objects that get fields all the same. See {@link alsoOn}. */
const bridges = new WeakMap<object, object>();

/** Called on an object that inherits from `bridge`, the class of `prototype` gives it its fields. */
export function alsoOn(prototype: object, bridge: object): void {
  bridges.set(prototype, bridge);
}

// The constructor of any class: its arguments are none of our business.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyClass = new (...args: any[]) => object;

/** Makes an object that was made for `from`, or objects of a class that was, inherit from `to` instead. */
function reparent(object: object, from: object, to: object): void {
  let lowest = object;
  for (;;) {
    const parent = Object.getPrototypeOf(lowest) as object | null;
    if (parent === null) return;
    if (parent === from) break;
    lowest = parent;
  }
  Object.setPrototypeOf(lowest, to);
}

/**
 * Lets a class that is derived from one of the above be called without `new`: on an object of the class that has no
 * fields yet it makes them, elsewhere it makes an object. Node's own objects count as instances of it too: those of
 * http, tls and standard input are made by node whatever a program imports.
 *
 * `isForNode`: what node's constructor is to make all the same, since node's own code works with it; `self` inherits from
 * the class, or is undefined in a call without `new`. Where node has derived a class of its own from this one (under
 * `ringcore/register`: tls, tty), that class is moved to node's.
 */
export function callable<C extends AnyClass>(
  Class: C,
  NodeClass: AnyClass,
  isForNode: (args: unknown[], self: object | undefined) => boolean,
): C {
  const { prototype } = Class as { prototype: object };
  const nodePrototype = (NodeClass as { prototype: object }).prototype;
  const inherits = (from: object | undefined, self: unknown): self is object =>
    from !== undefined && Object.prototype.isPrototypeOf.call(from, self as object);
  const wrapped: C = new Proxy(Class, {
    construct(_target, args: unknown[], newTarget): object {
      const { prototype: made } = newTarget as { prototype: object };
      if (!isForNode(args, made)) return Reflect.construct(Class, args, newTarget) as object;
      if (made === prototype) return Reflect.construct(NodeClass, args);
      reparent(made, prototype, nodePrototype);
      return Reflect.construct(NodeClass, args, newTarget) as object;
    },
    apply(_target, self: unknown, args: unknown[]) {
      if (inherits(prototype, self) || inherits(bridges.get(prototype), self)) {
        if (!isForNode(args, self)) {
          target = self;
          existed.add(self);
          try {
            Reflect.construct(Class, args);
          } finally {
            target = undefined;
          }
          return undefined;
        }
        reparent(self, prototype, nodePrototype);
      }
      if (inherits(nodePrototype, self)) return Reflect.apply(NodeClass, self, args) as unknown;
      return Reflect.construct(isForNode(args, undefined) ? NodeClass : Class, args);
    },
  });
  Object.defineProperty(prototype, 'constructor', { value: wrapped, writable: true, configurable: true });
  Object.defineProperty(Class, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      const ordinary = Function.prototype[Symbol.hasInstance].call(this as AnyClass, value);
      return ordinary || (this === wrapped && value instanceof NodeClass);
    },
    configurable: true,
  });
  return wrapped;
}
