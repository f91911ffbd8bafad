/**
 * `node:fs`, `node:fs/promises` and `node:net` on Linux io_uring, by their most used names.
 *
 * Functions of files return a promise, as in node:fs/promises; with a callback as last argument they are node:fs's.
 * Everything else stands in the namespaces `fs`, `fsPromises`, `net` and `core`, which are also `ringcore/fs`,
 * `ringcore/fs/promises`, `ringcore/net` and `ringcore/core`.
 *
 * ```ts
 * import { createReadStream, createServer, readFile } from 'ringcore';
 * ```
 *
 * @module
 */
import * as all from './public.js';

export * from './public.js';

// require('ringcore') gives a plain object that can be changed, as CommonJS modules are.
const api = { ...all };
/** @internal */
export { api as 'module.exports' };
