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

// The constructor of any class: its arguments are none of our business.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyClass = new (...args: any[]) => object;

/**
 * Lets a class that is derived from one of the above be called without `new`: on an object of the class that has no
 * fields yet it makes them, elsewhere it makes an object. Node's own objects count as instances of it too: those of
 * http, tls and standard input are made by node whatever a program imports.
 */
export function callable<C extends AnyClass>(Class: C, NodeClass: AnyClass): C {
  const { prototype } = Class as { prototype: object };
  const wrapped = new Proxy(Class, {
    apply(_target, self: unknown, args: unknown[]) {
      if (!Object.prototype.isPrototypeOf.call(prototype, self as object))
        return Reflect.construct(Class, args);
      target = self as object;
      try {
        Reflect.construct(Class, args);
      } finally {
        target = undefined;
      }
      return undefined;
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
