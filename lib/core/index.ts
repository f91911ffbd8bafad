/**
 * The white box: rings, operations, chains, buffers and timers, in the kernel's own terms.
 *
 * ```ts
 * import { chain, close, openat, read } from 'ringcore/core';
 *
 * const buffer = Buffer.alloc(4096);
 * const fd = await openat('/etc/hostname');
 * const [bytes] = await chain([read(fd, buffer), close(fd)], { hard: true });
 * console.log(buffer.toString('utf8', 0, bytes));
 * ```
 *
 * @module
 */
import * as core from './public.js';

export * from './public.js';
// By name too: typedoc does not find a namespace that is exported twice removed.
export * as constants from './constants.js';

// What require('ringcore/core') gives: a plain object that can be changed, as CommonJS modules are.
const api = { ...core };
/** @internal */
export { api as 'module.exports' };
