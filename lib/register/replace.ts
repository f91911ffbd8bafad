/**
 * Putting members into an object of somebody else's, and taking them out again.
 *
 * @module
 */

/** Takes back what was done. */
export type Undo = () => void;

/** Defines one property. The undo puts back what was there, unless somebody has replaced it meanwhile. */
export function replaceMember(object: object, name: PropertyKey, value: unknown): Undo {
  const before = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, {
    value,
    writable: true,
    enumerable: before?.enumerable ?? false,
    configurable: true,
  });
  return () => {
    if (Object.getOwnPropertyDescriptor(object, name)?.value !== value) return;
    if (before === undefined) Reflect.deleteProperty(object, name);
    else Object.defineProperty(object, name, before);
  };
}

/**
 * Puts those functions of `own` into the exports of a module that are not what node's were; no other names. Getters of
 * `own` are node's.
 */
export function replaceMembers(
  exported: object,
  originals: object,
  own: object,
  except: object = {},
): Undo[] {
  const undos: Undo[] = [];
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(own))) {
    const before = Object.getOwnPropertyDescriptor(exported, name);
    const isOurs =
      typeof value === 'function' && value !== Object.getOwnPropertyDescriptor(originals, name)?.value;
    if (isOurs && before?.configurable && !(name in except)) undos.push(replaceMember(exported, name, value));
  }
  return undos;
}
