/**
 * node's own `node:fs/promises`: see node_fs.ts.
 *
 * @module
 */
import nodePromises from 'node:fs/promises';

export * from 'node:fs/promises';
export default nodePromises;
