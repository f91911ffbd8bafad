// What a program can see of a value, without what differs by nature: the directory's name, inodes, times, descriptors.
import nodeFs from 'node:fs';
import { types } from 'node:util';

type Loose = Record<string, unknown>;
type Classes = Record<string, ErrorConstructor | undefined>;

/** What differs between two files that are otherwise alike. */
const natural = new Set(
  ['ino', 'bfree', 'bavail', 'ffree'].concat(
    ['atime', 'mtime', 'ctime', 'birthtime'].flatMap((time) => [time, `${time}Ms`, `${time}Ns`]),
  ),
);

function text(value: string, dir: string): string {
  // Some messages have a Uint8Array in them.
  const numbers = Buffer.from(dir.slice(1)).join(',');
  return value
    .replaceAll(dir, '<dir>')
    .replaceAll(numbers, '<dir>')
    .replace(/(temp-)[A-Za-z0-9]{6}/g, '$1XXXXXX');
}

function errorFacts(error: Error, dir: string): Loose {
  const facts: Loose = { class: error.constructor.name, name: error.name, message: text(error.message, dir) };
  // Errors that node's C++ throws have no code there.
  facts.stack = text(String(error.stack), dir)
    .split('\n')[0]!
    .replace(/^(\w+) \[\w+\]/, '$1');
  facts.isOfItsName = error instanceof ((globalThis as unknown as Classes)[error.name] ?? Error);
  for (const key of Object.keys(error)) facts[`own ${key}`] = factsOf((error as unknown as Loose)[key], dir);
  for (const key of ['code', 'cause']) facts[key] = factsOf((error as unknown as Loose)[key], dir);
  return facts;
}

function viewFacts(view: ArrayBufferView, dir: string): Loose {
  // A detached or shrunk one has no bytes, and of a DataView it must not even be asked.
  const bytes = types.isUint8Array(view) || view.buffer.byteLength > 0 ? view.byteLength : 0;
  const data = bytes === 0 ? '' : Buffer.from(view.buffer, view.byteOffset, bytes);
  return { view: view.constructor.name, data: text(data.toString('latin1'), dir) };
}

function objectFacts(value: object, dir: string): Loose {
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name: string } } | null;
  const facts: Loose = { class: prototype === null ? null : prototype.constructor?.name };
  for (const key of Reflect.ownKeys(value)) {
    const member = (value as Record<string | symbol, unknown>)[key];
    facts[String(key)] =
      natural.has(String(key)) || /partial/i.test(String(key)) ? typeof member : factsOf(member, dir);
  }
  if (value instanceof nodeFs.Stats) facts.isStats = true;
  return facts;
}

/** A value as plain data that can be compared. */
export function factsOf(value: unknown, dir: string): unknown {
  if (typeof value === 'string') return text(value, dir);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'symbol' || typeof value === 'bigint') return `${typeof value} ${String(value)}`;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return errorFacts(value, dir);
  if (ArrayBuffer.isView(value)) return viewFacts(value, dir);
  if (types.isAnyArrayBuffer(value)) return { buffer: value.byteLength };
  if (Array.isArray(value)) return value.map((member) => factsOf(member, dir));
  // What is inside of these is nobody's business.
  if (
    ['FileHandle', 'Dir', 'URL', 'AbortSignal', 'ReadStream', 'WriteStream'].includes(value.constructor?.name)
  ) {
    return value.constructor.name;
  }
  return objectFacts(value, dir);
}

/** All that is below a directory: kinds, permissions, contents, which names are one file. */
export function treeOf(dir: string): Loose {
  const tree: Loose = {};
  const inodes = new Map<number, string>();
  // Names as latin1: not all of them are UTF-8.
  const visit = (name: string): void => {
    const path = Buffer.from(dir + name, 'latin1');
    const status = nodeFs.lstatSync(path);
    const facts: Loose = { mode: status.mode.toString(8) };
    if (status.uid !== process.getuid?.()) facts.uid = status.uid;
    if (status.isSymbolicLink()) facts.target = text(nodeFs.readlinkSync(path), dir);
    else if (status.isFile()) {
      facts.same = inodes.get(status.ino);
      inodes.set(status.ino, name);
      facts.data = status.size > 1e6 ? status.size : text(nodeFs.readFileSync(path, 'latin1'), dir);
      // Set on purpose: in another year than ours.
      if (status.mtimeMs < 1e12) facts.mtimeMs = status.mtimeMs;
    }
    tree[text(name, dir)] = facts;
    if (!status.isDirectory()) return;
    for (const entry of nodeFs.readdirSync(path, 'latin1').sort()) visit(`${name}/${entry}`);
  };
  visit('');
  return tree;
}
