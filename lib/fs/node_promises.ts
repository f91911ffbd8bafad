/**
 * node's own `node:fs/promises`: see node_fs.ts.
 *
 * @module
 */
import { originalOf } from '../core/originals.js';
import { promisesExports } from './node_exports.js';

export * from 'node:fs/promises';
const nodePromises = originalOf('fs/promises', promisesExports);
export default nodePromises;
