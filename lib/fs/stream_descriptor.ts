/**
 * `stream.fd` of a stream whose descriptor nobody else knows: it shows that the program asks for it, and may use it without the
 * stream from then on. To programs it is a property like node's, and becomes one when it is read.
 *
 * @module
 */
import { inspect } from '../core/node_util.js';
import { expose } from './private_descriptors.js';

interface Stream {
  fd: number | null;
}

const hidden = new WeakMap<object, number>();
/** The stream whose `fd` is being read by node's own code. */
let working: object | undefined;

function show(stream: Stream & { [inspect.custom]?: unknown }, value: number | null): void {
  hidden.delete(stream);
  Object.defineProperty(stream, 'fd', { value, writable: true, enumerable: true, configurable: true });
  if (stream[inspect.custom] === inspector.value) delete stream[inspect.custom];
}

/** Whoever reads or sets it may know the stream as another object: a Proxy, or one of which it is the prototype. */
function accessorOf(stream: Stream, fd: number): PropertyDescriptor {
  return {
    get() {
      if (working !== this) {
        expose(fd);
        show(stream, fd);
      }
      return fd;
    },
    set(value: number | null) {
      show(stream, value);
    },
    enumerable: true,
    configurable: true,
  };
}

const inspector = {
  // Else it would be called an accessor.
  value(this: Stream, depth: number, options: object): string {
    void this.fd;
    return inspect(this, { ...options, depth });
  },
  configurable: true,
};

/** From now on it is noticed when the program reads `stream.fd`, which is `fd`. */
export function hideDescriptor(stream: object, fd: number): void {
  hidden.set(stream, fd);
  Object.defineProperty(stream, 'fd', accessorOf(stream as Stream, fd));
  if (!Object.hasOwn(stream, inspect.custom)) Object.defineProperty(stream, inspect.custom, inspector);
}

/** `stream.fd`, for who does not tell it. */
export function descriptorIn(stream: object): number | null {
  return hidden.get(stream) ?? (stream as Stream).fd;
}

/** Runs code of node's that reads `stream.fd`, and nothing of the program's. */
export function unnoticed<T>(stream: object, run: () => T): T {
  const before = working;
  working = stream;
  try {
    return run();
  } finally {
    working = before;
  }
}
