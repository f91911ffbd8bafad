/**
 * The objects that programs get as `node:fs` and `node:fs/promises`, and patch. Under `ringcore/register` the ring's
 * functions are in them: node_fs.ts and node_promises.ts have node's own.
 *
 * @module
 */
import fsExports from 'node:fs';
import promisesExports from 'node:fs/promises';

export { fsExports, promisesExports };
