/**
 * node's own `node:fs`: what ringcore falls back to, and what it has no ring version of yet. As it was before
 * `ringcore/register`.
 *
 * @module
 */
import { originalOf } from '../core/originals.js';
import { fsExports } from './node_exports.js';

export * from 'node:fs';
const nodeFs = originalOf('fs', fsExports);
export default nodeFs;
